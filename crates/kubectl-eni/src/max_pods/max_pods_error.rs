//! The error of `max-pods`.

use eni_bootstrap::adapter::ec2::Ec2Error;
use eni_bootstrap::adapter::kubernetes::{AwsNodeError, KubernetesError};
use eni_core::domain::capacity::NoCapacity;
use eni_core::domain::identifier::InstanceType;
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

/// A failure to compute max-pods.
#[derive(Debug, thiserror::Error)]
pub enum MaxPodsError {
    /// The API server does not know the user of the kubeconfig.
    #[error("the API server rejected the credentials of the kubeconfig (401 Unauthorized)")]
    Unauthorized,
    /// The CNI configuration of the cluster cannot be read.
    #[error("failed to read the CNI configuration of the cluster")]
    AwsNode(#[source] AwsNodeError),
    /// EC2 must be called for an instance type, but the region is unknown.
    #[error(
        "\"{instance_type}\" is not in the instance type table, and no region is set for ec2:DescribeInstanceTypes"
    )]
    NoRegion {
        instance_type: InstanceType,
        /// The most similar instance type of the table.
        nearest: Option<String>,
    },
    /// EC2 did not return the limits of an instance type.
    #[error("failed to look up the limits of instance type {instance_type}")]
    Ec2 {
        instance_type: InstanceType,
        /// The most similar instance type of the table.
        nearest: Option<String>,
        source: Box<Ec2Error>,
    },
    /// The instance type has no max-pods with this CNI configuration.
    #[error("failed to compute max-pods for {instance_type}")]
    NoCapacity {
        instance_type: InstanceType,
        /// The setting or limit that leaves no capacity.
        source: NoCapacity,
    },
}

impl Advice for MaxPodsError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Unauthorized => {
                "sign in again, or check the user of the kubeconfig: `kubectl auth whoami`".into()
            }
            Self::AwsNode(error) => match error.exit_code() {
                ExitCode::PermissionDenied => {
                    "allow `get` for DaemonSet aws-node, and for the ConfigMaps that it refers to, in namespace kube-system; or describe the CNI with `--cni-…` flags instead of `--cni-from-cluster`"
                }
                _ => {
                    "check the DaemonSet: `kubectl -n kube-system get daemonset aws-node --output yaml`; or describe the CNI with `--cni-…` flags instead of `--cni-from-cluster`"
                }
            }
            .into(),
            Self::NoRegion { nearest, .. } => {
                suggestion(nearest.as_ref(), "add the region: `--region us-west-2`")
            }
            Self::Ec2 { nearest, source, .. } => {
                let help = match source.exit_code() {
                    ExitCode::PermissionDenied => {
                        "sign in to AWS with a role that allows ec2:DescribeInstanceTypes"
                    }
                    ExitCode::InvalidData => "check the instance type and the AWS region",
                    _ => "check the region, and the network path to the EC2 API",
                };
                suggestion(nearest.as_ref(), help)
            }
            Self::NoCapacity { source, .. } => source.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unauthorized | Self::AwsNode(AwsNodeError::ConfigMapForbidden { .. }) => {
                ExitCode::PermissionDenied
            }
            Self::AwsNode(AwsNodeError::Api(error)) => error.exit_code(),
            Self::AwsNode(_) => ExitCode::Settings,
            Self::NoRegion { .. } => ExitCode::Usage,
            Self::Ec2 { source, .. } => source.exit_code(),
            Self::NoCapacity { source, .. } => source.exit_code(),
        }
    }
}

impl From<AwsNodeError> for MaxPodsError {
    fn from(error: AwsNodeError) -> Self {
        match error {
            AwsNodeError::Api(KubernetesError::Unauthorized) => Self::Unauthorized,
            other => Self::AwsNode(other),
        }
    }
}

/// Returns `help`, after the suggestion of the most similar instance type.
fn suggestion(nearest: Option<&String>, help: &'static str) -> Cow<'static, str> {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`? Otherwise {help}").into(),
        None => help.into(),
    }
}
