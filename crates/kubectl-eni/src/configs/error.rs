//! A failure to find the subnets, the security groups or the names of ENIConfigs.

use super::candidates::Candidates;
use crate::cluster::ClusterError;
use eni_bootstrap::adapter::ec2::{CallError, Ec2Error};
use eni_bootstrap::adapter::eks::EksError;
use eni_core::domain::eni_config::{EniConfigName, EniConfigNameError};
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

/// A failure of `configs`.
#[derive(Debug, thiserror::Error)]
pub enum ConfigsError {
    /// The kubeconfig has no region or no cluster name.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The client of EC2 cannot be created.
    #[error(transparent)]
    Ec2(Ec2Error),
    /// EKS did not return the cluster.
    #[error("failed to read the subnets of the cluster")]
    Eks(#[source] EksError),
    /// EC2 did not return the subnets.
    #[error("failed to read the subnets")]
    Subnets(#[source] CallError),
    /// EC2 returned none of the subnets that EKS lists for the cluster.
    #[error("EC2 returned no subnet of EKS cluster {0:?}")]
    NoClusterSubnet(String),
    /// EKS did not return the security group of the cluster.
    #[error("EKS returned no cluster security group")]
    NoSecurityGroup,
    /// No subnet has the tags and is in the ranges.
    #[error("no subnet of {vpc} matches `{selector}`")]
    NoCandidate {
        /// The VPC of the cluster.
        vpc: String,
        /// The flags.
        selector: String,
    },
    /// Subnets in `--subnet-ids` do not exist.
    #[error("{ids} not found in {region} in this AWS account")]
    UnknownSubnets {
        /// The IDs, separated by commas.
        ids: String,
        /// The region of the request.
        region: String,
    },
    /// A zone has more than one candidate.
    #[error("more than one candidate subnet in {zones}")]
    Ambiguous {
        /// The zones, separated by commas.
        zones: String,
        /// The flag that decides.
        help: String,
        source: Candidates,
    },
    /// The template gives no valid name in a zone.
    #[error("failed to name the ENIConfig of {zone}")]
    Name {
        /// The name of the zone.
        zone: String,
        source: EniConfigNameError,
    },
    /// The template gives the same name in two zones.
    #[error("{zones} have the same ENIConfig name \"{name}\"")]
    SameName {
        name: EniConfigName,
        /// Both zones.
        zones: String,
    },
    /// The output format does not fit to `--apply` or `--dry-run`, or it needs one of them.
    #[error("{}", output_conflict(*sends))]
    OutputWithApply {
        /// Whether the command has `--apply` or `--dry-run`.
        sends: bool,
    },
    /// The ENIConfigs cannot be written as YAML.
    #[error("failed to write YAML")]
    Yaml(#[source] serde_saphyr::ser::Error),
}

fn output_conflict(sends: bool) -> &'static str {
    if sends {
        "--apply and --dry-run print the changes and no ENIConfigs"
    } else {
        "--output text needs --apply or --dry-run"
    }
}

impl Advice for ConfigsError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Cluster(error) => return error.help(),
            Self::Ec2(error) => return error.help(),
            Self::Eks(error) => return eks_help(error),
            Self::Subnets(error) => return error.help(),
            Self::Ambiguous { help, .. } => return help.clone().into(),
            Self::NoClusterSubnet(_) => {
                "check `--region`, and that the AWS credentials belong to the AWS account of the cluster or of its shared VPC"
            }
            Self::NoSecurityGroup => "add `--security-groups ID,…`",
            Self::NoCandidate { vpc, .. } => {
                return format!(
                    "list the subnets with their tags: `aws ec2 describe-subnets --filters Name=vpc-id,Values={vpc} --query 'Subnets[].[SubnetId,AvailabilityZone,CidrBlock,Tags]'`"
                )
                .into();
            }
            Self::UnknownSubnets { .. } => {
                "correct `--subnet-ids`, or select another region with `--region`"
            }
            Self::Name { .. } => "correct `--eni-config-name`",
            Self::SameName { .. } => {
                "add a field that differs between the zones: `--eni-config-name '{zone}'`"
            }
            Self::OutputWithApply { sends: true } => {
                "remove `--output`, or use `--output json` or `--output text`"
            }
            Self::OutputWithApply { sends: false } => {
                "use `--output yaml`, or add `--dry-run=server`"
            }
            Self::Yaml(_) => "use `--output json`, and report this error",
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Cluster(error) => error.exit_code(),
            Self::Ec2(error) => error.exit_code(),
            Self::Eks(error) => error.exit_code(),
            Self::Subnets(error) => error.exit_code(),
            Self::NoClusterSubnet(_)
            | Self::NoSecurityGroup
            | Self::NoCandidate { .. }
            | Self::UnknownSubnets { .. }
            | Self::Ambiguous { .. } => ExitCode::CheckFailed,
            Self::Name { .. } | Self::SameName { .. } | Self::OutputWithApply { .. } => {
                ExitCode::Usage
            }
            Self::Yaml(_) => ExitCode::InvalidData,
        }
    }
}

/// Returns the help for a failed `eks:DescribeCluster`. That of [`EksError`] names settings of a node.
fn eks_help(error: &EksError) -> Cow<'static, str> {
    match error {
        EksError::UnknownCluster { .. } => "correct `--cluster-name` or `--region`".into(),
        EksError::Call(CallError::AccessDenied { .. }) => {
            "allow `eks:DescribeCluster` in the IAM policy of this role or user, or add `--subnet-ids` and `--security-groups`".into()
        }
        EksError::Call(error) => error.help(),
        EksError::NotReady { .. } | EksError::Aws(_) => error.help(),
    }
}
