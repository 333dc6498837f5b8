//! The errors of the command.

use crate::cluster::{access_help, config_map_help};
use eni_bootstrap::adapter::disk::DiskError;
use eni_bootstrap::adapter::ec2::Ec2Error;
use eni_bootstrap::adapter::kubernetes::{AwsNodeError, KubernetesError};
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

/// A failure to compute the capacity.
#[derive(Debug, thiserror::Error)]
pub enum CapacityError {
    /// The configuration of the CNI cannot be read.
    #[error("failed to read the configuration of the VPC CNI")]
    AwsNode(#[source] AwsNodeError),
    /// The ENIConfigs cannot be listed.
    #[error("failed to list ENIConfigs")]
    EniConfigs(#[source] KubernetesError),
    /// A call of the EC2 API failed.
    #[error(transparent)]
    Ec2(#[from] Ec2Error),
    /// Pods take no IPv4 addresses from subnets, for example in an IPv6 cluster.
    #[error("the VPC CNI assigns no IPv4 addresses to pods: {0} is true")]
    NoIpv4(&'static str),
    /// No node has an instance ID, so the VPC is unknown.
    #[error("no node of this cluster runs the VPC CNI, so its VPC is unknown")]
    NoNodes,
    /// The instance of a node has no network interface in this account and region.
    #[error("no network interface of instance {instance} found in {region}")]
    UnknownInstance { instance: String, region: String },
    /// A zone of `--lost-zone` has no node and no pod subnet.
    #[error("no nodes and no pod subnets found in zone \"{0}\"")]
    UnknownZone(String),
    /// The picture cannot be written.
    #[error("failed to write the picture")]
    Picture(#[source] DiskError),
}

impl Advice for CapacityError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::AwsNode(AwsNodeError::Api(error)) | Self::EniConfigs(error) => {
                access_help(error).into()
            }
            Self::AwsNode(AwsNodeError::ConfigMapForbidden { config_map, .. }) => {
                config_map_help(config_map)
            }
            Self::AwsNode(_) => {
                "check the DaemonSet: `kubectl -n kube-system get daemonset aws-node -o yaml`"
            .into()
            }
            Self::Ec2(error) => error.help(),
            Self::NoIpv4(_) => {
                "use this command for clusters whose CNI attaches network interfaces with IPv4 addresses".into()
            }
            Self::NoNodes => "start a node, or select another cluster with `--context`".into(),
            Self::UnknownInstance { .. } => {
                "select the account and the region of the cluster: `AWS_PROFILE`, `--region`".into()
            }
            Self::UnknownZone(_) => {
                "use a zone name such as us-west-2a: `kubectl get nodes -L topology.kubernetes.io/zone`".into()
            }
            Self::Picture(_) => "use a writable path with `--svg`".into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::AwsNode(AwsNodeError::Api(error)) | Self::EniConfigs(error) => error.exit_code(),
            Self::AwsNode(AwsNodeError::ConfigMapForbidden { .. }) => ExitCode::PermissionDenied,
            Self::Ec2(error) => error.exit_code(),
            Self::AwsNode(_) | Self::NoIpv4(_) | Self::NoNodes => ExitCode::Settings,
            Self::UnknownInstance { .. } => ExitCode::InvalidData,
            Self::UnknownZone(_) => ExitCode::Usage,
            Self::Picture(_) => ExitCode::CannotWrite,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_aws_node_the_cluster_is_not_supported_and_there_is_no_wait() {
        let forbidden = AwsNodeError::ConfigMapForbidden {
            what: "ENABLE_POD_ENI".to_owned(),
            config_map: "a".to_owned(),
            source: Box::new(KubernetesError::Unauthorized),
        };
        for (error, expected) in [
            (AwsNodeError::NotFound, ExitCode::Settings),
            (AwsNodeError::NoContainer, ExitCode::Settings),
            (forbidden, ExitCode::PermissionDenied),
            (AwsNodeError::Api(KubernetesError::Unauthorized), ExitCode::PermissionDenied),
        ] {
            let error = CapacityError::AwsNode(error);
            assert_eq!(error.exit_code(), expected, "{error:?}");
        }
    }
}
