//! The error of `kubectl eni nodes`.

use crate::cluster::access_help;
use eni_bootstrap::adapter::kubernetes::{AwsNodeError, KubernetesError};
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

/// A failure that ends the audit.
#[derive(Debug, thiserror::Error)]
pub enum NodesError {
    /// The configuration of the CNI, from which everything is computed, cannot be read.
    #[error("failed to read the configuration of the VPC CNI")]
    Cni(#[source] AwsNodeError),
    /// The API server does not accept the credentials.
    #[error("the API server rejected the credentials of the kubeconfig (401 Unauthorized)")]
    Unauthorized,
    /// The API server rejects the label selector.
    #[error("label selector {0:?} is invalid")]
    Selector(String),
}

impl From<AwsNodeError> for NodesError {
    fn from(error: AwsNodeError) -> Self {
        match error {
            // Its message is about the credentials of a node.
            AwsNodeError::Api(KubernetesError::Unauthorized) => Self::Unauthorized,
            other => Self::Cni(other),
        }
    }
}

impl Advice for NodesError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Selector(_) => {
                "use the syntax of kubectl, such as `--selector topology.kubernetes.io/zone=us-west-2a`"
            }
            Self::Unauthorized => {
                "sign in again, or check the user of the kubeconfig: `kubectl auth whoami`"
            }
            Self::Cni(AwsNodeError::Api(error @ KubernetesError::Forbidden(_))) => {
                access_help(error)
            }
            Self::Cni(AwsNodeError::Api(error @ KubernetesError::Plugin(_))) => {
                return error.help();
            }
            Self::Cni(AwsNodeError::Api(_)) => {
                "check the connection to the API server: `kubectl -n kube-system get daemonset aws-node`"
            }
            Self::Cni(AwsNodeError::ConfigMapForbidden { config_map, .. }) => {
                return format!(
                    "grant the permission to get ConfigMap {config_map} in namespace kube-system"
                )
                .into();
            }
            Self::Cni(AwsNodeError::MissingConfigMapData { config_map, .. }) => {
                return format!(
                    "create ConfigMap {config_map} or its missing key in namespace kube-system"
                )
                .into();
            }
            Self::Cni(AwsNodeError::UnreadableSource { .. }) => {
                "set the variable on the DaemonSet to a value, or take it from a ConfigMap"
            }
            Self::Cni(
                AwsNodeError::NotFound
                | AwsNodeError::NotFoundBeside(_)
                | AwsNodeError::NoContainer
                | AwsNodeError::OtherCni(_),
            ) => "select a cluster with the Amazon VPC CNI: `--context NAME`",
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Selector(_) => ExitCode::Usage,
            Self::Cni(AwsNodeError::Api(error)) => error.exit_code(),
            Self::Unauthorized | Self::Cni(AwsNodeError::ConfigMapForbidden { .. }) => {
                ExitCode::PermissionDenied
            }
            Self::Cni(_) => ExitCode::Settings,
        }
    }
}
