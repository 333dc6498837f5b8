//! Facts + settings → what this node should be. Pure, so `plan` on the command line is exact.

mod cluster;
mod cni;
mod labels;
mod policy;

pub use cluster::{ClusterAccess, NamedCluster, access};
pub use cni::{InForce, Override, in_force};
pub use policy::Settled;

use crate::domain::aws_node::{AwsNode, Remark};
use crate::domain::eni_config::{EniConfigName, NoName};
use crate::domain::kubelet::Kubelet;
use crate::domain::label::InvalidLabel;
use crate::domain::max_pods::{Capacity, NoCapacity};
use crate::domain::quantity::InvalidQuantity;
use crate::domain::reserved::Reserved;
use crate::facts::Facts;
use crate::host::other_figures::{OtherFigure, Policy};
use crate::host::{Change, Host};
use crate::settings::{EniConfigLabel, Settings, Wait};

/// Everything that `apply` will do and `wait` will wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the CNI is set to, and who says so.
    pub cni: InForce,
    /// What whoever set the CNI should know.
    pub remarks: Vec<Remark>,
    /// The pod count, and its sum.
    pub capacity: Capacity,
    /// What became of a max-pods that somebody else has set.
    pub settled: Option<Settled>,
    /// Another `maxPodsExpression`, which the policy would have to compare and cannot.
    pub expression: Option<String>,
    /// What the kubelet is told.
    pub kubelet: Kubelet,
    /// The same, as this image wants to hear it.
    pub changes: Vec<Change>,
    /// The ENIConfig to wait for; none without custom networking.
    pub wait: Option<EniConfigName>,
}

/// Why no plan exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No pod could ever get an address.
    #[error("no pod could ever get an address on {instance_type}")]
    NoCapacity {
        /// Such as `m5.large`.
        instance_type: String,
        /// Why not.
        source: NoCapacity,
    },
    /// A reserve that somebody else has set, and the policy keeps, is no quantity.
    #[error("settings.kubernetes.kube-reserved.{resource} cannot be kept")]
    Reserve {
        /// Such as `memory`.
        resource: &'static str,
        /// Why not.
        source: InvalidQuantity,
    },
    /// A wait without end, where nothing else would end it.
    #[error(
        "eni-config.wait is forever, and a bootstrap container has no time limit of its own: it would hold the boot"
    )]
    WaitsForever,
    /// The ENIConfig's name cannot be made here.
    #[error("the ENIConfig's name cannot be made from eni-config.name")]
    NoName(#[from] NoName),
    /// A fact that should be a label is not one.
    #[error("the node cannot be labelled")]
    Label(#[from] InvalidLabel),
    /// Two sources want one label to say different things.
    #[error("the label {key} cannot be both {one:?} and {other:?}")]
    LabelClash {
        /// The label.
        key: String,
        /// What the machine or the ENIConfig says.
        one: String,
        /// What the settings say.
        other: String,
    },
    /// The CNI would look for another ENIConfig than the one that eni-config.name makes.
    #[error("the CNI would look for ENIConfig {found:?} and not for {wanted:?}: {by}")]
    NotLookedUp {
        /// What eni-config.name makes.
        wanted: String,
        /// What the CNI looks up.
        found: String,
        /// Why.
        by: String,
    },
    /// The CNI reads a label that a kubelet cannot set.
    #[error(
        "the CNI reads the ENIConfig's name from a label that cannot be set (ENI_CONFIG_LABEL_DEF on aws-node)"
    )]
    LabelOfTheCni {
        /// Why not.
        source: InvalidLabel,
    },
    /// There is a cluster to ask, and nobody says where it is.
    #[error("it is not known where the cluster's API server is: {} missing", missing.join(", "))]
    NoCluster {
        /// The settings that would say it.
        missing: Vec<&'static str>,
    },
}

impl PlanError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoCapacity { source, .. } => source.help(),
            Self::Reserve { .. } => {
                "write it as a quantity such as 500Mi, set it in [reserve], or use pods.policy = \"override\""
            }
            Self::WaitsForever => "set eni-config.wait to a time, such as 30m",
            Self::NoName(NoName::Unknown(_)) => {
                "use another field; for {tag:KEY} allow tags in instance metadata (InstanceMetadataTags=enabled)"
            }
            Self::NoName(NoName::Invalid(_)) | Self::Label(_) => {
                "set eni-config.name so that it makes lower-case letters, digits, dots and dashes, at most 63"
            }
            Self::LabelClash { .. } => {
                "remove the label from [labels], or give eni-config.label another key (\"\" where the zone label serves)"
            }
            Self::NotLookedUp { .. } | Self::LabelOfTheCni { .. } => {
                "set eni-config.label = \"vpc.amazonaws.com/externalEniConfig\", which the CNI reads before any other label, or make eni-config.name and ENI_CONFIG_LABEL_DEF on the aws-node DaemonSet agree"
            }
            Self::NoCluster { .. } => {
                "put a NodeConfig in user data, or set cluster.name (EKS then says the rest), or cluster.name, cluster.endpoint and cluster.certificate-authority, or cluster.kubeconfig"
            }
        }
    }
}

/// Decides what this node should be. `aws_node` is what the DaemonSet says, where it was asked.
pub fn plan(
    facts: &Facts,
    settings: &Settings,
    aws_node: Option<&AwsNode>,
) -> Result<Plan, PlanError> {
    let Facts { instance, limits, machine, host, elsewhere, told: _ } = facts;
    let cni = in_force(&settings.cni, aws_node);
    let (capacity, settled) = policy::settle(&limits.limits, cni.cni, settings, &elsewhere.figures)
        .map_err(|source| PlanError::NoCapacity {
            instance_type: instance.instance_type.to_string(),
            source,
        })?;
    let wait = cni
        .cni
        .custom_networking
        .then(|| settings.eni_config.name().fill(|field| instance.value(field)))
        .transpose()?;
    // Without the DaemonSet's word the label set by hand is taken for the one that the CNI reads;
    // "" says that the cluster has a way of its own.
    let own_label = settings.eni_config.label();
    let label_def = match (aws_node, &own_label) {
        (Some(aws_node), _) => Some(aws_node.eni_config_label.as_str()),
        (None, EniConfigLabel::Key(key)) => Some(key.as_str()),
        (None, _) => None,
    };
    if matches!(host.host, Host::Bottlerocket(_))
        && wait.is_some()
        && settings.eni_config.wait() == Wait::Forever
    {
        return Err(PlanError::WaitsForever);
    }
    let reserve = policy::reserve(settings, &elsewhere.reserve)?;
    let cpus = machine.map_or(limits.limits.vcpus, |machine| machine.cpus);
    let kubelet = Kubelet {
        max_pods: capacity.max_pods,
        kube_reserved: Reserved::of(cpus, capacity.max_pods, &reserve),
        node_labels: labels::labels(instance, settings, wait.as_ref(), label_def)?,
        beats_flags: elsewhere.sets_reserve
            || elsewhere.figures.iter().any(OtherFigure::takes_a_flag),
    };
    let changes = host.host.render(&kubelet);
    let remarks = aws_node.map(|aws_node| aws_node.remarks.clone()).unwrap_or_default();
    let compares = settings.pods.policy() != Policy::Override && settings.pods.max() == 0;
    let expression = elsewhere.expression.clone().filter(|_| compares);
    Ok(Plan { cni, remarks, capacity, settled, expression, kubelet, changes, wait })
}

#[cfg(test)]
mod tests;
