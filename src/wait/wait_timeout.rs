//! The error of a wait: the target, the time limit, and why the target was not ready.

use crate::adapter::Transient as _;
use crate::adapter::kubernetes::{AwsNodeError, KubernetesError, RBAC, SETTINGS};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::eni_config::{EniConfigName, not_found, without_subnet};
use eni_core::failure::{Advice, ExitCode, one_line};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// The object in the cluster that a command waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitTarget {
    /// The configuration of the VPC CNI.
    AwsNode,
    /// An ENIConfig that fits this node.
    EniConfig(EniConfigName),
}

impl fmt::Display for WaitTarget {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwsNode => formatter.write_str("the aws-node DaemonSet"),
            Self::EniConfig(name) => write!(formatter, "ENIConfig {name}"),
        }
    }
}

/// The reason why the target of a wait is not ready.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WaitReason {
    /// The ENIConfig does not exist.
    #[error("the ENIConfig does not exist in the cluster")]
    NotFound,
    /// The ENIConfig exists, but names no subnet.
    #[error("spec.subnet is empty")]
    NoSubnet,
    /// The ENIConfig exists, but does not fit this node.
    #[error("{}", .0.text)]
    DoesNotFit(Diagnostic),
    /// The ENIConfig exists, but its subnet has no address for this node, and the settings end the wait.
    #[error("{}", .0.text)]
    SubnetFull(Diagnostic),
    /// The request to the API server failed.
    #[error(transparent)]
    Api(KubernetesError),
    /// The aws-node DaemonSet does not exist, or its environment cannot be read.
    #[error(transparent)]
    AwsNode(AwsNodeError),
}

impl From<AwsNodeError> for WaitReason {
    fn from(error: AwsNodeError) -> Self {
        match error {
            AwsNodeError::Api(error) => Self::Api(error),
            other => Self::AwsNode(other),
        }
    }
}

impl WaitReason {
    /// Returns whether a retry may succeed without a change of the cluster.
    pub(super) fn is_transient(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_transient())
    }

    /// Returns whether the wait ends at once: the cluster does not use the VPC CNI, or the subnet is full and
    /// the settings end the wait.
    pub(super) fn is_permanent(&self) -> bool {
        matches!(self, Self::AwsNode(AwsNodeError::OtherCni(_)) | Self::SubnetFull(_))
    }

    /// Returns the state of `target` as one line for the log, such as `ENIConfig us-west-2a not found`.
    pub(super) fn state(&self, target: &WaitTarget) -> String {
        match self {
            Self::NotFound => format!("{target} not found"),
            Self::NoSubnet => format!("{target} has no spec.subnet"),
            Self::DoesNotFit(diagnostic) | Self::SubnetFull(diagnostic) => {
                format!("{target} does not fit this node: {}", diagnostic.text)
            }
            Self::Api(_) => format!("failed to read {target}: {}", one_line(self)),
            // These errors already contain the name of the DaemonSet.
            Self::AwsNode(_) => one_line(self),
        }
    }

    /// Returns the failed check of `target`, with help.
    pub(super) fn diagnostic(&self, target: &WaitTarget) -> Diagnostic {
        match (self, target) {
            (Self::DoesNotFit(diagnostic) | Self::SubnetFull(diagnostic), _) => diagnostic.clone(),
            (Self::NoSubnet, WaitTarget::EniConfig(name)) => {
                without_subnet(name.as_str(), Some("the node's zone"))
            }
            (Self::NotFound, WaitTarget::EniConfig(name)) => not_found(name.as_str(), None),
            (_, WaitTarget::EniConfig(name)) => Diagnostic::failed(
                Code::EniConfigUnreadable,
                format!("failed to read ENIConfig \"{name}\": {}", one_line(self)),
                self.help(target),
            ),
            (_, WaitTarget::AwsNode) => {
                Diagnostic::failed(Code::CniUnreadable, one_line(self), self.help(target))
            }
        }
    }

    fn help(&self, target: &WaitTarget) -> String {
        match (self, target) {
            (Self::Api(KubernetesError::Forbidden(_)), WaitTarget::EniConfig(_)) => {
                format!("allow nodes to read ENIConfigs: {RBAC}")
            }
            (Self::Api(KubernetesError::Forbidden(_)), WaitTarget::AwsNode) => {
                format!("allow nodes to read the DaemonSet: {RBAC}, or {SETTINGS}")
            }
            (Self::Api(error), _) => error.help().into_owned(),
            (Self::AwsNode(error), _) => error.help().into_owned(),
            (Self::NotFound | Self::NoSubnet | Self::DoesNotFit(_) | Self::SubnetFull(_), _) => {
                AwsNodeError::NotFound.help().into_owned()
            }
        }
    }
}

