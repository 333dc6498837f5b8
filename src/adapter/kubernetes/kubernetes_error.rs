//! Classifies error responses of the API server and failed connections.

use super::connection_error::{UNREACHABLE_HELP, unreachable_help};
use super::exec_plugin::PluginError;
use crate::adapter::aws::credentials_problem::CredentialsProblem;
use crate::adapter::body_limit::{BodyLimit, TooLarge};
use crate::adapter::eks_token::TokenError;
use crate::adapter::rejected_certificate::inner;
use crate::adapter::{SharedError, Transient};
use eni_core::failure::{Advice, ExitCode, one_line};
use kube::core::Status;
use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

/// A failed request to the Kubernetes API.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KubernetesError {
    /// 401: the cluster does not map the credentials to a user (yet).
    #[error("the API server rejected the node's credentials (401 Unauthorized)")]
    Unauthorized,
    /// 403: RBAC denies the request. Contains the API server's message, which may be empty.
    #[error("{}", denied(.0))]
    Forbidden(String),
    /// 404 for the resource type: the VPC CNI is not installed.
    #[error("the cluster has no resource type ENIConfig (404 Not Found)")]
    NoResourceType,
    /// 410: the API server no longer has the resource version at which the watch starts.
    #[error("the watch has expired (410 Gone)")]
    Expired,
    /// Any other HTTP status.
    #[error("{}", answered(*code, message))]
    Answered {
        code: u16,
        /// The API server's message, which may be empty.
        message: String,
    },
    /// No connection, no response in time, or a connection that broke.
    #[error("the API server is unreachable")]
    Unreachable(#[source] SharedError),
    /// The wait of the command ended during a request: a wait that is shorter than the time limits of a request
    /// and its credentials does not show which of them is late.
    #[error("no response before the end of the wait")]
    WaitEnded,
    /// The response is not one of the Kubernetes API.
    #[error("the API server's response is invalid")]
    Invalid(#[source] SharedError),
    /// The response exceeds its size limit.
    #[error("{}", too_large(*.0))]
    TooLarge(TooLarge),
    /// The exec plugin of the kubeconfig returned no credentials.
    #[error("failed to get credentials from the exec plugin of the kubeconfig")]
    Plugin(#[source] PluginError),
    /// The token for the request cannot be created.
    #[error("failed to create a token for the API server")]
    Token(#[source] TokenError),
}

fn denied(message: &str) -> String {
    if message.is_empty() {
        "the API server returned 403 Forbidden without a reason".to_owned()
    } else {
        format!("access denied by the API server: {message}")
    }
}

fn answered(code: u16, message: &str) -> String {
    let separator = if message.is_empty() { "" } else { ": " };
    format!("the API server returned status {code}{separator}{message}")
}

fn too_large(error: TooLarge) -> String {
    match error.0 {
        BodyLimit::Whole(bytes) => {
            format!("the API server's response exceeds {} MiB", bytes >> 20)
        }
        BodyLimit::Line(bytes) => {
            format!("the API server sent a line of a watch that exceeds {} MiB", bytes >> 20)
        }
    }
}

/// Compares the messages, because sources have no equality. A wait logs an error only if it differs
/// from the last one.
impl PartialEq for KubernetesError {
    fn eq(&self, other: &Self) -> bool {
        one_line(self) == one_line(other)
    }
}

impl Eq for KubernetesError {}

/// The command that lets nodes read the objects that eni-bootstrap needs.
pub(crate) const RBAC: &str =
    "`kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml)";

/// The help for a request that the end of a wait interrupted. An exec plugin has the longest time limit, 20 s.
const WAIT_ENDED_HELP: &str = "set `eni-config.wait` to at least 30s, so that the error contains the cause; check the cluster endpoint, DNS, the source of the credentials, and that the cluster's security group allows port 443 from this node";
/// The help for 429 and 5xx.
const OVERLOADED_HELP: &str = "check the health of the control plane: `aws eks describe-cluster --name NAME --query cluster.health`, and the logs of the API server";
/// The help for a response that the API server does not send.
const WRONG_SERVER_HELP: &str =
    "check which server responds at the cluster endpoint, for example a proxy";
/// The maximum length of a message of the API server in characters.
const LONGEST_MESSAGE: usize = 500;

impl Advice for KubernetesError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::NoResourceType => {
                "install the Amazon VPC CNI, which creates the ENIConfig resource type, before you start nodes"
            }
            Self::Forbidden(_) => return format!("grant nodes read access: {RBAC}").into(),
            Self::Unauthorized => {
                "create an EKS access entry of type EC2_LINUX for the node's IAM role, or add the role to aws-auth; also check the instance's clock"
            }
            Self::TooLarge(_) => {
                "check which server responds at the cluster endpoint, for example a proxy; a valid response has only a few kilobytes"
            }
            Self::Plugin(_) => {
                "run the command of the exec plugin manually, then correct the plugin or `users[].user.exec` in the kubeconfig"
            }
            Self::Token(TokenError::Credentials(error)) => CredentialsProblem::of(error)
                .help("attach an instance profile with the node's IAM role to the instance; if it has one, check that the role's trust policy allows ec2.amazonaws.com"),
            Self::Token(error) => return error.help(),
            Self::Answered { code, .. } if *code == 429 || *code >= 500 => OVERLOADED_HELP,
            Self::Answered { .. } | Self::Invalid(_) => WRONG_SERVER_HELP,
            Self::Unreachable(error) => unreachable_help(error.as_ref()),
            Self::WaitEnded => WAIT_ENDED_HELP,
            Self::Expired => UNREACHABLE_HELP,
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unauthorized | Self::Forbidden(_) | Self::Plugin(_) => ExitCode::PermissionDenied,
            Self::Token(error) => error.exit_code(),
            Self::TooLarge(_) | Self::Invalid(_) => ExitCode::InvalidData,
            Self::NoResourceType => ExitCode::TimedOut,
            Self::Expired | Self::Answered { .. } | Self::Unreachable(_) | Self::WaitEnded => {
                ExitCode::Unavailable
            }
        }
    }
}

