//! What the API server's answers mean, and what it means that there is none.

use crate::adapter::eks_token::TokenError;
use eni_core::error::{Advice, ExitCode, one_line};
use kube::core::Status;
use std::borrow::Cow;

/// The Kubernetes API did not say what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubernetesError {
    /// 401: nobody knows this identity, or not yet.
    #[error("the API server does not know this node's identity (401)")]
    Unauthorized,
    /// 403: known, and not allowed.
    #[error("the API server does not permit it: {0}")]
    Forbidden(String),
    /// 404 of the resource type: the VPC CNI is not installed.
    #[error("the API server knows no such resource type (404)")]
    NoResourceType,
    /// 410: the watch began too long ago.
    #[error("the watch has expired")]
    Expired,
    /// Another answer.
    #[error("the API server answered {code}: {message}")]
    Answered {
        /// The HTTP status.
        code: u16,
        /// What it said.
        message: String,
    },
    /// No answer, or not in time.
    #[error("the API server does not answer: {0}")]
    Unreachable(String),
    /// No token could be made.
    #[error("{0}")]
    Token(String),
}

/// What lets nodes read what they need to.
pub(crate) const RBAC: &str =
    "`kubectl apply -f rbac.yaml`, the file of this package (/usr/share/eni-bootstrap/rbac.yaml)";

impl Advice for KubernetesError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::NoResourceType => {
                "install the Amazon VPC CNI, which brings the ENIConfig resource type, before the first node"
            }
            Self::Forbidden(_) => return format!("let nodes read it: {RBAC}").into(),
            Self::Unauthorized => {
                "map the node's role in the cluster: an EKS access entry of type EC2_LINUX, or aws-auth; and check the instance's clock"
            }
            Self::Token(_) => "give the instance a role (an instance profile)",
            Self::Expired | Self::Answered { .. } | Self::Unreachable(_) => {
                "check the cluster's endpoint, that its security group lets this node in, and that its name can be resolved from here"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unauthorized | Self::Forbidden(_) | Self::Token(_) => ExitCode::PermissionDenied,
            Self::NoResourceType => ExitCode::TimedOut,
            Self::Expired | Self::Answered { .. } | Self::Unreachable(_) => ExitCode::Unavailable,
        }
    }
}

/// A 404 for the object names it; a 404 for the resource type does not.
pub(super) fn is_absent_object(status: &Status) -> bool {
    let named = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
    status.code == 404 && status.reason == "NotFound" && named
}

pub(super) fn status_error(status: &Status) -> KubernetesError {
    match status.code {
        401 => KubernetesError::Unauthorized,
        403 => KubernetesError::Forbidden(status.message.clone()),
        404 => KubernetesError::NoResourceType,
        410 => KubernetesError::Expired,
        code => KubernetesError::Answered { code, message: status.message.clone() },
    }
}

pub(super) fn transport_error(error: &kube::Error) -> KubernetesError {
    // Our own layer's error comes back inside of kube's.
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(token) = cause.downcast_ref::<TokenError>() {
            return KubernetesError::Token(token.to_string());
        }
        source = cause.source();
    }
    match error {
        kube::Error::Service(cause) => KubernetesError::Unreachable(one_line(cause.as_ref())),
        kube::Error::HyperError(cause) => KubernetesError::Unreachable(one_line(cause)),
        kube::Error::ReadEvents(cause) => KubernetesError::Unreachable(one_line(cause)),
        other => KubernetesError::Unreachable(one_line(other)),
    }
}
