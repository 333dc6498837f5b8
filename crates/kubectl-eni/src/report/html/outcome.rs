//! The result at a glance: ready or failed, why, and what to do.

use super::markup::{self, paragraph, prose};
use crate::report::result::Report;
use crate::report::svg::escaped;
use crate::report::time::duration;
use eni_core::diagnostic::Severity;
use eni_core::domain::plural::counted;
use eni_core::failure::ExitCode;
use eni_core::run_result::{CheckResult, EniConfigState, Outcome, RunError};
use std::fmt::Write as _;

pub(super) fn outcome(report: &Report) -> String {
    let result = &report.result;
    let (class, badge) = match result.outcome {
        Outcome::Ready => ("ready", "<span aria-hidden=\"true\">✓</span> Ready"),
        Outcome::Failed => ("failed", "<span aria-hidden=\"true\">✕</span> Failed"),
    };
    let summary = match (result.outcome, &result.error) {
        (Outcome::Ready, _) => paragraph(&ready(report)),
        (Outcome::Failed, Some(error)) => failure(error, result.exit_code),
        (Outcome::Failed, None) => paragraph("The node is not ready for the kubelet."),
    };
    let counts = counts(report);
    let counts = counts
        .iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>\n", escaped(value)));
    let counts = counts.collect::<Vec<_>>().concat();
    format!(
        "<section class=\"outcome {class}\" aria-labelledby=\"outcome-heading\">\n\
         <h2 id=\"outcome-heading\">{badge}</h2>\n{summary}{worst}<dl class=\"counts\">\n{counts}</dl>\n</section>\n",
        worst = worst(report)
    )
}

fn ready(report: &Report) -> String {
    let mut text = "The node is ready for the kubelet".to_owned();
    if let Some(plan) = &report.plan {
        let _ = write!(text, ", which accepts {}", counted(plan.max_pods_in_force, "pod"));
    }
    match &report.result.eni_config {
        None => {}
        Some(it) if it.state == EniConfigState::Ready => {
            let _ = write!(text, ". ENIConfig {} is ready", it.name);
        }
        Some(it) if it.state == EniConfigState::Recorded => {
            let _ = write!(text, ". ENIConfig {} was ready in the last successful run", it.name);
        }
        Some(it) => {
            let _ = write!(text, ". ENIConfig {} is {}", it.name, it.state.description());
        }
    }
    text + "."
}

fn failure(error: &RunError, exit_code: u8) -> String {
    let mut html = format!("<p><strong>{}</strong></p>\n", prose(&error.message));
    if !error.causes.is_empty() {
        html += "<p>Caused by:</p>\n<ul>";
        for cause in &error.causes {
            let _ = write!(html, "<li>{}</li>", prose(cause));
        }
        html += "</ul>\n";
    }
    if let Some(help) = &error.help {
        html += &markup::help(help);
    }
    let meaning = ExitCode::ALL.iter().find(|code| code.number() == exit_code);
    let meaning = meaning.map(|code| format!(": {}", code.meaning())).unwrap_or_default();
    html + &paragraph(&format!(
        "The node is not ready for the kubelet. Exit code {exit_code}{meaning}."
    ))
}

/// Returns the warnings and failures of the diagnostics.
fn worst(report: &Report) -> String {
    let is_bad = |it: &CheckResult| [Severity::Failed, Severity::Warning].contains(&it.severity);
    let bad: Vec<CheckResult> = report.result.diagnostics().into_iter().filter(is_bad).collect();
    let Some(first) = bad.first() else { return String::new() };
    let more = match bad.len() {
        1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    format!(
        "<p><span aria-hidden=\"true\">▲</span> <strong>{} ({}):</strong> {}. <a href=\"#diagnostics\">See the diagnostics{more}</a>.</p>\n",
        if first.severity == Severity::Failed { "Failed check" } else { "Warning" },
        prose(&first.subject),
        prose(&first.text)
    )
}

fn counts(report: &Report) -> Vec<(&'static str, String)> {
    let result = &report.result;
    let mut counts = Vec::new();
    if let Some(plan) = &report.plan {
        counts.push(("max-pods", plan.max_pods_in_force.to_string()));
    }
    counts.push(("duration", duration(result.duration_us)));
    counts.push(("waited", duration(report.waited_us())));
    counts.push(("requests", result.requests.len().to_string()));
    let failed = result.requests.iter().filter(|it| it.has_failed()).count();
    if failed > 0 {
        counts.push(("failed requests", failed.to_string()));
    }
    counts
}
