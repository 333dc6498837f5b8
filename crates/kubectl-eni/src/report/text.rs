//! The report as text for a terminal.

use super::interfaces;
use super::result::{Outcome, Plan, Request, RunResult};
use super::terms::sourced_terms;
use super::time::duration;
use crate::output::{table, wrapped};
use std::fmt::Write as _;

/// Returns the report.
pub(super) fn text(result: &RunResult) -> String {
    let mut text = String::new();
    outcome(&mut text, result);
    if let Some(plan) = &result.plan {
        calculation(&mut text, plan);
    }
    times(&mut text, result);
    for (heading, lines) in [
        (
            "Files",
            result.changes.iter().map(|it| format!("{}: {}", it.target, it.outcome)).collect(),
        ),
        ("Diagnostics", diagnostics(result)),
    ] {
        let lines: Vec<String> = lines;
        section(&mut text, heading, &lines);
    }
    text
}

fn outcome(text: &mut String, result: &RunResult) {
    let state = match result.outcome {
        Outcome::Ready => "ready",
        Outcome::Failed => "failed",
    };
    let (node, time) = (result.node(), duration(result.duration_us));
    let _ = writeln!(text, "{node}: {state} after {time} (started {})", result.started);
    if let Some(error) = &result.error {
        *text += &wrapped("error: ", "  ", &error.message);
        for cause in &error.causes {
            *text += &wrapped("  caused by: ", "    ", cause);
        }
        if let Some(help) = &error.help {
            *text += &help_lines(help);
        }
    }
    if let Some(eni_config) = &result.eni_config {
        let subnet = eni_config.subnet.as_deref().map(|it| format!(", {it}")).unwrap_or_default();
        let groups = eni_config.security_groups.iter().map(|it| format!(", {it}"));
        let groups: String = groups.collect();
        let _ =
            writeln!(text, "ENIConfig {}: {}{subnet}{groups}", eni_config.name, eni_config.state);
    }
}

fn calculation(text: &mut String, plan: &Plan) {
    let _ = writeln!(text, "\n{}", interfaces::title(plan));
    let rows = sourced_terms(plan).into_iter().map(|it| [it.name.to_owned(), it.value, it.source]);
    let lines = table(["TERM", "VALUE", "SOURCE"], &[1], rows);
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

fn times(text: &mut String, result: &RunResult) {
    let phases = result
        .phases
        .iter()
        .map(|phase| [phase.name.clone(), duration(phase.start_us), duration(phase.duration_us)]);
    section(text, "Phases", &table(["PHASE", "FROM", "TIME"], &[1, 2], phases));
    let waits = result
        .waits
        .iter()
        .map(|it| [it.target.clone(), duration(it.duration_us), it.reason.clone()]);
    if !result.waits.is_empty() {
        section(text, "Waits", &table(["TARGET", "TIME", "REASON"], &[1], waits));
    }
    let mut requests: Vec<&Request> = result.requests.iter().collect();
    requests.sort_by_key(|request| request.start_us);
    let requests = requests.into_iter().map(|it| {
        let times = [duration(it.start_us), duration(it.duration_us)];
        let [start, length] = times;
        [it.service.clone(), start, length, it.result.clone(), it.operation.clone()]
    });
    if !result.requests.is_empty() {
        let header = ["SERVICE", "FROM", "TIME", "RESULT", "OPERATION"];
        section(text, "Requests", &table(header, &[1, 2], requests));
    }
}

fn diagnostics(result: &RunResult) -> Vec<String> {
    let mut lines = Vec::new();
    for note in result.notes() {
        let first = format!("{} {}: ", note.severity, note.code);
        lines.extend(wrapped(&first, "  ", &note.text).lines().map(str::to_owned));
        if let Some(help) = &note.help {
            lines.extend(help_lines(help).lines().map(str::to_owned));
        }
    }
    lines
}

/// Returns the lines of the help. The lines after the first one keep their line breaks: they may be a manifest.
fn help_lines(help: &str) -> String {
    let mut lines = help.lines();
    let first = wrapped("  help: ", "    ", lines.next().unwrap_or_default());
    lines.fold(first, |text, line| format!("{text}    {line}\n"))
}

fn section(text: &mut String, heading: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{heading}");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}
