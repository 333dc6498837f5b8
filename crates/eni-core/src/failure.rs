//! The presentation of a failed command: message, causes, help and exit code, each exactly once.

#[cfg(test)]
pub(crate) mod guide;

use std::borrow::Cow;
use std::error::Error;

/// Exit codes of every command, after `sysexits.h` except for [`ExitCode::CheckFailed`] and
/// [`ExitCode::CheckSkipped`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// The command succeeded.
    Success = 0,
    /// `check` found at least one failure.
    CheckFailed = 1,
    /// `check` found no failure, but skipped at least one check.
    CheckSkipped = 2,
    /// `EX_USAGE`: the command line is invalid.
    Usage = 64,
    /// `EX_DATAERR`: user data, instance metadata, an API response or a file is invalid.
    InvalidData = 65,
    /// `EX_UNAVAILABLE`: a required service is unreachable.
    Unavailable = 69,
    /// `EX_CANTCREAT`: a file cannot be written.
    CannotWrite = 73,
    /// `EX_TEMPFAIL`: the wait for the CNI configuration or the ENIConfig timed out.
    TimedOut = 75,
    /// `EX_NOPERM`: RBAC or IAM denied a call, or there are no AWS credentials.
    PermissionDenied = 77,
    /// `EX_CONFIG`: the settings are invalid or do not match the instance, or the node or cluster is not
    /// supported.
    Settings = 78,
    /// The pod subnet is full, and the settings end the wait. The first number after those of `sysexits.h`.
    SubnetFull = 79,
    /// 128 and the number of SIGTERM: the program was stopped.
    Terminated = 143,
}

impl ExitCode {
    /// Every exit code in ascending order.
    pub const ALL: [Self; 12] = [
        Self::Success,
        Self::CheckFailed,
        Self::CheckSkipped,
        Self::Usage,
        Self::InvalidData,
        Self::Unavailable,
        Self::CannotWrite,
        Self::TimedOut,
        Self::PermissionDenied,
        Self::Settings,
        Self::SubnetFull,
        Self::Terminated,
    ];

    /// Returns the number that the process exits with.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// Returns the meaning, as `--help` and `docs/exit-codes.md` state it. `failure/guide.rs` contains the details.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Success => "success; for run: the node is ready for the kubelet",
            Self::CheckFailed => "check: at least one check failed",
            Self::CheckSkipped => "check: no check failed, but at least one was skipped",
            Self::Usage => "invalid command line",
            Self::InvalidData => "invalid user data, metadata, API response or file",
            Self::Unavailable => "a required service is unreachable",
            Self::CannotWrite => "failed to read, write or lock a file",
            Self::TimedOut => "timed out waiting for the CNI configuration or the ENIConfig",
            Self::PermissionDenied => {
                "permission denied by Kubernetes RBAC or AWS IAM, or no AWS credentials"
            }
            Self::Settings => {
                "invalid settings, or settings that do not match the instance or cluster"
            }
            Self::SubnetFull => {
                "the subnet for pods is full, and eni-config.on-full-subnet ends the wait"
            }
            Self::Terminated => "run: stopped by SIGTERM",
        }
    }
}

/// What an error offers beyond its message and its source. Each error type implements it beside its
/// definition, and an error that wraps another one delegates to it.
pub trait Advice: Error {
    /// Returns the next step for the operator, as an imperative sentence without a full stop.
    fn help(&self) -> Cow<'static, str>;

    /// Returns the exit code of a command that ends with this error.
    fn exit_code(&self) -> ExitCode;
}

/// Returns the messages of `error` and its sources, outermost first.
///
/// A message that the one before it already ends with is left out: transparent errors and several
/// libraries repeat their source.
#[must_use]
pub fn causes(error: &dyn Error) -> Vec<String> {
    let mut messages = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let message = cause.to_string();
        if !messages.last().is_some_and(|last| last.ends_with(&message)) {
            messages.push(message);
        }
        source = cause.source();
    }
    messages
}

