//! Existing kubelet configuration on a node: of a managed node group, Karpenter or the operator.

use super::nodeadm::{self, DROP_IN_NAME, KUBELET_DROP_INS};
use super::user_data::NodeConfigKubelet;
use super::{HostKind, Image};
use crate::domain::identifier::InstanceType;
use crate::domain::named_values::named_values;
use std::collections::BTreeMap;
use std::fmt;

/// The drop-in in [`KUBELET_DROP_INS`] that nodeadm writes. It contains `kubelet.config` of every
/// `NodeConfig`, including that of eni-bootstrap.
const NODEADM_KUBELET_DROP_IN: &str = "40-nodeadm.conf";

/// The existing values of those settings of the kubelet that eni-bootstrap configures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingConfig {
    /// Every max-pods value, the lowest precedence first.
    pub max_pods: Vec<ExistingMaxPods>,
    /// Whether a kubelet flag sets `--kube-reserved`.
    pub has_kube_reserved_flag: bool,
    /// The existing kube-reserved quantities in Bottlerocket's settings, by resource.
    pub kube_reserved: BTreeMap<String, String>,
    /// A `maxPodsExpression` in user data that is not a plain number. Only nodeadm can evaluate it.
    pub max_pods_expression: Option<String>,
    /// Every node label, the lowest precedence first.
    pub node_labels: Vec<ExistingLabel>,
    /// The labels in Bottlerocket's settings that an earlier run set. The API cannot remove them.
    pub own_labels: BTreeMap<String, String>,
}

/// An existing label on the node: of a `--node-labels` flag, or in Bottlerocket's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingLabel {
    pub key: String,
    pub value: String,
    pub location: ConfigLocation,
}

named_values! {
    /// The precedence between the computed and an existing max-pods (`pods.policy`).
    Policy {
        /// Use the computed value
        #[default]
        Override = "override",
        /// Keep the existing value
        Respect = "respect",
        /// Use the lower of the two
        Lower = "lower",
    }
}

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

/// Where an existing max-pods is configured, the lowest precedence first. A flag takes precedence
/// over every file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConfigLocation {
    /// `kubelet.maxPodsExpression` in user data, a plain number.
    Expression,
    /// `kubelet.config` in user data.
    UserData,
    /// `kubelet.config` in another nodeadm drop-in, by file name.
    DropIn(String),
    /// A drop-in of the kubelet itself, by file name. The kubelet reads it after nodeadm's drop-in,
    /// which contains the value of eni-bootstrap.
    KubeletDropIn(String),
    /// `kubelet.flags` in user data.
    UserDataFlag,
    /// `kubelet.flags` in another nodeadm drop-in, by file name.
    DropInFlag(String),
    /// The kubelet's command line: its unit, the unit's drop-ins and environment files, or its
    /// snap.
    Arguments,
    /// Bottlerocket's settings.
    Bottlerocket,
}

/// An existing max-pods on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingMaxPods {
    pub max_pods: u32,
    pub location: ConfigLocation,
    pub owner: ConfigOwner,
}

/// Returns the existing configuration of an image and of user data. `node_config` is the kubelet
/// part of the `NodeConfig` in user data.
#[must_use]
pub fn existing_config(
    image: &Image,
    kind: HostKind,
    instance_type: &InstanceType,
    node_config: Option<&NodeConfigKubelet>,
) -> ExistingConfig {
    let family = kind.family();
    let mut existing =
        family.map(|family| family.existing(image, instance_type)).unwrap_or_default();
    existing.extend(
        node_config.map(|it| ExistingConfig::from_node_config(it, None)).unwrap_or_default(),
    );
    existing.max_pods.sort_by(|one, other| one.location.cmp(&other.location));
    existing
}

impl ExistingConfig {
    /// Adds the values of `other`.
    pub(super) fn extend(&mut self, other: Self) {
        let Self {
            max_pods,
            has_kube_reserved_flag,
            kube_reserved,
            max_pods_expression,
            node_labels,
            own_labels,
        } = other;
        self.max_pods.extend(max_pods);
        self.has_kube_reserved_flag |= has_kube_reserved_flag;
        self.kube_reserved.extend(kube_reserved);
        self.max_pods_expression = max_pods_expression.or(self.max_pods_expression.take());
        self.node_labels.extend(node_labels);
        self.own_labels.extend(own_labels);
    }

    /// Returns the values in the kubelet's command lines. A later one takes precedence.
    pub(super) fn from_command_lines(lines: &[String]) -> Self {
        Self {
            max_pods: max_pods_in_command_lines(lines).into_iter().collect(),
            has_kube_reserved_flag: lines.iter().any(|line| sets_kube_reserved(line)),
            ..Self::default()
        }
    }

    /// Returns the values in a `NodeConfig`: of the nodeadm drop-in with this name, or else of user
    /// data.
    pub(super) fn from_node_config(kubelet: &NodeConfigKubelet, drop_in: Option<&str>) -> Self {
        let expression = kubelet.expression.clone().filter(|_| drop_in.is_none());
        Self {
            max_pods: max_pods_in_node_config(kubelet, drop_in),
            has_kube_reserved_flag: kubelet.flags.iter().any(|flag| sets_kube_reserved(flag)),
            max_pods_expression: expression.filter(|text| text.trim().parse::<u32>().is_err()),
            ..Self::default()
        }
    }
}

