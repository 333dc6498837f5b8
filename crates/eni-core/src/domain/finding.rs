//! What a check found: how good it is, what is so, and what to do.

use serde::Serialize;
use std::fmt;

/// How good it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// It works, and may not be meant.
    Warning,
    /// It does not work.
    Fails,
    /// It could not be looked at.
    Skipped,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Fails => "fails",
            Self::Skipped => "skipped",
        })
    }
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How good it is.
    pub verdict: Verdict,
    /// What was looked at, such as `subnet`.
    pub check: &'static str,
    /// What is so, as a sentence without its full stop.
    pub says: String,
    /// What to do; none where nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self { verdict: Verdict::Ok, check, says: says.into(), help: None }
    }

    /// It works, and may not be meant.
    pub fn warning(check: &'static str, says: impl Into<String>, help: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, check, says: says.into(), help: Some(help.into()) }
    }

    /// It does not work.
    pub fn fails(check: &'static str, says: impl Into<String>, help: impl Into<String>) -> Self {
        Self { verdict: Verdict::Fails, check, says: says.into(), help: Some(help.into()) }
    }

    /// It could not be looked at, and this is why.
    pub fn skipped(check: &'static str, why: impl Into<String>, help: Option<String>) -> Self {
        Self { verdict: Verdict::Skipped, check, says: why.into(), help }
    }

    /// Whether it does not work.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        self.verdict == Verdict::Fails
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_fails_is_fatal() {
        let findings = [
            Finding::ok("a", "b"),
            Finding::warning("a", "b", "c"),
            Finding::fails("a", "b", "c"),
            Finding::skipped("a", "b", None),
        ];
        let told = findings.map(|it| (it.verdict.to_string(), it.is_fatal()));
        let expected = [("ok", false), ("warning", false), ("fails", true), ("skipped", false)];
        assert_eq!(told, expected.map(|(word, is_fatal)| (word.to_owned(), is_fatal)));
    }
}
