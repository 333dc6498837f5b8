//! The result of a run as metrics for the textfile collector of the Prometheus node exporter.
//!
//! Sources: <https://prometheus.io/docs/instrumenting/exposition_formats/> and
//! <https://prometheus.io/docs/practices/naming/>.

use super::{CheckResult, Outcome, RunResult};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::{Duration, UNIX_EPOCH};

/// The name of the file in the directory of the textfile collector, which reads files whose names end with `.prom`.
pub const FILE: &str = "eni_bootstrap.prom";

/// A metric: its name, its type and its description. Each one is a gauge, because each run replaces the values. With a
/// counter, Prometheus would count a higher value of the next run as an increase.
struct Metric(&'static str, &'static str, &'static str);

const BUILD_INFO: Metric =
    Metric("eni_bootstrap_build_info", "gauge", "Version of eni-bootstrap. The value is always 1.");
const SUCCESS: Metric = Metric(
    "eni_bootstrap_run_success",
    "gauge",
    "Whether the last run succeeded, so that the node is ready for the kubelet.",
);
const EXIT_CODE: Metric =
    Metric("eni_bootstrap_run_exit_code", "gauge", "Exit code of the last run.");
const START: Metric = Metric(
    "eni_bootstrap_run_start_timestamp_seconds",
    "gauge",
    "Time at which the last run started, in seconds since the Unix epoch.",
);
const DURATION: Metric =
    Metric("eni_bootstrap_run_duration_seconds", "gauge", "Duration of the last run.");
const PHASE: Metric = Metric(
    "eni_bootstrap_run_phase_duration_seconds",
    "gauge",
    "Duration of each phase of the last run.",
);
const REQUESTS: Metric = Metric(
    "eni_bootstrap_run_requests",
    "gauge",
    "HTTP requests of the last run by service and result: the HTTP status, or no response.",
);
const WAIT: Metric = Metric(
    "eni_bootstrap_run_wait_duration_seconds",
    "gauge",
    "Time for which the last run waited for an object in the cluster that was not ready.",
);
const WAIT_STATES: Metric = Metric(
    "eni_bootstrap_run_wait_states",
    "gauge",
    "States of an object in the cluster in which it was not ready, during the last run.",
);
const MAX_PODS: Metric = Metric(
    "eni_bootstrap_max_pods",
    "gauge",
    "Number of pods that the kubelet accepts with the plan of the last run.",
);
const DIAGNOSTICS: Metric = Metric(
    "eni_bootstrap_run_diagnostics",
    "gauge",
    "Diagnostics of the last run by severity and code.",
);

/// Returns the metrics of `result` in the text format of Prometheus.
#[must_use]
pub fn text(result: &RunResult) -> String {
    let mut text = String::new();
    let version = [("version", result.eni_bootstrap_version.as_str())];
    one(&mut text, &BUILD_INFO, &version, "1");
    one(&mut text, &SUCCESS, &[], if result.outcome == Outcome::Ready { "1" } else { "0" });
    one(&mut text, &EXIT_CODE, &[], &result.exit_code.to_string());
    let started = result.started.duration_since(UNIX_EPOCH).unwrap_or_default();
    one(&mut text, &START, &[], &started.as_secs_f64().to_string());
    one(&mut text, &DURATION, &[], &seconds(result.duration_us));
    phases(&mut text, result);
    requests(&mut text, result);
    waits(&mut text, result);
    let max_pods = result.plan.as_ref().and_then(|plan| plan.get("max-pods-in-force"));
    if let Some(max_pods) = max_pods.and_then(Value::as_u64) {
        one(&mut text, &MAX_PODS, &[], &max_pods.to_string());
    }
    diagnostics(&mut text, &result.diagnostics());
    text
}

fn phases(text: &mut String, result: &RunResult) {
    let mut times: BTreeMap<&str, u64> = BTreeMap::new();
    for phase in &result.phases {
        let time = times.entry(phase.name.name()).or_default();
        *time = time.saturating_add(phase.duration_us);
    }
    let samples = times.iter().map(|(name, time)| (vec![("phase", *name)], seconds(*time)));
    many(text, &PHASE, samples);
}

fn requests(text: &mut String, result: &RunResult) {
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for request in &result.requests {
        *counts.entry((request.service.name(), request.result.as_str())).or_default() += 1;
    }
    let samples = counts.iter().map(|((service, outcome), count)| {
        (vec![("service", *service), ("result", *outcome)], count.to_string())
    });
    many(text, &REQUESTS, samples);
}

fn waits(text: &mut String, result: &RunResult) {
    let mut targets: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for wait in &result.waits {
        let (time, states) = targets.entry(&wait.target).or_default();
        *time = time.saturating_add(wait.duration_us);
        *states += 1;
    }
    let label = |target| vec![("target", target)];
    many(text, &WAIT, targets.iter().map(|(target, (time, _))| (label(*target), seconds(*time))));
    let states = targets.iter().map(|(target, (_, states))| (label(*target), states.to_string()));
    many(text, &WAIT_STATES, states);
}

fn diagnostics(text: &mut String, diagnostics: &[CheckResult]) {
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for CheckResult { severity, code, .. } in diagnostics {
        *counts.entry((severity.to_string(), code.as_str())).or_default() += 1;
    }
    let samples = counts.iter().map(|((severity, code), count)| {
        (vec![("severity", severity.as_str()), ("code", *code)], count.to_string())
    });
    many(text, &DIAGNOSTICS, samples);
}

/// Adds a metric with one sample.
fn one(text: &mut String, metric: &Metric, labels: &[(&str, &str)], value: &str) {
    describe(text, metric);
    sample(text, metric, labels, value);
}

/// Adds a metric, unless it has no sample.
fn many<'a>(
    text: &mut String,
    metric: &Metric,
    samples: impl Iterator<Item = (Vec<(&'a str, &'a str)>, String)>,
) {
    for (index, (labels, value)) in samples.enumerate() {
        if index == 0 {
            describe(text, metric);
        }
        sample(text, metric, &labels, &value);
    }
}

fn describe(text: &mut String, Metric(name, kind, help): &Metric) {
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
}

fn sample(text: &mut String, Metric(name, ..): &Metric, labels: &[(&str, &str)], value: &str) {
    text.push_str(name);
    for (index, (label, value)) in labels.iter().enumerate() {
        let start = if index == 0 { '{' } else { ',' };
        let _ = write!(text, "{start}{label}=\"{}\"", escaped(value));
    }
    let end = if labels.is_empty() { "" } else { "}" };
    let _ = writeln!(text, "{end} {value}");
}

/// Escapes the value of a label.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn seconds(microseconds: u64) -> String {
    Duration::from_micros(microseconds).as_secs_f64().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_label_is_escaped() {
        let mut text = String::new();
        one(&mut text, &Metric("a", "gauge", "B."), &[("c", "\\\"\n"), ("d", "é")], "1");
        assert_eq!(text, "# HELP a B.\n# TYPE a gauge\na{c=\"\\\\\\\"\\n\",d=\"é\"} 1\n");
    }
}
