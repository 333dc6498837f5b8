//! The phases, requests and waits of a run as bars.

use super::{RunResult, Service};
use crate::domain::plural::counted;
use std::fmt::Write as _;

/// The number of columns of a bar.
const WIDTH: u64 = 60;
/// The most lines about waits. A wait of days has many states.
const MOST_WAITS: usize = 20;

/// The start and the duration of a part of the run, in microseconds.
type Span = (u64, u64);

/// Returns the bars of `result`, one for each phase, service and state of a wait. Each line has at most 100 columns.
pub(super) fn timeline(result: &RunResult) -> String {
    let total = result.duration_us;
    let column = time(total.div_ceil(WIDTH));
    let mut text = format!("timeline: {}, one column is {column}\n", time(total));
    let mut phases = Rows::default();
    for phase in &result.phases {
        phases.add(phase.name.name(), (phase.start_us, phase.duration_us));
    }
    for (name, spans) in &phases.0 {
        line(&mut text, name, &time(sum(spans)), &bar(spans, total, '█'), "");
    }
    if !result.requests.is_empty() {
        text.push_str("  requests\n");
    }
    for service in Service::ALL {
        let requests = || result.requests.iter().filter(|it| it.service == service);
        let spans: Vec<Span> = requests().map(|it| (it.start_us, it.duration_us)).collect();
        if spans.is_empty() {
            continue;
        }
        let failed = requests().filter(|it| it.has_failed()).count();
        let failed = if failed == 0 { String::new() } else { format!("{failed} failed") };
        let count = spans.len().to_string();
        line(&mut text, service.name(), &count, &bar(&spans, total, '▒'), &failed);
    }
    waits(&mut text, result);
    text
}

fn waits(text: &mut String, result: &RunResult) {
    let mut states = Rows::default();
    for wait in &result.waits {
        states.add(&wait.reason, (wait.start_us, wait.duration_us));
    }
    if !states.0.is_empty() {
        text.push_str("  waits\n");
    }
    for (reason, spans) in states.0.iter().take(MOST_WAITS) {
        line(text, "not ready", &time(sum(spans)), &bar(spans, result.duration_us, '░'), "");
        let reason = crate::diagnostic::wrap(&super::text::one_line(reason), 94, 6);
        let _ = writeln!(text, "      {reason}");
    }
    let more = u64::try_from(states.0.len().saturating_sub(MOST_WAITS)).unwrap_or(u64::MAX);
    if more > 0 {
        let _ = writeln!(text, "      and {}", counted(more, "other reason"));
    }
}

/// Names with their spans, in the order in which they were added.
#[derive(Default)]
struct Rows<'a>(Vec<(&'a str, Vec<Span>)>);

impl<'a> Rows<'a> {
    fn add(&mut self, name: &'a str, span: Span) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, spans)) => spans.push(span),
            None => self.0.push((name, vec![span])),
        }
    }
}

/// Adds a line. `value` is a duration or a number of requests.
fn line(text: &mut String, name: &str, value: &str, bar: &str, note: &str) {
    let line = format!("  {name:<12} {value:>9}  {bar}  {note}");
    let _ = writeln!(text, "{}", line.trim_end());
}

fn sum(spans: &[Span]) -> u64 {
    spans.iter().fold(0, |sum, (_, duration)| sum.saturating_add(*duration))
}

/// Returns a bar with `symbol` in each column in which one of `spans` lies, and spaces in the others.
fn bar(spans: &[Span], total: u64, symbol: char) -> String {
    let column = |time: u64| u128::from(time) * u128::from(WIDTH) / u128::from(total.max(1));
    let is_filled = |index: u64| {
        let index = u128::from(index);
        spans.iter().any(|(start, duration)| {
            let first = column(*start).min(u128::from(WIDTH - 1));
            // The end is exclusive: another span may start there.
            let last = column(start.saturating_add(*duration).saturating_sub(1)).max(first);
            (first..=last).contains(&index)
        })
    };
    (0..WIDTH).map(|index| if is_filled(index) { symbol } else { ' ' }).collect()
}

/// Returns a time in microseconds as text, such as `0.4 ms`, `69.2 ms`, `3.0 s` or `10m 3s`.
pub(super) fn time(microseconds: u64) -> String {
    let tenths = |of: u64, unit: &str| {
        let tenths = microseconds.saturating_add(of / 20) / (of / 10);
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    };
    match microseconds {
        0..999_950 => tenths(1000, "ms"),
        999_950..59_950_000 => tenths(1_000_000, "s"),
        _ => {
            let time =
                std::time::Duration::from_secs(microseconds.saturating_add(500_000) / 1_000_000);
            humantime::format_duration(time).to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_one_digit_after_the_point_or_whole_seconds() {
        for (microseconds, expected) in [
            (0, "0.0 ms"),
            (49, "0.0 ms"),
            (50, "0.1 ms"),
            (69_249, "69.2 ms"),
            (999_949, "999.9 ms"),
            (999_950, "1.0 s"),
            (3_000_000, "3.0 s"),
            (59_950_000, "1m"),
            (603_400_000, "10m 3s"),
        ] {
            assert_eq!(time(microseconds), expected, "{microseconds}");
        }
    }

    #[test]
    fn each_span_fills_at_least_one_column() {
        let columns = |spans: &[Span], total| {
            let bar = bar(spans, total, '#');
            assert_eq!(bar.chars().count(), 60);
            let filled = bar.chars().enumerate().filter(|(_, it)| *it == '#');
            filled.map(|(index, _)| index).collect::<Vec<_>>()
        };
        assert_eq!(columns(&[(0, 30)], 60), (0..30).collect::<Vec<_>>());
        assert_eq!(columns(&[(0, 0), (59, 1)], 60), [0, 59]);
        assert_eq!(columns(&[(10, 1), (10, 2)], 60), [10, 11]);
        // A request without a response may end after the run.
        assert_eq!(columns(&[(60, 5), (58, 100)], 60), [58, 59]);
        assert_eq!(columns(&[(0, 0)], 0), [0]);
        assert_eq!(columns(&[(0, u64::MAX)], u64::MAX), (0..60).collect::<Vec<_>>());
    }
}
