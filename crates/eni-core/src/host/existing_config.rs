//! Existing kubelet configuration on a node: of a managed node group, Karpenter or the operator.

mod flags;
mod labels;
mod locate;
mod location;
mod max_pods;
mod pods_per_core;
mod registration;
mod resources;

pub(crate) use labels::in_force as labels_in_force;
pub use labels::{EniConfigPolicy, ExistingLabel};
pub use location::ConfigLocation;
pub use max_pods::{ConfigOwner, ExistingMaxPods};
pub(super) use max_pods::{NODEADM_KUBELET_DROP_IN, max_pods_in_kubelet_drop_in};
pub(super) use max_pods::{owner_by_labels, owner_by_node_config};
pub use pods_per_core::ExistingPodsPerCore;
pub(super) use pods_per_core::number as pods_per_core_number;
pub use registration::ExistingRegistration;
pub(crate) use registration::cordon;
pub(crate) use registration::registration_in_config;
pub(super) use registration::{KEY as TAINTS_KEY, registration_in_bottlerocket};
pub(crate) use resources::in_force as resources_in_force;
pub use resources::{ExistingResources, ResourceMap};
pub(super) use resources::{quantities, resources_in_config};

use super::user_data::NodeConfigKubelet;
use super::{HostKind, Image};
use crate::domain::identifier::InstanceType;
use crate::domain::kubelet::NeededFlags;
use crate::domain::named_values::named_values;
use std::collections::BTreeMap;

/// The existing values of those settings of the kubelet that eni-bootstrap configures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExistingConfig {
    /// Every max-pods value, the lowest precedence first.
    pub max_pods: Vec<ExistingMaxPods>,
    /// Every `podsPerCore`, the lowest precedence first.
    pub pods_per_core: Vec<ExistingPodsPerCore>,
    /// Whether a kubelet flag sets `--max-pods`, also to a value that is unknown.
    pub has_max_pods_flag: bool,
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
    /// Whether version 0.1.0 set labels in Bottlerocket's settings. It did not record them.
    pub has_unrecorded_labels: bool,
    /// Every resource map of the kubelet's files and flags, the lowest precedence first.
    pub resources: Vec<ExistingResources>,
    /// Every value that decides whether the kubelet registers a cordoned node, the lowest precedence
    /// first.
    pub registration: Vec<ExistingRegistration>,
    /// `kubeReserved` of the `EC2NodeClass`, which Karpenter wrote into the node's configuration.
    /// `None` if Karpenter did not launch the node.
    pub karpenter_reserved: Option<BTreeMap<String, String>>,
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
    if let Some(node_config) = node_config {
        let locations = (ConfigLocation::UserData, ConfigLocation::UserDataFlag);
        existing.extend(ExistingConfig::from_node_config(node_config, &locations));
    }
    existing.max_pods.sort_by(|one, other| one.location.cmp(&other.location));
    existing.pods_per_core.sort_by(|one, other| one.location.cmp(&other.location));
    existing.node_labels.sort_by(|one, other| one.location.cmp(&other.location));
    existing.resources.sort_by(|one, other| one.location.cmp(&other.location));
    existing.registration.sort_by(|one, other| one.location.cmp(&other.location));
    let sources = family.map(|family| family.sources(image)).unwrap_or_default();
    locate::locate(&mut existing, &sources);
    existing
}

impl ExistingConfig {
    /// Returns which values must be kubelet flags: only a flag overrides an existing flag or a later
    /// drop-in of the kubelet.
    pub(crate) fn needed_flags(&self) -> NeededFlags {
        let mut reserves = self.resources.iter().filter(|it| it.map == ResourceMap::KubeReserved);
        NeededFlags {
            max_pods: self.has_max_pods_flag
                || self.max_pods.iter().any(|it| it.location.needs_flag()),
            kube_reserved: self.has_kube_reserved_flag
                || reserves.any(|it| it.location.needs_flag()),
        }
    }

    /// Adds the values of `other`.
    pub(super) fn extend(&mut self, other: Self) {
        let Self {
            max_pods,
            pods_per_core,
            has_max_pods_flag,
            has_kube_reserved_flag,
            kube_reserved,
            max_pods_expression,
            node_labels,
            own_labels,
            has_unrecorded_labels,
            resources,
            registration,
            karpenter_reserved,
        } = other;
        self.max_pods.extend(max_pods);
        self.pods_per_core.extend(pods_per_core);
        self.has_max_pods_flag |= has_max_pods_flag;
        self.has_kube_reserved_flag |= has_kube_reserved_flag;
        self.kube_reserved.extend(kube_reserved);
        self.max_pods_expression = max_pods_expression.or(self.max_pods_expression.take());
        self.node_labels.extend(node_labels);
        self.own_labels.extend(own_labels);
        self.has_unrecorded_labels |= has_unrecorded_labels;
        self.resources.extend(resources);
        self.registration.extend(registration);
        self.karpenter_reserved = karpenter_reserved.or(self.karpenter_reserved.take());
    }

    /// Returns the values in the kubelet's command lines. A later one takes precedence.
    pub(super) fn from_command_lines(lines: &[String]) -> Self {
        let words = lines.iter().flat_map(|line| flags::behind_program(flags::words(line)));
        Self::from_arguments(&words.collect::<Vec<_>>(), &ConfigLocation::Arguments)
    }

