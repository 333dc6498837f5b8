//! The results of many checks as text and as JSON.

use crate::diagnostic::{Diagnostic, Severity, wrap};
use serde::Serialize;
use serde_json::json;
use std::fmt::{self, Write as _};

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The name of the ENIConfig or zone; `None` if the check covers the node or the whole cluster.
    #[serde(rename = "of", skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The condition.
    #[serde(flatten)]
    pub diagnostic: Diagnostic,
}

/// The result of a check of the node or of the whole cluster.
impl From<Diagnostic> for Line {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { scope: None, diagnostic }
    }
}

/// The number of checks with each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub ok: usize,
    pub info: usize,
    pub warning: usize,
    pub failed: usize,
    pub skipped: usize,
}

impl Summary {
    /// Counts the results.
    #[must_use]
    pub fn of(lines: &[Line]) -> Self {
        let mut summary = Self::default();
        for line in lines {
            *match line.diagnostic.severity {
                Severity::Ok => &mut summary.ok,
                Severity::Info => &mut summary.info,
                Severity::Warning => &mut summary.warning,
                Severity::Failed => &mut summary.failed,
                Severity::Skipped => &mut summary.skipped,
            } += 1;
        }
        summary
    }

    /// Returns the number of checks.
    #[must_use]
    pub fn total(self) -> usize {
        let Self { ok, info, warning, failed, skipped } = self;
        ok + info + warning + failed + skipped
    }
}

/// Formats `12 ok, 1 warning, 0 failed, 4 skipped`. Notes are listed only if there are any.
impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ok, info, warning, failed, skipped } = *self;
        write!(formatter, "{ok} ok, ")?;
        if info > 0 {
            write!(formatter, "{info} info, ")?;
        }
        let warnings = if warning == 1 { "warning" } else { "warnings" };
        write!(formatter, "{warning} {warnings}, {failed} failed, {skipped} skipped")
    }
}

/// Returns one line for each check in aligned columns, followed by its help. The checks of one ENIConfig or
/// zone follow its name. The last line contains the number of checks with each severity.
///
/// Longer lines than `width` characters are wrapped; `None` wraps none. The further lines of a help start in
/// the first column and are not wrapped, because they are a command to paste.
#[must_use]
pub fn text(lines: &[Line], summary: Summary, width: Option<usize>) -> String {
    let column = lines.iter().map(|line| line.diagnostic.code.subject().len()).max().unwrap_or(0);
    let indent = "failed  ".len() + 1 + column + "  ".len();
    let wrapped = |text: &str, indent: usize| match width {
        Some(width) => wrap(text, width.saturating_sub(indent), indent),
        None => text.to_owned(),
    };
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
        let note = wrapped(note, indent);
        let _ = writeln!(text, "{severity:8} {:column$}  {note}", code.subject());
        if let Some(help) = help {
            let (first, rest) = match help.split_once('\n') {
                Some((first, rest)) => (first, format!("\n{rest}")),
                None => (help.as_str(), String::new()),
            };
            let first = wrapped(first, indent + "→ ".chars().count());
            let _ = writeln!(text, "{:8} {:column$}  → {first}{rest}", "", "");
        }
    }
    let _ = writeln!(text, "\nsummary: {summary}");
    text
}

/// Returns `{"checks": […], "summary": {…}}`: each check with code, severity, subject, text and, if there is
/// one, help, and the number of checks with each severity.
#[must_use]
pub fn json(lines: &[Line], summary: Summary) -> String {
    format!("{:#}\n", json!({ "checks": lines, "summary": summary }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Code;

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
            text(&lines(), Summary::of(&lines()), None),
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
    fn long_lines_are_wrapped_below_their_first_word() {
        assert_eq!(
            text(&lines(), Summary::of(&lines()), Some(36)),
            "ok       aws-node         custom\n\
             \u{20}                         networking\n\
             \n\
             us-west-2a\n\
             failed   subnet           subnet-1\n\
             \u{20}                         not found\n\
             \u{20}                         → create\n\
             \u{20}                           it\n\
             skipped  security groups  no\n\
             \u{20}                         response\n\
             \n\
             summary: 1 ok, 0 warnings, 1 failed, 1 skipped\n"
        );
    }

    #[test]
    fn a_command_of_several_lines_starts_in_the_first_column() {
        let help = "create it:\nkubectl apply -f - <<'EOF'\nkind: ENIConfig\nEOF";
        let diagnostic = Diagnostic::failed(Code::EniConfigNotFound, "us-west-2a not found", help);
        let summary = Summary { failed: 1, ..Summary::default() };
        for width in [None, Some(40)] {
            assert_eq!(
                text(&[diagnostic.clone().into()], summary, width),
                "failed   ENIConfig  us-west-2a not found\n\
                 \u{20}                   → create it:\n\
                 kubectl apply -f - <<'EOF'\n\
                 kind: ENIConfig\n\
                 EOF\n\
                 \n\
                 summary: 0 ok, 0 warnings, 1 failed, 0 skipped\n"
            );
        }
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
