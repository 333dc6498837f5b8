//! Existing values of max-pods.

use super::{ConfigLocation, flags};
use crate::host::config_directory;
use crate::host::user_data::NodeConfigKubelet;
use std::fmt;

/// The drop-in in [`crate::host::nodeadm::KUBELET_DROP_INS`] that nodeadm writes. It contains `kubelet.config` of every
/// `NodeConfig`, including that of eni-bootstrap.
pub(crate) const NODEADM_KUBELET_DROP_IN: &str = "40-nodeadm.conf";

/// Who configured an existing max-pods, derived from the labels of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOwner {
    /// The operator or a tool that sets no known label.
    Unknown,
    /// A managed node group, for which EKS writes a value into user data.
    ManagedNodeGroup,
    /// Karpenter, which schedules pods with the value that it wrote.
    Karpenter,
}

/// An existing max-pods on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingMaxPods {
    pub max_pods: u32,
    pub location: ConfigLocation,
    pub owner: ConfigOwner,
}

impl fmt::Display for ExistingMaxPods {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max_pods, location, owner } = self;
        write!(formatter, "{location} sets max-pods to {max_pods}")?;
        match owner {
            ConfigOwner::Unknown => Ok(()),
            ConfigOwner::ManagedNodeGroup => formatter.write_str(" (managed node group)"),
            ConfigOwner::Karpenter => formatter.write_str(" (Karpenter)"),
        }
    }
}

/// Returns the max-pods values in a `NodeConfig` at `locations`, which are those of `kubelet.config`
/// and `kubelet.flags`.
pub(super) fn max_pods_in_node_config(
    kubelet: &NodeConfigKubelet,
    (in_file, in_flags): &(ConfigLocation, ConfigLocation),
) -> Vec<ExistingMaxPods> {
    let owner = owner_by_node_config(&kubelet.flags);
    let existing = |max_pods: Option<u32>, location: &ConfigLocation| {
        max_pods.map(|max_pods| ExistingMaxPods { max_pods, location: location.clone(), owner })
    };
    let expression = kubelet.expression.as_ref().and_then(|text| text.trim().parse().ok());
    let expression = expression.filter(|_| *in_file == ConfigLocation::UserData);
    [
        existing(expression, &ConfigLocation::Expression),
        existing(kubelet.max_pods, in_file),
        existing(max_pods_flag(&flags::words_of_node_config(&kubelet.flags)), in_flags),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the max-pods in a drop-in of the kubelet itself, which is JSON or YAML; `None` for a
/// drop-in that the kubelet reads before nodeadm's.
pub(crate) fn max_pods_in_kubelet_drop_in(name: &str, text: &str) -> Option<ExistingMaxPods> {
    let config = config_directory::parse(text)?;
    let max_pods = config["maxPods"].as_u64().and_then(|it| u32::try_from(it).ok())?;
    let location = ConfigLocation::KubeletDropIn(name.to_owned());
    let owner = ConfigOwner::Unknown;
    (name > NODEADM_KUBELET_DROP_IN).then_some(ExistingMaxPods { max_pods, location, owner })
}

/// Returns the max-pods in the kubelet's arguments of `owner`.
pub(super) fn max_pods_in_arguments(
    arguments: &[String],
    location: &ConfigLocation,
    owner: ConfigOwner,
) -> Option<ExistingMaxPods> {
    let max_pods = max_pods_flag(arguments)?;
    Some(ExistingMaxPods { max_pods, location: location.clone(), owner })
}

/// Returns the value of the last `--max-pods` whose value is a number.
pub(super) fn max_pods_flag(arguments: &[String]) -> Option<u32> {
    let values = flags::values(arguments, "--max-pods");
    values.into_iter().rev().find_map(|value| value.trim().parse().ok())
}

/// Returns whether the arguments may set `--max-pods`, also if its value is unknown.
pub(super) fn sets_max_pods(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument.replace('_', "-").contains("--max-pods"))
}

/// The labels that Karpenter sets on each node that it launches, the second one before version 0.32. A node
/// that runs the Karpenter controller often has other labels of Karpenter, such as `karpenter.sh/controller`.
const KARPENTER_LABELS: [&str; 3] =
    ["karpenter.sh/nodepool", "karpenter.sh/provisioner-name", "karpenter.k8s.aws/ec2nodeclass"];
const NODE_GROUP_LABEL: &str = "eks.amazonaws.com/nodegroup";

/// Returns the owner of a configuration by the keys of its node labels. The label of a managed node group
/// takes precedence.
pub(in crate::host) fn owner_by_labels<'a>(keys: impl IntoIterator<Item = &'a str>) -> ConfigOwner {
    let mut owner = ConfigOwner::Unknown;
    for key in keys {
        if key == NODE_GROUP_LABEL {
            return ConfigOwner::ManagedNodeGroup;
        }
        if KARPENTER_LABELS.contains(&key) {
            owner = ConfigOwner::Karpenter;
        }
    }
    owner
}

/// Returns the owner of a configuration by `--node-labels` in the words of its arguments.
pub(super) fn owner_by_arguments(words: &[String]) -> ConfigOwner {
    let values = flags::values(words, "--node-labels").into_iter();
    owner_by_labels(values.flat_map(|value| flags::pairs(value, '=')).map(|(key, _)| key))
}

/// Returns the owner of a `NodeConfig` by its `kubelet.flags`.
pub(in crate::host) fn owner_by_node_config(node_config_flags: &[String]) -> ConfigOwner {
    owner_by_arguments(&flags::words_of_node_config(node_config_flags))
}
