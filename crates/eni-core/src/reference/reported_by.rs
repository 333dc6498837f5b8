//! What reports each code, and with which severities. Both follow from the calls of the constructors of `Diagnostic`
//! in the source code.

use crate::diagnostic::Code;
use crate::sources;
use std::collections::{BTreeMap, BTreeSet};

/// A command or an object that reports a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Run,
    Wait,
    Plan,
    Check,
    MaxPods,
    Event,
    PluginCheck,
    PluginConfigs,
    PluginNodes,
    PluginMaxPods,
    PluginCluster,
}

impl Place {
    fn text(self) -> &'static str {
        match self {
            Self::Run => "`run` (journal, console output, `eni-bootstrap report`)",
            Self::Wait => "`run` and `wait` (the reason for the wait, and the error)",
            Self::Plan => "`eni-bootstrap plan`",
            Self::Check => "`eni-bootstrap check`",
            Self::MaxPods => "`eni-bootstrap max-pods`",
            Self::Event => {
                "an Event of the node (`kubectl get events -n default --field-selector reason=PodSubnetFull`)"
            }
            Self::PluginCheck => "`kubectl eni check`",
            Self::PluginConfigs => "`kubectl eni configs`",
            Self::PluginNodes => "`kubectl eni nodes`",
            Self::PluginMaxPods => "`kubectl eni max-pods`",
            Self::PluginCluster => {
                "`kubectl eni capacity`, `kubectl eni expressions` and `kubectl eni max-pods --cni-from-cluster`"
            }
        }
    }
}

use Place::{
    Check, Event, MaxPods, Plan, PluginCheck, PluginCluster, PluginConfigs, PluginMaxPods,
    PluginNodes, Run, Wait,
};

/// The places of the diagnostics that a file creates, by the start of its path. The first match counts.
const PLACES: [(&str, &[Place]); 18] = [
    (
        "crates/eni-core/src/domain/aws_node",
        &[Run, Plan, Check, PluginCheck, PluginConfigs, PluginNodes, PluginCluster],
    ),
    ("crates/eni-core/src/domain/capacity", &[Run, Plan, Check, MaxPods, PluginMaxPods]),
    ("crates/eni-core/src/domain/eni_config", &[Wait, Check, PluginCheck]),
    ("crates/eni-core/src/plan", &[Run, Plan, Check]),
    ("src/adapter/kubernetes/other_cni", &[Run, Plan, Check]),
    ("src/verify/node_subnet", &[Run, Check]),
    ("src/verify/pod_subnets", &[Run, Check]),
    ("src/verify/registered_node", &[Run, Check]),
    ("src/verify", &[Run, Check, PluginCheck, PluginConfigs]),
    ("src/apply", &[Run, Check]),
    ("src/wait", &[Wait, Check]),
    ("src/command/check", &[Check]),
    ("src/command/zone_subnets", &[Run, Check]),
    ("src/report", &[Plan]),
    ("crates/kubectl-eni/src/check", &[PluginCheck]),
    ("crates/kubectl-eni/src/configs", &[PluginConfigs]),
    ("crates/kubectl-eni/src/nodes", &[PluginNodes]),
    ("crates/kubectl-eni/src/max_pods", &[PluginMaxPods]),
];

/// The codes that not all places of their file report.
const EXCEPTIONS: [(Code, &[Place]); 7] = [
    (Code::EniConfigDefault, &[Check, PluginCheck]),
    (Code::EniConfigDefaultNotChecked, &[Check]),
    (Code::NodeNotChecked, &[Run, Check]),
    // `max-pods` sets no max-pods, and its version of the CNI is always known.
    (Code::MaxPodsAboveCapacity, &[Run, Plan, Check]),
    (Code::MinimumIpTargetCaps, &[Run, Plan, Check, PluginMaxPods]),
    (Code::NoTrunkInterface, &[Run, Plan, Check, PluginMaxPods]),
    (Code::CniVersionUnknown, &[Run, Plan, Check, PluginMaxPods]),
];

/// The codes for which `run` creates an Event, and which are warnings on a node with pod addresses.
const SHORTAGES: [Code; 2] = [Code::SubnetFull, Code::NoFreePrefix];

const SEVERITIES: [&str; 5] = ["ok", "info", "warning", "failed", "skipped"];

/// The severities and the places of a code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReportedBy {
    severities: BTreeSet<usize>,
    places: BTreeSet<Place>,
}

impl ReportedBy {
    /// Returns the severities, such as `warning, failed`.
    pub fn severities(&self) -> String {
        self.severities.iter().map(|it| SEVERITIES[*it]).collect::<Vec<_>>().join(", ")
    }

    /// Returns the places as a list in Markdown.
    pub fn places(&self) -> String {
        self.places.iter().map(|it| it.text()).collect::<Vec<_>>().join("; ")
    }
}

/// Returns what reports each code. Panics if a file that creates diagnostics has no place.
pub(super) fn all() -> BTreeMap<Code, ReportedBy> {
    let mut reports: BTreeMap<Code, ReportedBy> = BTreeMap::new();
    for (path, text) in sources::all() {
        for (code, severity) in constructed(&text) {
            let places = PLACES.iter().find(|(start, _)| path.starts_with(start));
            let (_, places) = places.unwrap_or_else(|| panic!("{path} needs a row in PLACES"));
            let entry = reports.entry(code).or_default();
            entry.severities.insert(severity);
            entry.places.extend(*places);
        }
    }
    for (code, places) in EXCEPTIONS {
        reports.entry(code).or_default().places = places.iter().copied().collect();
    }
    for code in SHORTAGES {
        let entry = reports.entry(code).or_default();
        entry.places.insert(Event);
        entry.severities.insert(2);
    }
    reports
}

/// Returns each code that `text` passes to a constructor, with the severity of the constructor.
fn constructed(text: &str) -> Vec<(Code, usize)> {
    let mut codes = Vec::new();
    for (start, _) in text.match_indices("Code::") {
        let (before, rest) = (text[..start].trim_end(), &text[start + "Code::".len()..]);
        let end = rest.find(|it: char| !it.is_alphanumeric()).unwrap_or(rest.len());
        let Some(code) = Code::ALL.iter().find(|it| format!("{it:?}") == rest[..end]) else {
            continue;
        };
        // `let code = Code::X;` precedes the call.
        let after = rest[end..].lines().take(2).collect::<String>();
        let severity = SEVERITIES.iter().position(|severity| {
            let is_direct = before.ends_with(&format!("{severity}("));
            let is_next =
                before.ends_with("let code =") && after.contains(&format!("::{severity}(code"));
            is_direct || is_next
        });
        codes.extend(severity.map(|severity| (*code, severity)));
    }
    codes
}

#[test]
fn every_code_is_constructed() {
    let reports = all();
    let unused: Vec<&Code> = Code::ALL.iter().filter(|code| !reports.contains_key(code)).collect();
    assert_eq!(unused, Vec::<&Code>::new());
}

#[test]
fn constructors_are_recognized_in_each_form() {
    let text = "Diagnostic::warning(\n    Code::OldLabel,\n); let code = Code::VerifyOff;\n\
                x.push(Diagnostic::skipped(code, y)); if it.code == Code::CniOk {} skipped(Code::SubnetOk)";
    let expected = [(Code::OldLabel, 2), (Code::VerifyOff, 4), (Code::SubnetOk, 4)];
    assert_eq!(constructed(text), expected);
}