impl Transient for KubernetesError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Answered { code, .. } => *code >= 500 || *code == 429,
            Self::Expired
            | Self::Unreachable(_)
            | Self::WaitEnded
            | Self::Invalid(_)
            | Self::Plugin(_)
            | Self::Token(_) => true,
            Self::Unauthorized | Self::Forbidden(_) | Self::NoResourceType | Self::TooLarge(_) => {
                false
            }
        }
    }
}

/// No response within the timeout.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("no response within {seconds} s")]
pub(super) struct NoResponse {
    pub seconds: u64,
}

/// Returns whether a 404 is about the object. A 404 for the resource type contains no object name.
pub(super) fn is_absent_object(status: &Status) -> bool {
    let has_name = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
    status.code == 404 && status.reason == "NotFound" && has_name
}

pub(super) fn status_error(status: &Status) -> KubernetesError {
    match status.code {
        401 => KubernetesError::Unauthorized,
        403 => KubernetesError::Forbidden(short(&status.message)),
        404 => KubernetesError::NoResourceType,
        410 => KubernetesError::Expired,
        code => KubernetesError::Answered { code, message: short(&status.message) },
    }
}

/// Returns the first line of a message, at most [`LONGEST_MESSAGE`] characters. A proxy may send a web page.
fn short(message: &str) -> String {
    let line = message.trim().lines().next().unwrap_or_default();
    match line.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

pub(super) fn transport_error(error: kube::Error) -> KubernetesError {
    // A client that was created elsewhere runs the exec plugin itself.
    if let Some(error) = PluginError::of_client(&error, "the command of the exec plugin") {
        return KubernetesError::Plugin(error);
    }
    // The layers that sign requests and limit responses return these errors, which kube wraps.
    let mut source = StdError::source(&error);
    while let Some(cause) = source {
        if let Some(token) = cause.downcast_ref::<TokenError>() {
            return KubernetesError::Token(token.clone());
        }
        if let Some(too_large) = cause.downcast_ref::<TooLarge>() {
            return KubernetesError::TooLarge(*too_large);
        }
        source = inner(cause);
    }
    KubernetesError::Unreachable(match error {
        kube::Error::Service(cause) => cause.into(),
        kube::Error::HyperError(cause) => Arc::new(cause),
        kube::Error::ReadEvents(cause) => Arc::new(cause),
        kube::Error::SerdeError(cause) => return KubernetesError::Invalid(Arc::new(cause)),
        kube::Error::FromUtf8(cause) => return KubernetesError::Invalid(Arc::new(cause)),
        other => Arc::new(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_403_without_a_body_has_a_readable_message() {
        let error = status_error(&Status { code: 403, ..Status::default() });
        assert_eq!(error.to_string(), "the API server returned 403 Forbidden without a reason");
        let error = KubernetesError::Forbidden("eniconfigs is forbidden".to_owned());
        assert_eq!(error.to_string(), "access denied by the API server: eniconfigs is forbidden");
    }

    #[test]
    fn other_statuses_have_a_readable_message() {
        let answered = |message: &str| {
            KubernetesError::Answered { code: 503, message: message.to_owned() }.to_string()
        };
        assert_eq!(answered(""), "the API server returned status 503");
        assert_eq!(answered("etcd is down"), "the API server returned status 503: etcd is down");
    }

    #[test]
    fn a_message_has_one_line_of_limited_length() {
        assert_eq!(short("etcd is down\n"), "etcd is down");
        assert_eq!(short("\n<html>\n<body>\n"), "<html>");
        assert_eq!(short(""), "");
        assert_eq!(short(&"é".repeat(600)), format!("{}…", "é".repeat(500)));
    }

    #[test]
    fn errors_with_different_sources_differ() {
        let late = |seconds| KubernetesError::Unreachable(Arc::new(NoResponse { seconds }));
        assert_eq!(late(10), late(10));
        assert_ne!(late(10), late(20));
        assert_eq!(one_line(&late(10)), "the API server is unreachable: no response within 10 s");
    }
}
