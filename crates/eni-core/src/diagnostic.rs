//! A note to the operator: one type for the log, for `plan` and for `check`.

pub mod checklist;
mod code;
#[cfg(test)]
pub(crate) mod guide;
mod wrap;

pub use code::Code;
pub(crate) use wrap::wrap;

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// The severity of a diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The check passed.
    Ok,
    /// A note that needs no action.
    Info,
    /// The node works, but maybe not as intended.
    Warning,
    /// The node cannot work in this state.
    Failed,
    /// The check could not run.
    Skipped,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        })
    }
}

/// A note to the operator: a condition, its severity, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    /// The severity of the condition on this node.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub text: String,
    /// The suggested fix; `None` if no action is necessary.
    pub help: Option<String>,
}

/// Serializes to `code`, `severity`, `subject`, `text` and, if present, `help`.
impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let length = if self.help.is_some() { 5 } else { 4 };
        let mut fields = serializer.serialize_struct("Diagnostic", length)?;
        fields.serialize_field("code", &self.code)?;
        fields.serialize_field("severity", &self.severity)?;
        fields.serialize_field("subject", self.code.subject())?;
        fields.serialize_field("text", &self.text)?;
        if let Some(help) = &self.help {
            fields.serialize_field("help", help)?;
        }
        fields.end()
    }
}

/// Formats `text; help` on one line for the log.
impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)?;
        match &self.help {
            Some(help) => write!(formatter, "; {help}"),
            None => Ok(()),
        }
    }
}

impl Diagnostic {
    /// Returns a passed check.
    #[must_use]
    pub fn ok(code: Code, text: impl Into<String>) -> Self {
        Self { code, severity: Severity::Ok, text: text.into(), help: None }
    }

    /// Returns a note that needs no action.
    #[must_use]
    pub fn info(code: Code, text: impl Into<String>) -> Self {
        Self { code, severity: Severity::Info, text: text.into(), help: None }
    }

    /// Returns a warning with what to do about it.
    #[must_use]
    pub fn warning(code: Code, text: impl Into<String>, help: impl Into<String>) -> Self {
        let help = Some(help.into());
        Self { code, severity: Severity::Warning, text: text.into(), help }
    }

    /// Returns a failed check with what to do about it.
    #[must_use]
    pub fn failed(code: Code, text: impl Into<String>, help: impl Into<String>) -> Self {
        let help = Some(help.into());
        Self { code, severity: Severity::Failed, text: text.into(), help }
    }

    /// Returns a check that could not run, with the reason.
    #[must_use]
    pub fn skipped(code: Code, reason: impl Into<String>, help: Option<String>) -> Self {
        Self { code, severity: Severity::Skipped, text: reason.into(), help }
    }

    /// Returns whether the severity is [`Severity::Failed`].
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.severity == Severity::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_serializes_with_its_subject_and_prints_its_help() {
        let full = Diagnostic::failed(Code::SubnetNotFound, "subnet-1 not found", "create it");
        assert_eq!(full.to_string(), "subnet-1 not found; create it");
        assert_eq!(
            serde_json::to_value(full).unwrap(),
            serde_json::json!({
                "code": "subnet-not-found", "severity": "failed", "subject": "subnet",
                "text": "subnet-1 not found", "help": "create it",
            })
        );
        let ok = Diagnostic::ok(Code::SubnetOk, "subnet-1");
        assert_eq!(ok.to_string(), "subnet-1");
        assert_eq!(
            serde_json::to_value(ok).unwrap(),
            serde_json::json!({
                "code": "subnet-ok", "severity": "ok", "subject": "subnet", "text": "subnet-1",
            })
        );
    }

    #[test]
    fn only_a_failed_check_is_a_failure() {
        let diagnostics = [
            Diagnostic::ok(Code::SubnetOk, ""),
            Diagnostic::info(Code::MaxPodsSame, ""),
            Diagnostic::warning(Code::FewFreeAddresses, "", ""),
            Diagnostic::failed(Code::SubnetFull, "", ""),
            Diagnostic::skipped(Code::SubnetNotChecked, "", None),
        ];
        let words = diagnostics.map(|it| (it.severity.to_string(), it.is_failure()));
        let expected = [
            ("ok", false),
            ("info", false),
            ("warning", false),
            ("failed", true),
            ("skipped", false),
        ];
        assert_eq!(words, expected.map(|(word, is_failure)| (word.to_owned(), is_failure)));
    }
}