/// A wait whose target was not ready in time.
#[derive(Debug, PartialEq, Eq)]
pub struct WaitTimeout {
    pub target: WaitTarget,
    /// The time limit; zero if the settings allow one request only, or if the wait ended at a reason that
    /// is not transient.
    pub limit: Duration,
    pub reason: WaitReason,
    /// Whether the API server responded with a fact about the target at least once.
    pub answered: bool,
}

impl WaitTimeout {
    /// Returns the failed check of the target.
    #[must_use]
    pub(crate) fn diagnostic(&self) -> Diagnostic {
        self.reason.diagnostic(&self.target)
    }
}

impl fmt::Display for WaitTimeout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, limit, .. } = self;
        if limit.is_zero() {
            return write!(formatter, "{target} is not ready");
        }
        let limit = humantime::format_duration(*limit);
        write!(formatter, "timed out after {limit} waiting for {target}")
    }
}

impl std::error::Error for WaitTimeout {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.reason)
    }
}

impl Advice for WaitTimeout {
    fn help(&self) -> Cow<'static, str> {
        self.diagnostic().help.unwrap_or_default().into()
    }

    fn exit_code(&self) -> ExitCode {
        match &self.reason {
            WaitReason::NotFound | WaitReason::NoSubnet | WaitReason::DoesNotFit(_) => {
                ExitCode::TimedOut
            }
            WaitReason::SubnetFull(_) => ExitCode::SubnetFull,
            WaitReason::Api(error) => error.exit_code(),
            WaitReason::AwsNode(error) => error.exit_code(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::failure::report;

    fn timeout(reason: WaitReason) -> WaitTimeout {
        let target = WaitTarget::EniConfig("us-west-2a".parse().unwrap());
        WaitTimeout { target, limit: Duration::from_mins(10), reason, answered: false }
    }

    #[test]
    fn the_exit_code_of_a_timeout_follows_from_the_last_reason() {
        let code = |reason| timeout(reason).exit_code();
        assert_eq!(code(WaitReason::NotFound), ExitCode::TimedOut);
        assert_eq!(code(WaitReason::NoSubnet), ExitCode::TimedOut);
        let api = |error| code(WaitReason::Api(error));
        assert_eq!(api(KubernetesError::NoResourceType), ExitCode::TimedOut);
        assert_eq!(api(KubernetesError::Forbidden(String::new())), ExitCode::PermissionDenied);
        assert_eq!(api(KubernetesError::Unauthorized), ExitCode::PermissionDenied);
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let unreachable = KubernetesError::Unreachable(std::sync::Arc::new(refused));
        assert_eq!(api(unreachable), ExitCode::Unavailable);
    }

    #[test]
    fn the_report_of_a_timeout_names_target_reason_and_command() {
        assert_eq!(
            report(&timeout(WaitReason::NoSubnet)),
            "error: timed out after 10m waiting for ENIConfig us-west-2a\n  \
             caused by: spec.subnet is empty\n  \
             help: set spec.subnet to a subnet in the node's zone: `kubectl edit eniconfig us-west-2a`"
        );
        let once = WaitTimeout { limit: Duration::ZERO, ..timeout(WaitReason::NotFound) };
        assert_eq!(
            one_line(&once),
            "ENIConfig us-west-2a is not ready: the ENIConfig does not exist in the cluster"
        );
    }

    #[test]
    fn the_help_in_a_log_line_is_one_line() {
        let target = timeout(WaitReason::NotFound).target;
        let full = Diagnostic::failed(Code::SubnetFull, "subnet-1 is full", "release addresses");
        for target in [WaitTarget::AwsNode, target] {
            for reason in [
                WaitReason::DoesNotFit(full.clone()),
                WaitReason::Api(KubernetesError::Unauthorized),
                WaitReason::Api(KubernetesError::Forbidden(String::new())),
                WaitReason::Api(KubernetesError::NoResourceType),
                WaitReason::AwsNode(AwsNodeError::NotFound),
            ] {
                let help = reason.diagnostic(&target).help.unwrap();
                assert_eq!(help.lines().count(), 1, "{target}: {help}");
            }
        }
    }

    #[test]
    fn the_log_states_the_target_before_the_reason() {
        let state = |reason: &WaitReason| reason.state(&timeout(WaitReason::NotFound).target);
        assert_eq!(state(&WaitReason::NotFound), "ENIConfig us-west-2a not found");
        assert_eq!(state(&WaitReason::NoSubnet), "ENIConfig us-west-2a has no spec.subnet");
        let diagnostic = Diagnostic::failed(Code::SubnetFull, "subnet-1 has 1 free address", "");
        assert_eq!(
            state(&WaitReason::DoesNotFit(diagnostic)),
            "ENIConfig us-west-2a does not fit this node: subnet-1 has 1 free address"
        );
        let error = WaitReason::Api(KubernetesError::Unauthorized);
        let expected = format!("failed to read ENIConfig us-west-2a: {}", one_line(&error));
        assert_eq!(state(&error), expected);
    }
}