    /// Returns the values in arguments without a program.
    pub(super) fn from_flags(arguments: &str) -> Self {
        let words = flags::words(arguments);
        Self::from_arguments(&words, &ConfigLocation::Arguments)
    }

    /// Returns the values in the kubelet's command lines, where nodeadm adds flags in place of
    /// `variable`. A later value takes precedence.
    pub(super) fn from_command_lines_around(lines: &[String], variable: &str) -> Self {
        let (mut early, mut late) = (Vec::new(), Vec::new());
        for line in lines {
            let mut words = flags::behind_program(flags::words(line));
            if let Some(position) = words.iter().position(|word| word.contains(variable)) {
                late.extend(words.split_off(position).into_iter().skip(1));
            }
            early.extend(words);
        }
        let mut existing = Self::from_arguments(&early, &ConfigLocation::EarlyArguments);
        existing.extend(Self::from_arguments(&late, &ConfigLocation::LateArguments));
        existing
    }

    fn from_arguments(words: &[String], location: &ConfigLocation) -> Self {
        let resources = resources::resources_in_arguments(words, location);
        let owner = max_pods::owner_by_arguments(words);
        let is_of_karpenter = owner == ConfigOwner::Karpenter;
        let reserved = |it: &ExistingResources| it.map == ResourceMap::KubeReserved;
        let reserved = resources.iter().filter(|it| reserved(it));
        let karpenter_reserved =
            is_of_karpenter.then(|| reserved.flat_map(|it| it.quantities.clone()).collect());
        let pods_per_core = pods_per_core::pods_per_core_in_arguments(words, location);
        Self {
            max_pods: max_pods::max_pods_in_arguments(words, location, owner).into_iter().collect(),
            has_max_pods_flag: max_pods::sets_max_pods(words),
            pods_per_core: pods_per_core.into_iter().collect(),
            has_kube_reserved_flag: sets_kube_reserved(&resources),
            node_labels: labels::labels_in_arguments(words, location),
            resources,
            registration: registration::registration_in_arguments(words, location),
            karpenter_reserved,
            ..Self::default()
        }
    }

    /// Returns the values in a `NodeConfig` at `locations`, which are those of `kubelet.config` and
    /// `kubelet.flags`.
    pub(super) fn from_node_config(
        kubelet: &NodeConfigKubelet,
        locations: &(ConfigLocation, ConfigLocation),
    ) -> Self {
        let (in_file, in_flags) = locations;
        // maxPods of eni-bootstrap overrides the expression of a drop-in.
        let is_user_data = *in_file == ConfigLocation::UserData;
        let expression = kubelet.expression.clone().filter(|_| is_user_data);
        let flags = flags::words_of_node_config(&kubelet.flags);
        let mut resources = resources_in_config(|key| kubelet.resources.get(key), in_file);
        resources.extend(resources::resources_in_arguments(&flags, in_flags));
        let registration = registration_in_config(&kubelet.taints, in_file.clone());
        let registration_flags = registration::registration_in_arguments(&flags, in_flags);
        // Another part of user data may have the label of a managed node group.
        let is_of_karpenter = owner_by_node_config(&kubelet.flags) == ConfigOwner::Karpenter;
        let reserved = kubelet.karpenter_reserved.clone();
        let pods_per_core = kubelet
            .pods_per_core
            .map(|pods_per_core| ExistingPodsPerCore { pods_per_core, location: in_file.clone() });
        let pods_per_core_flag = pods_per_core::pods_per_core_in_arguments(&flags, in_flags);
        Self {
            max_pods: max_pods::max_pods_in_node_config(kubelet, locations),
            pods_per_core: pods_per_core.into_iter().chain(pods_per_core_flag).collect(),
            has_max_pods_flag: max_pods::sets_max_pods(&flags),
            has_kube_reserved_flag: sets_kube_reserved(&resources),
            max_pods_expression: expression.filter(|text| text.trim().parse::<u32>().is_err()),
            node_labels: labels::labels_in_arguments(&flags, in_flags),
            resources,
            registration: registration.into_iter().chain(registration_flags).collect(),
            karpenter_reserved: reserved.filter(|_| is_user_data && is_of_karpenter),
            ..Self::default()
        }
    }
}

/// Returns the value of a flag in the kubelet's command lines. The last one takes precedence.
pub(super) fn flag_value(lines: &[String], flag: &str) -> Option<String> {
    let last = |line: &String| flags::values(&flags::words(line), flag).pop().map(str::to_owned);
    lines.iter().rev().find_map(last)
}

/// Returns the last value of a flag behind the kubelet's program in a command line.
pub(super) fn flag_of_program(line: &str, flag: &str) -> Option<String> {
    let words = flags::behind_program(flags::words(line));
    flags::values(&words, flag).pop().map(str::to_owned)
}

/// Returns whether a kubelet flag sets `--kube-reserved`.
fn sets_kube_reserved(resources: &[ExistingResources]) -> bool {
    resources.iter().any(|it| it.map == ResourceMap::KubeReserved && it.location.is_flag())
}

#[cfg(test)]
mod tests;
