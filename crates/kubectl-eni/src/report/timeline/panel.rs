//! The sections of time that the timeline draws: the whole run, and if one phase dominates it, what is before and
//! after this phase in detail.

use super::lanes::Bar;
use crate::report::time::duration;
use eni_core::run_result::{Phase, Request, RunResult};

/// A shorter run fits in one panel.
const SECOND: u64 = 1_000_000;
/// The beginning of a dominant phase that the panel before it also shows.
const CONTEXT: u64 = 50_000;

/// A section of time.
#[derive(Debug)]
pub(super) struct Panel {
    pub title: String,
    pub from: u64,
    pub to: u64,
    /// Whether other panels show parts of it in detail.
    pub is_overview: bool,
}

impl Panel {
    fn new(title: String, from: u64, to: u64) -> Self {
        // An axis needs a length.
        Self { title, from, to: to.max(from.saturating_add(1)), is_overview: false }
    }

    /// Returns the bars in this section, without the parts outside of it. A label ends with an ellipsis if the bar
    /// continues after the section.
    pub(super) fn bars(&self, bars: &[Bar]) -> Vec<Bar> {
        let inside = |bar: &&Bar| bar.end >= self.from && bar.start <= self.to;
        let not_beside = |bar: &&Bar| {
            (bar.end > self.from || bar.start == bar.end)
                && (bar.start < self.to || self.is_overview)
        };
        let bars = bars.iter().filter(inside).filter(not_beside).cloned();
        let marked = bars.map(|mut bar| {
            if bar.end > self.to {
                bar.label += " …";
            }
            bar
        });
        marked.collect()
    }
}

/// Returns the sections of a run.
pub(super) fn panels(result: &RunResult) -> Vec<Panel> {
    let ends = result.phases.iter().map(Phase::end_us);
    let ends = ends.chain(result.requests.iter().map(Request::end_us));
    let total = ends.fold(result.duration_us, u64::max);
    let mut whole = Panel::new(format!("Whole run, {}", duration(total)), 0, total);
    let longest = result.phases.iter().max_by_key(|phase| phase.duration_us);
    let Some(longest) = longest.filter(|it| total >= SECOND && it.duration_us >= total / 5 * 4)
    else {
        return vec![whole];
    };
    let mut panels = Vec::new();
    if longest.start_us > 0 {
        let lead = longest.start_us.max(CONTEXT);
        let to = last_end(result, longest.start_us, lead).min(total);
        let title = format!("Detail: the first {}", duration(to));
        panels.push(Panel::new(title, 0, to));
    }
    let end = longest.end_us();
    let continues = |start: u64| start >= end;
    if total > end
        && (result.requests.iter().any(|it| continues(it.start_us))
            || result.phases.iter().any(|it| continues(it.start_us)))
    {
        // A part of the phase before its end, for the request that ends it.
        let from = end.saturating_sub((total - end) / 5).max(longest.start_us);
        let (length, start) = (duration(total - from), duration(from));
        let title = format!("Detail: the last {length}, from {start}");
        panels.push(Panel::new(title, from, total));
    }
    whole.is_overview = !panels.is_empty();
    panels.insert(0, whole);
    panels
}

/// Returns the end of the last request that starts in `lead` microseconds after `start`, but at most the end of
/// that time.
fn last_end(result: &RunResult, start: u64, lead: u64) -> u64 {
    let limit = start.saturating_add(lead);
    let started = result.requests.iter().filter(|it| (start..limit).contains(&it.start_us));
    started.map(|request| request.end_us().min(limit)).fold(start, u64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::run_result::{PhaseName, Service};
    use std::time::UNIX_EPOCH;

    fn result(
        phases: &[(PhaseName, u64, u64)],
        requests: &[(u64, u64)],
        duration_us: u64,
    ) -> RunResult {
        let phase = |(name, start, end): &(PhaseName, u64, u64)| Phase {
            name: *name,
            start_us: *start,
            duration_us: end - start,
        };
        let request = |(start, end): &(u64, u64)| Request {
            service: Service::Imds,
            operation: String::new(),
            start_us: *start,
            duration_us: end - start,
            result: "200".to_owned(),
        };
        RunResult {
            duration_us,
            phases: phases.iter().map(phase).collect(),
            requests: requests.iter().map(request).collect(),
            ..RunResult::new(UNIX_EPOCH)
        }
    }

    fn sections(result: &RunResult) -> Vec<(u64, u64, bool)> {
        panels(result).iter().map(|it| (it.from, it.to, it.is_overview)).collect()
    }

    #[test]
    fn a_short_run_has_one_panel() {
        let short =
            result(&[(PhaseName::Instance, 0, 10), (PhaseName::Wait, 10, 69_000)], &[], 69_200);
        assert_eq!(sections(&short), [(0, 69_200, false)]);
        assert_eq!(sections(&result(&[], &[], 0)), [(0, 1, false)]);
    }

    #[test]
    fn a_long_wait_has_panels_before_and_after_it() {
        let phases = [
            (PhaseName::Plan, 0, 60_000),
            (PhaseName::Wait, 60_000, 540_000_000),
            (PhaseName::Verify, 540_000_000, 540_100_000),
        ];
        let requests = [(59_000, 60_000), (61_000, 80_000), (80_000, 540_000_000)];
        assert_eq!(
            sections(&result(&phases, &requests, 540_100_000)),
            [(0, 540_100_000, true), (0, 120_000, false), (539_980_000, 540_100_000, false)]
        );
    }

    #[test]
    fn bars_outside_of_a_panel_are_left_out_and_longer_ones_are_marked() {
        let bar = |start, end| Bar {
            kind: super::super::lanes::Kind::Wait,
            start,
            end,
            label: "a".to_owned(),
            text: String::new(),
            is_critical: false,
        };
        let panel = Panel::new(String::new(), 10, 20);
        let bars = panel.bars(&[bar(0, 10), bar(5, 15), bar(12, 12), bar(15, 30), bar(20, 30)]);
        let labels: Vec<(u64, &str)> =
            bars.iter().map(|it| (it.start, it.label.as_str())).collect();
        assert_eq!(labels, [(5, "a"), (12, "a"), (15, "a …")]);
    }
}
