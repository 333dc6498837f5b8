//! A note to the operator: one type for the log, for `plan` and for `check`.

use serde::{Serialize, Serializer};
use std::fmt;

/// How serious a diagnostic is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The check passed.
    Ok,
    /// Worth knowing; nothing to do.
    Info,
    /// The node works, but perhaps not as intended.
    Warning,
    /// The node cannot work like this.
    Failed,
    /// The check could not be made.
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

/// Declares [`Code`]: each variant with its stable name and the subject that `check` lists it under.
macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $subject:literal;)+) => {
        /// A stable identifier of a condition. Scripts may match on its name; its text may change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// Every code, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the stable name, such as `subnet-wrong-zone`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns what the condition is about, such as `subnet`.
            #[must_use]
            pub fn subject(self) -> &'static str {
                match self { $(Self::$variant => $subject,)+ }
            }
        }
    };
}

codes! {
    /// Prefix delegation is on, but Xen instances fall back to secondary addresses.
    PrefixesNeedNitro = "prefixes-need-nitro", "max-pods";
    /// `pods.max` exceeds the addresses that the node can assign.
    MaxPodsAboveCapacity = "max-pods-above-capacity", "max-pods";
    /// `MINIMUM_IP_TARGET` without `WARM_IP_TARGET` caps the addresses that the CNI holds.
    MinimumIpTargetCaps = "minimum-ip-target-caps", "max-pods";
    /// Security groups for pods are on, but the instance type supports no trunk interface.
    NoTrunkInterface = "no-trunk-interface", "max-pods";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A note to the operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Which condition holds.
    pub code: Code,
    /// How serious it is.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub text: String,
    /// What the operator does about it; `None` if there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
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

    /// Returns a check that could not be made, with the reason.
    #[must_use]
    pub fn skipped(code: Code, reason: impl Into<String>, help: Option<String>) -> Self {
        Self { code, severity: Severity::Skipped, text: reason.into(), help }
    }

    /// Returns whether the node cannot work like this.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        self.severity == Severity::Failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn code_names_are_unique_and_kebab_case() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        let plain = |name: &&str| {
            name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-')
        };
        assert_eq!(names.iter().find(|name| !plain(name)), None);
    }
}
