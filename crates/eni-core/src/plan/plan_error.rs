//! Errors of planning, with help for each.

use crate::domain::capacity::NoCapacity;
use crate::domain::cni_version::CniVersion;
use crate::domain::eni_config::{EXTERNAL_LABEL, EniConfigNameError};
use crate::domain::identifier::InvalidIdentifier;
use crate::domain::label::InvalidLabel;
use crate::domain::quantity::InvalidQuantity;
use crate::failure::{Advice, ExitCode};
use crate::host::existing_config::ExistingLabel;
use std::borrow::Cow;

/// No configuration exists that fits the settings, the instance and the CNI.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The calculation leaves no address or no network interface for pods.
    #[error("failed to compute max-pods for {instance_type}")]
    NoCapacity {
        /// The instance type, such as `m5.large`.
        instance_type: String,
        /// Which term of the calculation is too low.
        source: NoCapacity,
    },
    /// `pods.policy` or `reserve.basis` keeps a reserve that another source sets, but it is not a
    /// quantity.
    #[error("kube-reserved {resource} in {location} is invalid")]
    ExistingReserve {
        /// Where the reserve is configured, such as `user data`.
        location: String,
        /// `cpu`, `memory` or `ephemeral-storage`.
        resource: &'static str,
        source: InvalidQuantity,
    },
    /// A reserve that the kubelet flag must repeat is not a quantity.
    #[error("kube-reserved {resource} in {location} is invalid")]
    OtherReserve {
        /// Where the reserve is configured.
        location: String,
        /// Such as `pid`.
        resource: String,
        source: InvalidQuantity,
    },
    /// A reserve that the kubelet flag must repeat has an invalid name, which could change the flag.
    #[error("kube-reserved in {location} contains {resource:?}, which is not a resource")]
    OtherResource {
        /// Where the reserve is configured.
        location: String,
        /// The name of the resource as it is written.
        resource: String,
    },
    /// The reserves leave nothing of a resource for pods.
    #[error("the kubelet would exit, because no {resource} is left for pods: {calculation}")]
    NothingAllocatable {
        /// `CPU` or `memory`.
        resource: &'static str,
        /// The capacity of the node and the reserves.
        calculation: String,
        /// How to lower the reserves.
        help: String,
    },
    /// An existing max-pods that is read later exceeds the capacity of the node.
    #[error(
        "{existing}, and {reason}, but the capacity of this node is {limit} pods; additional pods would stay in ContainerCreating without an IP address"
    )]
    LaterMaxPodsAboveCapacity {
        /// The existing max-pods and its location.
        existing: String,
        /// Why the existing max-pods takes precedence.
        reason: String,
        /// The largest max-pods that this node accepts.
        limit: u32,
        /// How to give max-pods of eni-bootstrap precedence.
        help: String,
    },
    /// `eni-config.wait = "forever"` on Bottlerocket, where no other timeout ends the wait.
    #[error(
        "eni-config.wait = \"forever\" would block the boot: a Bottlerocket bootstrap container has no time limit"
    )]
    WaitsForever,
    /// The template gives no valid ENIConfig name on this instance.
    #[error("failed to build the ENIConfig name from eni-config.name")]
    EniConfigName(#[from] EniConfigNameError),
    /// A property of the instance is not a valid label value.
    #[error("failed to build the node labels")]
    Label(#[from] InvalidLabel),
    /// Two sources give one label different values.
    #[error("label {key} has two values: {one:?} and {other:?}")]
    LabelClash {
        key: String,
        /// The value that eni-bootstrap computes.
        one: String,
        /// The value that the settings add.
        other: String,
    },
    /// The CNI would select an ENIConfig other than the one that `eni-config.name` gives.
    #[error("the CNI would use ENIConfig {selected:?} instead of {expected:?}, because {reason}")]
    OtherEniConfigSelected {
        /// The name that `eni-config.name` gives.
        expected: String,
        /// The name that the CNI selects.
        selected: String,
        /// The label that decides.
        reason: String,
    },
    /// The version of the CNI does not read the label in `eni-config.label`.
    #[error(
        "eni-config.label is {EXTERNAL_LABEL:?}, but the CNI reads this label from version {first}, and its version is {version}",
        first = CniVersion::EXTERNAL_LABEL
    )]
    ExternalLabelNotRead { version: CniVersion },
    /// The CNI would read the ENIConfig name from a label that an earlier run set on Bottlerocket.
    #[error(
        "the CNI would use ENIConfig {selected:?} instead of {expected:?}: an earlier run set label {key}, and the Bottlerocket API cannot remove a label"
    )]
    OldEniConfigLabel {
        key: String,
        /// The value of the label.
        selected: String,
        /// The name that `eni-config.name` gives.
        expected: String,
    },
    /// `eni-config.policy = "respect"`, but an existing label and `eni-config.name` name different
    /// ENIConfigs.
    #[error("{existing}, but eni-config.name gives {name:?}")]
    EniConfigConflict {
        /// The existing label and its location.
        existing: String,
        /// The name that `eni-config.name` gives.
        name: String,
        /// Whether the label can be removed. Bottlerocket's API cannot remove one.
        is_removable: bool,
    },
    /// An existing label that the CNI reads the ENIConfig name from has an invalid value.
    #[error("{existing}, and the CNI reads the ENIConfig name from this label")]
    ExistingEniConfigName {
        /// The existing label and its location.
        existing: String,
        source: InvalidIdentifier,
    },
    /// `eni-config.policy = "override"`, but the existing label is read later.
    #[error("failed to override the ENIConfig label: {existing}, and {reason}")]
    EniConfigLabelReadLater {
        /// The existing label and its location.
        existing: String,
        /// Why the existing label takes precedence.
        reason: String,
        /// How to give the label of eni-bootstrap precedence.
        help: String,
    },
    /// The kubelet exits because of an existing label.
    #[error("the kubelet would exit, because {existing}")]
    RejectedLabel {
        /// The existing label and its location.
        existing: Box<ExistingLabel>,
        /// Why the kubelet rejects it.
        source: InvalidLabel,
    },
    /// The CNI reads the ENIConfig name from a label that a kubelet cannot set.
    #[error(
        "ENI_CONFIG_LABEL_DEF on the aws-node DaemonSet names a label that eni-bootstrap cannot set"
    )]
    LabelOfTheCni {
        /// Why the kubelet cannot set it.
        source: InvalidLabel,
    },
    /// The node needs the cluster, but no source gives its endpoint.
    #[error("the cluster is unknown: {} not set", listed(missing))]
    NoCluster {
        /// The settings that would provide it.
        missing: Vec<&'static str>,
        /// The sources on the instance that exist but are unusable.
        source: Option<UnusableSources>,
        /// Whether the instance runs Bottlerocket, which reads no `NodeConfig`.
        is_bottlerocket: bool,
    },
}

