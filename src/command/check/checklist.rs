//! The results of `check` as text and as JSON.

use super::{Line, Summary};
use crate::command::json_text;
use eni_core::diagnostic::Diagnostic;
use serde_json::json;
use std::fmt::Write as _;

/// Returns one line for each check in aligned columns, followed by its help. The checks of one ENIConfig or
/// zone follow its name. The last line contains the number of checks with each severity.
///
/// The further lines of a help start in the first column, because they are a command to paste.
pub(super) fn text(lines: &[Line], summary: Summary) -> String {
    let width = lines.iter().map(|line| line.diagnostic.code.subject().len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut scope: Option<&String> = None;
    for line in lines {
        if line.scope.as_ref() != scope {
            scope = line.scope.as_ref();
            if let Some(name) = scope {
                let _ = writeln!(text, "\n{name}");
            }
        }
        let Diagnostic { code, severity, text: note, help } = &line.diagnostic;
        let _ = writeln!(text, "{severity:8} {:width$}  {note}", code.subject());
        if let Some(help) = help {
            let _ = writeln!(text, "{:8} {:width$}  → {help}", "", "");
        }
    }
    let _ = writeln!(text, "\nsummary: {summary}");
    text
}

/// Returns `{"checks": […], "summary": {…}}`: each check with code, severity, subject, text and, if there is
/// one, help, and the number of checks with each severity.
pub(super) fn json(lines: &[Line], summary: Summary) -> String {
    json_text(&json!({ "checks": lines, "summary": summary }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::diagnostic::Code;

    fn lines() -> Vec<Line> {
        let line =
            |scope: Option<&str>, diagnostic| Line { scope: scope.map(str::to_owned), diagnostic };
        let not_found = Diagnostic::failed(Code::SubnetNotFound, "subnet-1 not found", "create it");
        let skipped = Diagnostic::skipped(Code::SecurityGroupsNotChecked, "no response", None);
        vec![
            line(None, Diagnostic::ok(Code::CniOk, "custom networking")),
            line(Some("us-west-2a"), not_found),
            line(Some("us-west-2a"), skipped),
        ]
    }

    #[test]
    fn results_are_aligned_with_help_below() {
        assert_eq!(
            text(&lines(), Summary::of(&lines())),
            "ok       aws-node         custom networking\n\
             \n\
             us-west-2a\n\
             failed   subnet           subnet-1 not found\n\
             \u{20}                         → create it\n\
             skipped  security groups  no response\n\
             \n\
             summary: 1 ok, 0 warnings, 1 failed, 1 skipped\n"
        );
    }

    #[test]
    fn a_command_of_several_lines_starts_in_the_first_column() {
        let help = "create it:\nkubectl apply -f - <<'EOF'\nkind: ENIConfig\nEOF";
        let diagnostic = Diagnostic::failed(Code::EniConfigNotFound, "us-west-2a not found", help);
        assert_eq!(
            text(&[Line { scope: None, diagnostic }], Summary { failed: 1, ..Summary::default() }),
            "failed   ENIConfig  us-west-2a not found\n\
             \u{20}                   → create it:\n\
             kubectl apply -f - <<'EOF'\n\
             kind: ENIConfig\n\
             EOF\n\
             \n\
             summary: 0 ok, 0 warnings, 1 failed, 0 skipped\n"
        );
    }

    #[test]
    fn json_contains_the_same_results() {
        let parsed: serde_json::Value =
            serde_json::from_str(&json(&lines(), Summary::of(&lines()))).unwrap();
        assert_eq!(
            parsed,
            json!({ "checks": [
                { "code": "cni-ok", "severity": "ok", "subject": "aws-node",
                  "text": "custom networking" },
                { "of": "us-west-2a", "code": "subnet-not-found", "severity": "failed",
                  "subject": "subnet", "text": "subnet-1 not found", "help": "create it" },
                { "of": "us-west-2a", "code": "security-groups-not-checked",
                  "severity": "skipped", "subject": "security groups", "text": "no response" },
            ], "summary": { "ok": 1, "info": 0, "warning": 0, "failed": 1, "skipped": 1 } })
        );
    }
}
