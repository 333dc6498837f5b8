//! Commands and flags that are part of the kubectl plugin.

use crate::error::UsageError;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::ffi::OsString;

/// The flags of `kubectl eni max-pods` that `eni-bootstrap max-pods` does not have.
const MAX_PODS: [&str; 14] = [
    "--ceiling",
    "--cni-ip-family",
    "--cni-minimum-ip-target",
    "--cni-multi-nic-enabled",
    "--cni-pod-eni-enabled",
    "--cni-primary-subnet-excluded",
    "--cni-reserved-enis",
    "--cni-warm-ip-target",
    "--color",
    "--lowest",
    "--os",
    "--output",
    "--sort",
    "-o",
];

/// Returns the error for the command line `arguments` if the plugin has the unknown command or flag in `error`.
pub(super) fn error(error: &clap::Error, arguments: &[OsString]) -> Option<UsageError> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    match error.kind() {
        ErrorKind::InvalidSubcommand => (text(ContextKind::InvalidSubcommand)? == "limits")
            .then_some(UsageError::MovedCommand { command: "limits" }),
        ErrorKind::UnknownArgument if arguments.iter().any(|word| word == "max-pods") => {
            let rejected = text(ContextKind::InvalidArg)?;
            let name = rejected.split(['=', ' ']).next()?;
            let flag = MAX_PODS.into_iter().find(|flag| *flag == name)?;
            Some(UsageError::MovedFlag { flag })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command_line;

    fn moved(words: &[&str]) -> Option<String> {
        let arguments: Vec<OsString> =
            ["eni-bootstrap"].iter().chain(words).map(OsString::from).collect();
        let rejected = command_line().try_get_matches_from(&arguments).unwrap_err();
        error(&rejected, &arguments).map(|error| error.to_string())
    }

    #[test]
    fn every_moved_flag_and_command_is_recognized() {
        for flag in MAX_PODS {
            for word in [flag.to_owned(), format!("{flag}=x")] {
                let expected = format!("{flag} is a flag of the kubectl plugin");
                let words = ["max-pods", "--instance-type", "m5.large", &word];
                assert_eq!(moved(&words), Some(expected), "{word}");
            }
        }
        for words in [&["limits"][..], &["limits", "show", "m5.*"], &["limits", "refresh"]] {
            let expected = "`limits` is a command of the kubectl plugin";
            assert_eq!(moved(words).as_deref(), Some(expected));
        }
    }

    #[test]
    fn other_mistakes_keep_the_error_of_clap() {
        for words in [
            &["limit"][..],
            &["run", "--sort"],
            &["max-pods", "--instance-type", "m5.large", "--colour"],
            &["max-pods"],
        ] {
            assert_eq!(moved(words), None, "{words:?}");
        }
    }
}
