//! The error of every command.
//!
//! It wraps the errors of the modules, which implement [`Advice`] next to their definitions.
//! [`eni_core::failure::report`] prints the message, the causes and the help.

mod result_error;
mod usage_error;

pub(crate) use result_error::ResultError;
pub(crate) use usage_error::UsageError;

use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::eks_token::TokenError;
use crate::apply::ApplyError;
use crate::observe::{ClusterError, ObserveError};
use crate::wait::WaitTimeout;
use eni_core::domain::capacity::NoCapacity;
use eni_core::failure::{Advice, ExitCode};
use eni_core::plan::PlanError;
use eni_core::settings::SettingsError;
use std::borrow::Cow;
use std::io;
use std::time::Duration;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is invalid.
    #[error("invalid command line")]
    Usage(#[from] UsageError),
    /// A settings file, flag or environment variable is invalid.
    #[error("failed to load the settings")]
    Settings(#[from] SettingsError),
    /// The facts about this instance cannot be read.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// The settings do not match the instance or the CNI.
    #[error("failed to compute the node configuration")]
    Plan(#[from] PlanError),
    /// A change of the plan cannot be applied.
    #[error("failed to configure the node")]
    Apply(#[from] ApplyError),
    /// A change of `undo` cannot be applied.
    #[error("failed to remove the configuration")]
    Undo(#[source] ApplyError),
    /// A file cannot be read, written or locked.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// There is no connection to the cluster's API server.
    #[error("failed to connect to the cluster")]
    Cluster(#[from] ClusterError),
    /// The token for the cluster cannot be created.
    #[error("failed to create a token for the cluster")]
    Token(#[from] TokenError),
    /// `check` found failures, which it has already printed.
    #[error("{failed} of {total} checks failed")]
    Checks { failed: usize, total: usize },
    /// `check` skipped checks and found no failure. It has already printed the reasons.
    #[error("{skipped} of {total} {} skipped", if *skipped == 1 { "checks was" } else { "checks were" })]
    ChecksSkipped { skipped: usize, total: usize },
    /// `check --strict` skipped checks, which it has already printed with its failures.
    #[error("{failed} of {total} checks failed and {skipped} {} skipped (--strict)", if *skipped == 1 { "was" } else { "were" })]
    ChecksStrict { failed: usize, skipped: usize, total: usize },
    /// The wait for the cluster timed out.
    #[error("the node is not ready for the kubelet")]
    NotReady(#[from] WaitTimeout),
    /// The instance type has no max-pods with these CNI settings.
    #[error("failed to compute max-pods for {instance_type}")]
    NoCapacity {
        /// Such as `m5.large`.
        instance_type: String,
        /// The setting or limit that leaves no capacity.
        source: NoCapacity,
    },
    /// EC2 did not return the limits of the instance types.
    #[error(transparent)]
    Ec2(#[from] Ec2Error),
    /// There is no result of a run, or it is invalid.
    #[error("failed to read the result of a run")]
    Result(#[from] ResultError),
    /// `retry` has reached its limit.
    #[error("the kubelet did not start within {} ({key})", humantime::format_duration(*limit))]
    RetriesExhausted {
        limit: Duration,
        /// The setting that contains the limit.
        key: &'static str,
    },
    /// The operating system refused to create the event loop.
    #[error("failed to start the event loop")]
    Runtime(#[source] io::Error),
    /// SIGTERM stopped `run`.
    #[error("stopped by SIGTERM")]
    Terminated,
    /// Standard output is closed or full.
    #[error("failed to write to standard output")]
    Output(#[source] io::Error),
}

impl Error {
    /// Returns whether the reader of standard output, such as `head`, has closed the pipe. The command has then succeeded.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Returns the wrapped error, which has its own help and exit code.
    fn wrapped(&self) -> Option<&dyn Advice> {
        Some(match self {
            Self::Usage(error) => error,
            Self::Settings(error) => error,
            Self::Observe(error) => error,
            Self::Plan(error) => error,
            Self::Apply(error) | Self::Undo(error) => error,
            Self::Disk(error) => error,
            Self::Cluster(error) => error,
            Self::Token(error) => error,
            Self::NotReady(error) => error,
            Self::NoCapacity { source, .. } => source,
            Self::Ec2(error) => error,
            Self::Result(error) => error,
            Self::Checks { .. }
            | Self::ChecksSkipped { .. }
            | Self::ChecksStrict { .. }
            | Self::RetriesExhausted { .. }
            | Self::Runtime(_)
            | Self::Terminated
            | Self::Output(_) => {
                return None;
            }
        })
    }
}

impl Advice for Error {
    fn help(&self) -> Cow<'static, str> {
        match (self, self.wrapped()) {
            (_, Some(error)) => error.help(),
            (Self::Checks { .. }, _) => "follow the help below each failed check".into(),
            (Self::ChecksSkipped { .. }, _) => {
                "correct the cause of each skipped check; add `--strict` to treat skipped checks as failed".into()
            }
            (Self::ChecksStrict { .. }, _) => {
                "follow the help of each failed check, and correct the cause of each skipped check".into()
            }
            (Self::Terminated, _) => {
                "run `eni-bootstrap run` again; the kubelet must not start before it succeeds".into()
            }
            (Self::RetriesExhausted { .. }, _) => {
                "correct the error in `journalctl -u eni-bootstrap`, then run `systemctl start eni-bootstrap-retry` or reboot the node".into()
            }
            (Self::Runtime(_), _) => "raise the limit of open files, such as `ulimit -n 1024`".into(),
            (_, None) => "check the pipe or file that standard output is redirected to".into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match (self, self.wrapped()) {
            (_, Some(error)) => error.exit_code(),
            (Self::Checks { .. } | Self::ChecksStrict { .. }, _) => ExitCode::CheckFailed,
            (Self::ChecksSkipped { .. }, _) => ExitCode::CheckSkipped,
            (Self::RetriesExhausted { .. } | Self::Runtime(_), _) => ExitCode::Unavailable,
            (Self::Terminated, _) => ExitCode::Terminated,
            (_, None) => ExitCode::CannotWrite,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::{WaitReason, WaitTarget};
    use eni_core::failure::report;

    #[test]
    fn a_report_contains_message_causes_and_help() {
        let error = Error::from(PlanError::NoCapacity {
            instance_type: "hpc6id.32xlarge".to_owned(),
            source: NoCapacity::OnlyThePrimaryInterface,
        });
        assert_eq!(
            report(&error),
            "error: failed to compute the node configuration\n  \
             caused by: failed to compute max-pods for hpc6id.32xlarge\n  \
             caused by: custom networking excludes the primary network interface, and this instance type has no other\n  \
             help: choose an instance type with more network interfaces, or disable custom networking (`cni.custom-networking = false`)"
        );
        assert_eq!(error.exit_code(), ExitCode::Settings);
    }

    #[test]
    fn the_help_for_a_missing_eniconfig_can_be_pasted() {
        let error = Error::from(WaitTimeout {
            target: WaitTarget::EniConfig("us-west-2a".parse().unwrap()),
            limit: Duration::from_mins(10),
            reason: WaitReason::NotFound,
            answered: true,
        });
        assert_eq!(
            report(&error),
            "error: the node is not ready for the kubelet\n  \
             caused by: timed out after 10m waiting for ENIConfig us-west-2a\n  \
             caused by: the ENIConfig does not exist in the cluster\n  \
             help: create the ENIConfig with a subnet in the node's zone:\n\
             kubectl apply -f - <<'EOF'\n\
             apiVersion: crd.k8s.amazonaws.com/v1alpha1\n\
             kind: ENIConfig\n\
             metadata:\n  name: us-west-2a\n\
             spec:\n  subnet: SUBNET-ID\n  securityGroups:\n    - SECURITY-GROUP-ID\n\
             EOF"
        );
        assert_eq!(error.exit_code(), ExitCode::TimedOut);
    }

    #[test]
    fn errors_of_the_command_itself_have_their_own_exit_code_and_help() {
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        for (error, message, exit_code, help) in [
            (
                Error::Checks { failed: 1, total: 11 },
                "1 of 11 checks failed",
                ExitCode::CheckFailed,
                "follow the help below each failed check",
            ),
            (
                Error::ChecksSkipped { skipped: 1, total: 11 },
                "1 of 11 checks was skipped",
                ExitCode::CheckSkipped,
                "correct the cause of each skipped check; add `--strict` to treat skipped checks as failed",
            ),
            (
                Error::ChecksStrict { failed: 1, skipped: 2, total: 11 },
                "1 of 11 checks failed and 2 were skipped (--strict)",
                ExitCode::CheckFailed,
                "follow the help of each failed check, and correct the cause of each skipped check",
            ),
            (
                Error::RetriesExhausted { limit: Duration::from_mins(10), key: "retry.limit" },
                "the kubelet did not start within 10m (retry.limit)",
                ExitCode::Unavailable,
                "correct the error in `journalctl -u eni-bootstrap`, then run `systemctl start eni-bootstrap-retry` or reboot the node",
            ),
            (
                Error::Runtime(closed()),
                "failed to start the event loop",
                ExitCode::Unavailable,
                "raise the limit of open files, such as `ulimit -n 1024`",
            ),
            (
                Error::Terminated,
                "stopped by SIGTERM",
                ExitCode::Terminated,
                "run `eni-bootstrap run` again; the kubelet must not start before it succeeds",
            ),
            (
                Error::Output(closed()),
                "failed to write to standard output",
                ExitCode::CannotWrite,
                "check the pipe or file that standard output is redirected to",
            ),
            (
                Error::Usage(UsageError::MovedFlag { flag: "--lowest" }),
                "invalid command line",
                ExitCode::Usage,
                "run `kubectl eni max-pods`, which has this flag, on the computer of an operator",
            ),
        ] {
            assert_eq!(error.to_string(), message);
            assert_eq!((error.exit_code(), &*error.help()), (exit_code, help));
        }
    }
}
