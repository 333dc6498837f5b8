//! Why the node is not ready yet, and what to do about it.

use crate::adapter::kubernetes::{AwsNodeError, KubernetesError, RBAC};
use eni_core::domain::eni_config::EniConfigName;
use eni_core::domain::finding::Finding;
use eni_core::error::{Advice, ExitCode, one_line};
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// What is awaited from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaited {
    /// What the VPC CNI is set to.
    AwsNode,
    /// This ENIConfig.
    EniConfig(EniConfigName),
}

impl fmt::Display for Awaited {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AwsNode => formatter.write_str("the aws-node DaemonSet"),
            Self::EniConfig(name) => write!(formatter, "ENIConfig {name}"),
        }
    }
}

/// Why the node is not ready yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not asked yet.
    Unknown,
    /// There is no ENIConfig of this name.
    NotThere,
    /// There is one, and it names no subnet.
    NoSubnet,
    /// There is one, and this keeps it from serving the node's pods.
    Unfit(Finding),
    /// The API server did not say.
    Api(KubernetesError),
    /// The API server says something of the DaemonSet that is of no use.
    AwsNode(AwsNodeError),
}

impl From<AwsNodeError> for Reason {
    fn from(error: AwsNodeError) -> Self {
        match error {
            AwsNodeError::Api(error) => Self::Api(error),
            other => Self::AwsNode(other),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("nobody has been asked yet"),
            Self::NotThere => formatter.write_str("it is not there"),
            Self::NoSubnet => formatter.write_str("it is there, but its spec.subnet is empty"),
            Self::Unfit(finding) => write!(formatter, "it is there, but {}", finding.says),
            Self::Api(error) => formatter.write_str(&one_line(error)),
            Self::AwsNode(error) => formatter.write_str(&one_line(error)),
        }
    }
}

/// Not what is needed in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{awaited} was not ready after {}: {reason}", humantime::format_duration(*allowed))]
pub struct NotReady {
    /// What was awaited.
    pub awaited: Awaited,
    /// How long was waited.
    pub allowed: Duration,
    /// The last reason.
    pub reason: Reason,
}

impl Advice for NotReady {
    fn help(&self) -> Cow<'static, str> {
        help(&self.awaited, &self.reason)
    }

    fn exit_code(&self) -> ExitCode {
        match &self.reason {
            Reason::Unknown | Reason::NotThere | Reason::NoSubnet | Reason::Unfit(_) => {
                ExitCode::TimedOut
            }
            Reason::Api(error) => error.exit_code(),
            Reason::AwsNode(error) => error.exit_code(),
        }
    }
}

/// What to do about `reason`.
pub(super) fn help(awaited: &Awaited, reason: &Reason) -> Cow<'static, str> {
    match (reason, awaited) {
        (Reason::Unknown | Reason::NotThere, Awaited::EniConfig(name)) => format!(
            "create it: `kubectl apply -f - <<< '{{\"apiVersion\":\"crd.k8s.amazonaws.com/v1alpha1\",\"kind\":\"ENIConfig\",\"metadata\":{{\"name\":\"{name}\"}},\"spec\":{{\"subnet\":\"SUBNET-ID\",\"securityGroups\":[\"SECURITY-GROUP-ID\"]}}}}'`"
        )
        .into(),
        (Reason::Unknown | Reason::NotThere, Awaited::AwsNode) => AwsNodeError::NotThere.help(),
        (Reason::NoSubnet, _) => format!("name its subnet: `kubectl edit {awaited}`, field spec.subnet")
            .replace("edit ENIConfig", "edit eniconfig")
            .into(),
        (Reason::Unfit(finding), _) => finding.help.clone().unwrap_or_default().into(),
        (Reason::Api(KubernetesError::Forbidden(_)), Awaited::EniConfig(_)) => {
            format!("let nodes read ENIConfigs: {RBAC}").into()
        }
        (Reason::Api(error @ KubernetesError::Forbidden(_)), Awaited::AwsNode) => {
            format!("{}, or set the keys of [cni] by hand and cni.source = \"settings\"", error.help()).into()
        }
        (Reason::Api(error), _) => error.help(),
        (Reason::AwsNode(error), _) => error.help(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_of_a_timeout_follows_from_the_last_reason() {
        let code = |reason| {
            NotReady { awaited: Awaited::AwsNode, allowed: Duration::ZERO, reason }.exit_code()
        };
        assert_eq!(code(Reason::NotThere), ExitCode::TimedOut);
        assert_eq!(code(Reason::NoSubnet), ExitCode::TimedOut);
        let api = |error| code(Reason::Api(error));
        assert_eq!(api(KubernetesError::NoResourceType), ExitCode::TimedOut);
        assert_eq!(api(KubernetesError::Forbidden(String::new())), ExitCode::PermissionDenied);
        assert_eq!(api(KubernetesError::Unauthorized), ExitCode::PermissionDenied);
        let refused = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
        let unreachable = KubernetesError::Unreachable(std::sync::Arc::new(refused));
        assert_eq!(api(unreachable), ExitCode::Unavailable);
    }
}