/// Returns `error` and its sources on one line, separated by colons.
#[must_use]
pub fn one_line(error: &dyn Error) -> String {
    // A library's message may contain line breaks; a log line must not.
    causes(error).join(": ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns `text` with its control characters escaped, except line breaks and tabs, and with the characters escaped that
/// change the direction of text. Texts of other systems could otherwise change what a terminal shows.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        let is_control = character.is_control() && !matches!(character, '\n' | '\t');
        if is_control || changes_direction(character) {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// Returns whether a character changes the direction of the text after it.
///
/// Source: Unicode Standard Annex 9, explicit directional embeddings, overrides and isolates.
#[must_use]
pub fn changes_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Returns the report that ends a failed command: the message, each cause on its own line, and
/// help.
#[must_use]
pub fn report(error: &dyn Advice) -> String {
    let mut lines = causes(as_error(error)).into_iter();
    let mut text = format!("error: {}\n", lines.next().unwrap_or_default());
    for cause in lines {
        text.push_str("  caused by: ");
        // Some messages of libraries have several lines.
        text.push_str(&cause.lines().map(str::trim).collect::<Vec<_>>().join("\n    "));
        text.push('\n');
    }
    text.push_str("  help: ");
    text.push_str(&error.help());
    text
}

fn as_error(error: &dyn Advice) -> &dyn Error {
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to read settings")]
    struct Outer(#[source] Middle);

    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Middle(#[from] Inner);

    #[derive(Debug, thiserror::Error)]
    #[error("line 3 is invalid")]
    struct Inner;

    #[derive(Debug, thiserror::Error)]
    #[error("failed to sign")]
    struct Signing(#[source] Chain);

    #[derive(Debug, thiserror::Error)]
    #[error("no credentials. Attempted:\n  Environment\n  Profile")]
    struct Chain;

    impl Advice for Signing {
        fn help(&self) -> Cow<'static, str> {
            "set AWS_PROFILE".into()
        }

        fn exit_code(&self) -> ExitCode {
            ExitCode::PermissionDenied
        }
    }

    impl Advice for Outer {
        fn help(&self) -> Cow<'static, str> {
            "correct line 3".into()
        }

        fn exit_code(&self) -> ExitCode {
            ExitCode::Settings
        }
    }

    #[test]
    fn a_report_states_each_message_once() {
        let error = Outer(Inner.into());
        assert_eq!(
            report(&error),
            "error: failed to read settings\n  caused by: line 3 is invalid\n  help: correct line 3"
        );
        assert_eq!(one_line(&error), "failed to read settings: line 3 is invalid");
    }

    #[test]
    fn a_report_indents_a_cause_of_several_lines() {
        let error = Signing(Chain);
        assert_eq!(
            report(&error),
            "error: failed to sign\n  caused by: no credentials. Attempted:\n    Environment\n    Profile\n  help: set AWS_PROFILE"
        );
        assert_eq!(
            one_line(&error),
            "failed to sign: no credentials. Attempted: Environment Profile"
        );
    }

    #[test]
    fn a_text_of_another_system_cannot_change_what_a_terminal_shows() {
        assert_eq!(
            printable("a\u{1b}[2J\tb\r\n\u{7f}\u{85}ä✕"),
            "a\\u{1b}[2J\tb\\r\n\\u{7f}\\u{85}ä✕"
        );
        for (number, is_escaped) in
            [(0x2029, false), (0x202a, true), (0x202e, true), (0x202f, false)].into_iter().chain([
                (0x2065, false),
                (0x2066, true),
                (0x2069, true),
                (0x206a, false),
            ])
        {
            let text = char::from_u32(number).unwrap().to_string();
            let escaped = format!("\\u{{{number:x}}}");
            assert_eq!(printable(&text), if is_escaped { escaped } else { text }, "{number:x}");
        }
    }

    #[test]
    fn exit_codes_are_unique_and_ascending() {
        let numbers = ExitCode::ALL.map(ExitCode::number);
        assert_eq!(numbers, [0, 1, 2, 64, 65, 69, 73, 75, 77, 78, 79, 143]);
    }
}
