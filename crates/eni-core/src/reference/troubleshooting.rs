//! `docs/troubleshooting.md`: symptoms, errors, and a section for each code.

use super::symptoms::{HEAD, SYMPTOMS};
use super::{GENERATED, expect, reported_by, wrapped};
use crate::diagnostic::Code;
use crate::diagnostic::guide::{self, markdown};
use crate::failure::guide::ERRORS;
use std::fmt::Write as _;

#[test]
fn the_troubleshooting_page_is_generated() {
    let mut text = format!("# Troubleshooting\n\n{GENERATED}\n{HEAD}");
    symptoms(&mut text);
    errors(&mut text);
    diagnostics(&mut text);
    expect("docs/troubleshooting.md", &text);
}

fn symptoms(text: &mut String) {
    text.push_str("\n## Symptoms\n\n| symptom | first command | likely causes |\n|---|---|---|\n");
    for symptom in SYMPTOMS {
        let causes: Vec<String> = symptom.causes.iter().map(|code| link(*code)).collect();
        let mut reasons = causes.join(", ");
        if !symptom.other.is_empty() {
            let separator = if reasons.is_empty() { "" } else { "; " };
            let _ = write!(reasons, "{separator}{}", symptom.other);
        }
        let _ = writeln!(text, "| {} | {} | {reasons} |", symptom.text, symptom.command);
    }
}

fn link(code: Code) -> String {
    format!("[{0}](#{0})", code.name())
}

fn errors(text: &mut String) {
    text.push_str(
        "\n## Errors\n\nThe error messages that users see first. Each row starts with a part of the message; `…` stands for a value. The `help` line of\n\
         the message contains more. [Exit codes](exit-codes.md) explains the codes.\n\n| error | exit code | how to fix it |\n|---|---|---|\n",
    );
    for error in ERRORS {
        let message = placeholders(error.message);
        let _ = writeln!(text, "| {message} | {} | {} |", error.code.number(), error.fix);
    }
}

/// Replaces each value in braces with `…`.
fn placeholders(message: &str) -> String {
    let mut parts = message.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push('…');
        text.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    text
}

fn diagnostics(text: &mut String) {
    text.push_str(
        "\n## Diagnostics\n\nA section for each code, in the order of [diagnostics.md](diagnostics.md). In the commands, replace the words in\n\
         capital letters, and example values such as `us-west-2a` and `m5.large`.\n",
    );
    let reports = reported_by::all();
    for code in Code::ALL {
        let Some(guide) = guide::of(*code).into_iter().next() else { continue };
        let Some(report) = reports.get(code) else { continue };
        let condition = wrapped(code.condition());
        let _ = write!(text, "\n### {}\n\n{condition}\n", code.name());
        let _ = write!(text, "\n**Severity.** {}\n", report.severities());
        let _ = write!(text, "\n**Effect.** {}\n", markdown(guide.effect));
        let places = wrapped(&format!("**Reported by.** {}", report.places()));
        let _ = write!(text, "\n{places}\n");
        let _ = write!(text, "\n**Fix.** {}\n", markdown(guide.fix));
    }
}

#[test]
fn every_anchor_is_a_heading() {
    let guides = Code::ALL.iter().flat_map(|code| guide::of(*code));
    let mut texts: Vec<String> =
        guides.flat_map(|it| [markdown(it.effect), markdown(it.fix)]).collect();
    texts.extend(ERRORS.iter().map(|it| it.fix.to_owned()));
    texts.extend(SYMPTOMS.iter().map(|it| it.other.to_owned()));
    for text in texts {
        for anchor in text.split("](#").skip(1).filter_map(|it| it.split(')').next()) {
            let is_known = Code::ALL.iter().any(|code| code.name() == anchor);
            assert!(is_known || ["errors", "where-to-look"].contains(&anchor), "{anchor}");
        }
    }
}
