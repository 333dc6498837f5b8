//! The lanes of the timeline, and their bars.

use super::critical_path;
use crate::report::svg::shortened;
use crate::report::time::duration;
use eni_core::run_result::{Request, RunResult};
use std::collections::BTreeSet;

/// A lane with more bars has one row in the overview.
const CROWDED: usize = 6;

/// What a bar stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Phase,
    Request,
    Absent,
    Failed,
    Wait,
}

impl Kind {
    pub(super) const ALL: [Self; 5] =
        [Self::Phase, Self::Request, Self::Absent, Self::Failed, Self::Wait];

    /// Returns its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Request => "request",
            Self::Absent => "absent",
            Self::Failed => "failed",
            Self::Wait => "wait",
        }
    }

    /// Returns its description for the legend.
    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Phase => "phase",
            Self::Request => "request",
            Self::Absent => "404 not found",
            Self::Failed => "✕ failed request",
            Self::Wait => "wait",
        }
    }
}

/// A period of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub kind: Kind,
    pub start: u64,
    pub end: u64,
    pub label: String,
    /// The whole text, without the duration.
    pub text: String,
    pub is_critical: bool,
}

impl Bar {
    /// Returns the text under the pointer.
    pub(super) fn tooltip(&self) -> String {
        let (start, length) = (duration(self.start), duration(self.end.saturating_sub(self.start)));
        format!("{}: {length}, from {start}", self.text)
    }
}

/// The bars of one kind or one service.
#[derive(Debug)]
pub(super) struct Lane {
    pub name: &'static str,
    pub bars: Vec<Bar>,
}

impl Lane {
    /// Returns whether it has many bars, which the overview draws in one row.
    pub(super) fn is_crowded(&self) -> bool {
        self.bars.len() > CROWDED || self.bars.iter().any(|bar| bar.kind == Kind::Phase)
    }
}

/// Returns the lanes with at least one bar: the phases, each service in the order of its first request, the waits.
pub(super) fn lanes(result: &RunResult) -> Vec<Lane> {
    let phases = result.phases.iter().map(|phase| Bar {
        kind: Kind::Phase,
        start: phase.start_us,
        end: phase.end_us(),
        label: phase.name.name().to_owned(),
        text: phase.name.name().to_owned(),
        is_critical: false,
    });
    let mut lanes = vec![Lane { name: "phases", bars: phases.collect() }];
    let critical: BTreeSet<usize> = critical_path(&result.requests).into_iter().collect();
    let mut requests: Vec<(usize, &Request)> = result.requests.iter().enumerate().collect();
    requests.sort_by_key(|(_, request)| request.start_us);
    for (index, request) in requests {
        let bar = request_bar(request, critical.contains(&index));
        let service = request.service.name();
        match lanes.iter_mut().find(|lane| lane.name == service) {
            Some(lane) => lane.bars.push(bar),
            None => lanes.push(Lane { name: service, bars: vec![bar] }),
        }
    }
    let waits = result.waits.iter().map(|wait| Bar {
        kind: Kind::Wait,
        start: wait.start_us,
        end: wait.start_us.saturating_add(wait.duration_us),
        label: format!("{} ({})", wait.reason, duration(wait.duration_us)),
        text: format!("{}: {}", wait.target, wait.reason),
        is_critical: false,
    });
    lanes.push(Lane { name: "waits", bars: waits.collect() });
    lanes.retain(|lane| !lane.bars.is_empty());
    lanes
}

fn request_bar(request: &Request, is_critical: bool) -> Bar {
    let Request { operation, result, start_us, .. } = request;
    let diamond = if is_critical { "◆ " } else { "" };
    let short = short(operation);
    let (kind, label) = if request.has_failed() {
        (Kind::Failed, format!("{diamond}✕ {short}: {result}"))
    } else if result == "404" {
        (Kind::Absent, format!("{diamond}{short}: 404"))
    } else {
        (Kind::Request, format!("{diamond}{short}"))
    };
    let text = format!("{operation}: {result}");
    Bar { kind, start: *start_us, end: request.end_us(), label, text, is_critical }
}

/// Returns the last part of the path of an operation, and for an object in the cluster also its kind. The method `GET`
/// is left out.
fn short(operation: &str) -> String {
    let (method, path) = operation.split_once(' ').unwrap_or(("", operation));
    let path = path.split('?').next().unwrap_or(path).trim_end_matches('/');
    let parts: Vec<&str> = path.split('/').collect();
    let last = match parts.as_slice() {
        ["", "api" | "apis", .., kind, name] if *kind != "v1" && !kind.starts_with("v1alpha") => {
            format!("{kind}/{name}")
        }
        [.., last] => (*last).to_owned(),
        [] => String::new(),
    };
    let text = match (last.as_str(), method) {
        ("", _) => operation.to_owned(),
        (_, "" | "GET") => last,
        (_, method) => format!("{method} {last}"),
    };
    shortened(&text, 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_a_request_is_the_last_part_of_its_path() {
        for (operation, expected) in [
            ("GET /latest/meta-data/instance-type", "instance-type"),
            ("GET /latest/meta-data/network/interfaces/macs/", "macs"),
            ("GET /apis/apps/v1/namespaces/kube-system/daemonsets/aws-node", "daemonsets/aws-node"),
            ("GET /apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/a?b=c", "eniconfigs/a"),
            ("GET /apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs", "eniconfigs"),
            ("PUT /latest/api/token", "PUT token"),
            ("DescribeSubnets", "DescribeSubnets"),
            ("GET /", "GET /"),
            ("", ""),
        ] {
            assert_eq!(short(operation), expected, "{operation}");
        }
    }
}
