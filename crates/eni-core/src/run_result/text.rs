//! The result of a run as text.

use super::sequence::longest_sequence;
use super::timeline::{time, timeline};
use super::{CheckResult, Outcome, RunResult};
use crate::diagnostic::wrap;
use crate::domain::capacity::{Capacity, picture};
use crate::domain::identifier::InstanceType;
use crate::domain::instance_limits::InstanceLimits;
use crate::domain::plural::counted;
use serde_json::Value;
use std::fmt::Write as _;

/// The maximum number of columns. A word or a command in backticks that is longer stays on one line.
const WIDTH: usize = 100;
/// The width of the first column.
const INDENT: usize = 14;

/// Returns the report of `result`.
#[must_use]
pub fn text(result: &RunResult) -> String {
    let mut text = String::new();
    outcome(&mut text, result);
    if let Some(plan) = &result.plan {
        facts(&mut text, plan);
    }
    if let Some(eni_config) = &result.eni_config {
        let state = eni_config.state.description();
        let subnet = eni_config.subnet.iter().chain(&eni_config.security_groups);
        let subnet: String = subnet.flat_map(|id| [", ", id.as_str()]).collect();
        entry(&mut text, "ENIConfig", &format!("{} {state}{subnet}", eni_config.name));
    }
    for change in &result.changes {
        entry(&mut text, "changes", &format!("{} {}", change.target, change.outcome.name()));
    }
    if let Some(picture) = result.plan.as_ref().and_then(calculation) {
        let _ = write!(text, "\n{picture}");
    }
    let _ = write!(text, "\n{}", timeline(result));
    let requests = u64::try_from(result.requests.len()).unwrap_or(u64::MAX);
    let sequence = u64::try_from(longest_sequence(&result.requests)).unwrap_or(u64::MAX);
    if requests > 0 {
        let _ = writeln!(
            text,
            "  {}; the longest sequence without overlap has {}",
            counted(requests, "request"),
            counted(sequence, "request")
        );
    }
    diagnostics(&mut text, result);
    text
}

fn outcome(text: &mut String, result: &RunResult) {
    let state = match result.outcome {
        Outcome::Ready => "ready: the node is ready for the kubelet",
        Outcome::Failed => "failed: the node is not ready for the kubelet",
    };
    entry(text, "outcome", &format!("{state} (exit code {})", result.exit_code));
    if let Some(error) = &result.error {
        entry(text, "error", &error.message);
        for cause in &error.causes {
            entry(text, "caused by", cause);
        }
        if let Some(help) = &error.help {
            let _ = writeln!(text, "{:INDENT$}{}", "help", help_text(help, INDENT));
        }
    }
    let started = humantime::format_rfc3339_micros(result.started);
    entry(text, "started", &format!("{started}, took {}", time(result.duration_us)));
    entry(text, "version", &format!("eni-bootstrap {}", result.eni_bootstrap_version));
}

/// Adds the facts of a plan.
fn facts(text: &mut String, plan: &Value) {
    let instance = &plan["instance"];
    let location =
        [&instance["zone"], &instance["zone-id"], &instance["vpc-id"], &instance["subnet-id"]];
    let location: String =
        location.iter().filter_map(|it| it.as_str()).flat_map(|it| [", ", it]).collect();
    let words = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
    let (id, name) = (words(&instance["instance-id"]), words(&instance["instance-type"]));
    entry(text, "instance", &format!("{id}, {name}{location}"));
    let host = &plan["host"];
    entry(text, "host", &format!("{} ({})", words(&host["kind"]), words(&host["reason"])));
    if let Some(cluster) = plan["cluster"].as_str() {
        entry(text, "cluster", cluster);
    }
    entry(text, "CNI", &cni(plan));
    let source = words(&plan["limits"]["source"]).replace('-', " ");
    entry(text, "limits", &format!("source: {source}"));
    // Without the flags of max-pods, which the calculation shows.
    let arguments = plan["kubelet-arguments"].as_array();
    for argument in arguments.into_iter().flatten().filter_map(Value::as_str) {
        entry(text, "kubelet", &argument.replace(',', ", "));
    }
    let in_force = &plan["max-pods-in-force"];
    if *in_force != plan["kubelet"]["max-pods"] {
        entry(text, "max-pods", &format!("{in_force} in force"));
    }
}

/// Returns the configuration of the CNI on one line.
fn cni(plan: &Value) -> String {
    let cni = &plan["cni"];
    let source = match (cni["source"].as_str(), plan["cni-is-recorded"].as_bool()) {
        (Some("cluster"), Some(true)) => "record of the last successful run",
        (Some("cluster"), _) => "aws-node DaemonSet",
        _ => "settings",
    };
    let mut words = Vec::new();
    for (key, value) in cni["config"].as_object().into_iter().flatten() {
        let key = key.replace('_', " ");
        match value {
            Value::Bool(true) => words.push(key),
            Value::String(value) => words.push(format!("{key} {}", value.replace('-', " "))),
            Value::Number(number) if number.as_u64() != Some(0) => {
                words.push(format!("{key} {number}"));
            }
            _ => {}
        }
    }
    format!("{} (source: {source})", words.join(", "))
}

/// Returns the drawing of the calculation of max-pods; `None` if the plan is of another version.
fn calculation(plan: &Value) -> Option<String> {
    let instance_type: InstanceType = plan["instance"]["instance-type"].as_str()?.parse().ok()?;
    let limits = serde_json::from_value::<InstanceLimits>(plan["limits"]["values"].clone()).ok()?;
    let capacity = serde_json::from_value::<Capacity>(plan["capacity"].clone()).ok()?;
    Some(picture(&instance_type, &limits, &capacity))
}

fn diagnostics(text: &mut String, result: &RunResult) {
    let diagnostics = result.diagnostics();
    if diagnostics.is_empty() {
        return;
    }
    text.push_str("\ndiagnostics\n");
    for diagnostic in diagnostics {
        let CheckResult { severity, code, subject, .. } = &diagnostic;
        let (code, subject) = (one_line(code), one_line(subject));
        let _ = writeln!(text, "  {severity:8}  {code} ({subject})");
        let _ = writeln!(text, "            {}", wrap(&one_line(&diagnostic.text), WIDTH - 12, 12));
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "            → {}", help_text(help, 14));
        }
    }
}

/// Adds a line with a name, and further lines if it is too long. They are indented, also after a line break in `value`,
/// because a line in the first column is a line of the report.
fn entry(text: &mut String, name: &str, value: &str) {
    let value = wrap(&one_line(value), WIDTH - INDENT, INDENT);
    let _ = writeln!(text, "{name:INDENT$}{value}");
}

/// Returns a value of the file without its line breaks.
pub(super) fn one_line(value: &str) -> String {
    value.replace('\n', " ")
}

/// Wraps the first line of `help`. The further lines start in the first column, because they are a command to paste.
fn help_text(help: &str, indent: usize) -> String {
    match help.split_once('\n') {
        Some((first, rest)) => format!("{}\n{rest}", wrap(first, WIDTH - indent, indent)),
        None => wrap(help, WIDTH - indent, indent),
    }
}