/// The sources of the cluster that exist but are unusable, each with the reason.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct UnusableSources(pub(super) Vec<String>);

/// Returns the keys as the subject of a sentence, with its verb.
fn listed(keys: &[&str]) -> String {
    match keys.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last} are", rest.join(", ")),
        _ => format!("{} is", keys.concat()),
    }
}

impl Advice for PlanError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::NoCapacity { source, .. } => return source.help(),
            Self::ExistingReserve { .. } => {
                "correct the value (for example 500Mi), or set the resource in [reserve]"
            }
            Self::EniConfigConflict { is_removable: false, .. } => {
                "remove eni-config.name to use the ENIConfig of the label, or set eni-config.policy = \"override\""
            }
            Self::EniConfigConflict { name, .. } => {
                return format!(
                    "remove the existing label to use ENIConfig {name}, remove eni-config.name to use the ENIConfig of the label, or set eni-config.policy = \"override\""
                )
                .into();
            }
            Self::ExistingEniConfigName { .. } => {
                "correct or remove the label, or set eni-config.policy = \"override\""
            }
            Self::EniConfigLabelReadLater { help, .. }
            | Self::LaterMaxPodsAboveCapacity { help, .. }
            | Self::NothingAllocatable { help, .. } => {
                return help.clone().into();
            }
            Self::RejectedLabel { existing, .. } => {
                let ExistingLabel { key, value, .. } = &**existing;
                return format!(
                    "remove the label there, or use a key outside of kubernetes.io and k8s.io; after the node has joined, an administrator can run `kubectl label node NODE {key}={value}`"
                )
                .into();
            }
            Self::OtherReserve { .. } => "correct the value, for example 1000",
            Self::OtherResource { .. } => {
                "remove the entry; the kubelet reserves cpu, ephemeral-storage, memory and pid"
            }
            Self::WaitsForever => "set eni-config.wait to a duration, such as 30m",
            Self::EniConfigName(EniConfigNameError::Unknown(_)) => {
                "use another field in eni-config.name; for {tag:KEY}, run `aws ec2 modify-instance-metadata-options --instance-id ID --instance-metadata-tags enabled`"
            }
            Self::EniConfigName(EniConfigNameError::Invalid(_)) | Self::Label(_) => {
                "change eni-config.name so that the name has at most 63 lowercase letters, digits, dots and dashes"
            }
            Self::LabelClash { .. } => {
                "remove the label from [labels], or set eni-config.label to another key (or to \"\" if the CNI reads the zone label)"
            }
            Self::OtherEniConfigSelected { .. } | Self::LabelOfTheCni { .. } => {
                "set eni-config.label = \"vpc.amazonaws.com/externalEniConfig\", which takes precedence in the CNI from version 1.11.0, or make eni-config.name match ENI_CONFIG_LABEL_DEF on the aws-node DaemonSet"
            }
            Self::ExternalLabelNotRead { .. } => {
                "remove eni-config.label, so that eni-bootstrap sets the label in ENI_CONFIG_LABEL_DEF, or upgrade the CNI"
            }
            Self::OldEniConfigLabel { key, .. } => {
                return format!(
                    "set eni-config.label = {key:?}, so that eni-bootstrap updates this label, or replace the node"
                )
                .into();
            }
            Self::NoCluster { is_bottlerocket, .. } => no_cluster_help(*is_bottlerocket),
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoCapacity { source, .. } => source.exit_code(),
            Self::RejectedLabel { .. }
            | Self::ExistingEniConfigName { .. }
            | Self::LaterMaxPodsAboveCapacity { .. }
            | Self::OtherReserve { .. }
            | Self::OtherResource { .. } => ExitCode::InvalidData,
            _ => ExitCode::Settings,
        }
    }
}

fn no_cluster_help(is_bottlerocket: bool) -> &'static str {
    if is_bottlerocket {
        "set cluster-name, api-server, cluster-certificate and authentication-mode = \"aws\" in settings.kubernetes, or set cluster.name (EKS returns the rest) in the user data of the bootstrap container; if the node has no cluster, set cni.source = \"settings\" and cni.custom-networking = false there"
    } else {
        "put a NodeConfig in user data, or set cluster.name (EKS returns the rest), or set cluster.name, cluster.endpoint and cluster.certificate-authority, or set cluster.kubeconfig"
    }
}