impl ExistingMaxPods {
    /// Returns whether nodeadm reads the value after the drop-in of eni-bootstrap, so that it takes
    /// precedence.
    #[must_use]
    pub(crate) fn is_read_after_own_drop_in(&self) -> bool {
        match &self.location {
            ConfigLocation::DropIn(name) | ConfigLocation::DropInFlag(name) => {
                name.as_str() > DROP_IN_NAME
            }
            _ => false,
        }
    }

    /// Returns whether only a kubelet flag overrides the value: it is a flag itself, or the kubelet
    /// reads it after every file of eni-bootstrap.
    #[must_use]
    pub(crate) fn needs_flag(&self) -> bool {
        match self.location {
            ConfigLocation::Expression
            | ConfigLocation::UserData
            | ConfigLocation::DropIn(_)
            | ConfigLocation::Bottlerocket => false,
            ConfigLocation::KubeletDropIn(_)
            | ConfigLocation::UserDataFlag
            | ConfigLocation::DropInFlag(_)
            | ConfigLocation::Arguments => true,
        }
    }
}

impl fmt::Display for ConfigLocation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expression => formatter.write_str("maxPodsExpression in user data"),
            Self::UserData => formatter.write_str("user data"),
            Self::DropIn(name) => write!(formatter, "{}/{name}", nodeadm::DIRECTORY),
            Self::KubeletDropIn(name) => write!(formatter, "{KUBELET_DROP_INS}/{name}"),
            Self::UserDataFlag => formatter.write_str("a kubelet flag in user data"),
            Self::DropInFlag(name) => {
                write!(formatter, "a kubelet flag in {}/{name}", nodeadm::DIRECTORY)
            }
            Self::Arguments => formatter.write_str("the kubelet command line"),
            Self::Bottlerocket => formatter.write_str("settings.kubernetes"),
        }
    }
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

/// Returns the max-pods values in a `NodeConfig`: of the nodeadm drop-in with this name, or else of
/// user data.
fn max_pods_in_node_config(
    kubelet: &NodeConfigKubelet,
    drop_in: Option<&str>,
) -> Vec<ExistingMaxPods> {
    let owner = owner_by_labels(&kubelet.flags);
    let name = drop_in.map(str::to_owned);
    let in_file = name.clone().map_or(ConfigLocation::UserData, ConfigLocation::DropIn);
    let in_flags = name.map_or(ConfigLocation::UserDataFlag, ConfigLocation::DropInFlag);
    let existing = |max_pods: Option<u32>, location| {
        max_pods.map(|max_pods| ExistingMaxPods { max_pods, location, owner })
    };
    let expression = kubelet.expression.as_ref().and_then(|text| text.trim().parse().ok());
    let expression = expression.filter(|_| drop_in.is_none());
    [
        existing(expression, ConfigLocation::Expression),
        existing(kubelet.max_pods, in_file),
        existing(max_pods_flag(&kubelet.flags.join(" ")), in_flags),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Returns the max-pods in a drop-in of the kubelet itself, which is JSON or YAML; `None` for a
/// drop-in that the kubelet reads before nodeadm's.
pub(super) fn max_pods_in_kubelet_drop_in(name: &str, text: &str) -> Option<ExistingMaxPods> {
    let config: serde_json::Value = serde_saphyr::from_str(text).ok()?;
    let max_pods = config["maxPods"].as_u64().and_then(|it| u32::try_from(it).ok())?;
    let location = ConfigLocation::KubeletDropIn(name.to_owned());
    let owner = ConfigOwner::Unknown;
    (name > NODEADM_KUBELET_DROP_IN).then_some(ExistingMaxPods { max_pods, location, owner })
}

/// Returns whether these arguments contain `--kube-reserved`.
fn sets_kube_reserved(arguments: &str) -> bool {
    // `--kube-reserved-cgroup` is another flag.
    arguments.split("--kube-reserved").skip(1).any(|rest| !rest.starts_with('-'))
}

/// Returns the max-pods in the kubelet's command lines. The last one takes precedence.
fn max_pods_in_command_lines(lines: &[String]) -> Option<ExistingMaxPods> {
    let last = lines.iter().rev().find_map(|line| max_pods_flag(line));
    let owner = owner_by_labels(lines);
    last.map(|max_pods| ExistingMaxPods { max_pods, location: ConfigLocation::Arguments, owner })
}

/// Returns the value of the last `--max-pods=N` or `--max-pods N` in `text`.
fn max_pods_flag(text: &str) -> Option<u32> {
    let mut parts = text.split("--max-pods").skip(1).collect::<Vec<_>>();
    parts.reverse();
    parts.iter().find_map(|rest| {
        let rest = rest.strip_prefix(['=', ' '])?.trim_start();
        let digits = rest.find(|it: char| !it.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse().ok()
    })
}

/// Returns the owner of a configuration with these flags. Karpenter and managed node groups add
/// labels to `--node-labels`.
pub(super) fn owner_by_labels(flags: &[String]) -> ConfigOwner {
    let any = |label: &str| flags.iter().any(|flag| flag.contains(label));
    if any("karpenter.sh/") {
        ConfigOwner::Karpenter
    } else if any("eks.amazonaws.com/nodegroup=") {
        ConfigOwner::ManagedNodeGroup
    } else {
        ConfigOwner::Unknown
    }
}

#[cfg(test)]
mod tests;
