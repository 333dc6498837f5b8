//! Facts and settings → the configuration of this node. No I/O, so `plan` shows exactly what `run`
//! does.

mod allocatable;
mod attached_interfaces;
mod bottlerocket_settings;
mod cluster_access;
mod diagnose;
mod effective_cni;
mod eni_config_label;
mod existing_reserve;
mod expected_eni_config;
mod in_force;
mod karpenter_max_pods;
mod karpenter_reserve;
mod max_pods_precedence;
mod node_labels;
mod node_network;
mod plan_error;
mod pod_subnets;
mod pods_per_core;
mod reserve;
mod reserve_precedence;

pub use allocatable::DEFAULT_EVICTION;
pub use attached_interfaces::depends_on_attached_interfaces;
pub use cluster_access::{ClusterAccess, access, known_cluster};
pub use effective_cni::{EffectiveCni, effective_cni};
pub use expected_eni_config::{expected_eni_config, expects_custom_networking};
use in_force::in_force;
pub use karpenter_max_pods::help as karpenter_max_pods_help;
pub use karpenter_reserve::eni_limited_pods;
pub use max_pods_precedence::{Decision, MaxPodsPrecedence};
use node_labels::{NodeLabels, node_labels};
pub use node_network::depends_on_zone_subnets;
use node_network::node_network;
pub(crate) use node_network::read_primary_subnet;
pub use plan_error::PlanError;
pub use pods_per_core::PodsPerCore;
use pods_per_core::{limited, pods_per_core};
use reserve::{KubeReserved, reserve};

use crate::diagnostic::{Code, Diagnostic};
use crate::domain::aws_node::AwsNode;
use crate::domain::capacity::{Capacity, CapacityOptions};
use crate::domain::cni::Cni;
use crate::domain::eni_config::EniConfigName;
use crate::domain::kubelet::{Kubelet, NeededFlags};
use crate::facts::Facts;
use crate::host::{Change, ExistingConfig, HostKind};
use crate::settings::{EniConfigLabel, Settings, Wait};

/// The configuration of a node: what `run` writes and which ENIConfig it waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The CNI configuration that the calculation uses.
    pub cni: EffectiveCni,
    /// max-pods with every term of the calculation.
    pub capacity: Capacity,
    /// Whether the computed or an existing max-pods takes precedence; `None` without an existing
    /// one.
    pub precedence: Option<MaxPodsPrecedence>,
    /// What eni-bootstrap configures.
    pub kubelet: Kubelet,
    /// What the kubelet gets: an existing value that is read later takes precedence.
    pub in_force: Kubelet,
    /// The limit of the kubelet by the number of CPUs; `None` without one.
    pub pods_per_core: Option<PodsPerCore>,
    /// The changes that give the kubelet these settings on this image.
    pub changes: Vec<Change>,
    /// The ENIConfig to wait for; `None` without custom networking.
    pub wait: Option<EniConfigName>,
    /// Notes for the operator, those about the aws-node DaemonSet first.
    pub diagnostics: Vec<Diagnostic>,
}

impl Plan {
    /// Returns the number of pods that the kubelet accepts: max-pods in force, or less because of
    /// `podsPerCore`.
    #[must_use]
    pub fn max_pods_in_force(&self) -> u32 {
        limited(self.in_force.max_pods, self.pods_per_core.as_ref())
    }

    /// Returns the configuration for a caller that passes it as kubelet flags. `--kube-reserved` replaces
    /// the map of all files, so it includes the existing reserves of other resources.
    ///
    /// # Errors
    ///
    /// [`PlanError`] if an existing reserve is invalid.
    pub fn kubelet_for_flags(&self, existing: &ExistingConfig) -> Result<Kubelet, PlanError> {
        let mut kubelet = self.kubelet.clone();
        kubelet.kube_reserved.others = reserve_precedence::others(existing, true)?;
        Ok(kubelet)
    }
}

/// Returns the configuration of this node. `aws_node` is `None` if the settings alone describe the
/// CNI.
pub fn plan(
    facts: &Facts,
    settings: &Settings,
    aws_node: Option<&AwsNode>,
) -> Result<Plan, PlanError> {
    let existing = &facts.existing;
    let (cni, overrides) = effective_cni(&settings.cni, aws_node);
    let needed_flags = existing.needed_flags();
    let used_flags = used_flags(facts, needed_flags);
    let (capacity, precedence, network_notes) =
        capacity(facts, settings, cni.config, aws_node, used_flags.max_pods)?;
    let name = eni_config_name(facts, settings, &cni.config, aws_node)?;
    let KubeReserved {
        configured: kube_reserved,
        in_force: reserved_in_force,
        diagnostics: reserve_notes,
    } = reserve(facts, settings, capacity.max_pods, precedence.as_ref(), used_flags.kube_reserved)?;
    let pods_per_core = pods_per_core(facts);
    let label_def = label_def(settings, aws_node);
    let label_def = label_def.as_deref();
    let NodeLabels {
        labels,
        in_force: labels_in_force,
        eni_config: wait,
        diagnostics: label_notes,
    } = labels(facts, settings, name, (label_def, cni.config.reads_external_label()))?;
    let kubelet =
        Kubelet { max_pods: capacity.max_pods, kube_reserved, node_labels: labels, needed_flags };
    let in_force = in_force(
        &kubelet,
        (&capacity, pods_per_core.as_ref()),
        precedence.as_ref(),
        reserved_in_force,
        labels_in_force,
    )?;
    let mut diagnostics = aws_node.map(|it| it.diagnostics.clone()).unwrap_or_default();
    diagnostics.extend(overrides);
    diagnostics.extend(network_notes);
    diagnostics.extend(precedence.as_ref().map(|it| it.diagnostic(&capacity)));
    diagnostics.extend(pods_per_core.as_ref().and_then(|it| it.diagnostic(in_force.max_pods)));
    diagnostics.extend(diagnose::max_pods_expression(settings, existing));
    diagnostics.extend(pods_per_core::relevant(&capacity, pods_per_core.as_ref()));
    diagnostics.extend(label_notes);
    diagnostics.extend(diagnose::registration(existing, &cni, aws_node));
    let labels = &kubelet.node_labels;
    let old = bottlerocket_settings::old_labels(existing, labels, wait.as_ref(), label_def)?;
    diagnostics.extend(old);
    diagnostics.extend(reserve_notes);
    Ok(Plan {
        cni,
        capacity,
        precedence,
        changes: facts.host.render(&kubelet, existing),
        kubelet,
        in_force,
        pods_per_core,
        wait,
        diagnostics,
    })
}

/// Returns the flags that the host writes. Without a configuration file, it configures every value with
/// a flag.
fn used_flags(facts: &Facts, needed: NeededFlags) -> NeededFlags {
    let all = NeededFlags { max_pods: true, kube_reserved: true };
    if facts.host.uses_config_file() { needed } else { all }
}

/// Returns the capacity with the max-pods to configure, compared with the existing values, and notes
/// about the network of the node.
fn capacity(
    facts: &Facts,
    settings: &Settings,
    cni: Cni,
    aws_node: Option<&AwsNode>,
    uses_flags: bool,
) -> Result<(Capacity, Option<MaxPodsPrecedence>, Vec<Diagnostic>), PlanError> {
    let Facts { instance, limits, existing, .. } = facts;
    let (network, mut notes) = node_network(facts, settings, &cni, aws_node);
    let is_assumed = network.exclusion_is_assumed
        && (network.primary_subnet.is_excluded() || network.attached_excluded > 0);
    let options = CapacityOptions { network, ..settings.pods.capacity_options() };
    let options = (options, settings.pods.policy());
    let decided = max_pods_precedence::decide(limits, cni, options, &existing.max_pods, uses_flags);
    let (capacity, precedence) = decided.map_err(|source| PlanError::NoCapacity {
        instance_type: instance.instance_type.to_string(),
        source,
    })?;
    if is_assumed && capacity.primary_excluded == 0 && capacity.attached_excluded == 0 {
        // The calculation is for a version that does not read the tags, and has its own note.
        notes
            .retain(|it| !matches!(it.code, Code::PrimarySubnetExcluded | Code::CniVersionUnknown));
    }
    Ok((capacity, precedence, notes))
}

/// Returns the labels of the node. `name` comes from `eni-config.name`.
fn labels(
    facts: &Facts,
    settings: &Settings,
    name: Option<EniConfigName>,
    (label_def, reads_external): (Option<&str>, bool),
) -> Result<NodeLabels, PlanError> {
    let Facts { instance, existing, .. } = facts;
    let labels = match &name {
        Some(_) => eni_config_label::of_others(instance, settings, label_def, existing)?,
        None => existing.node_labels.clone(),
    };
    node_labels(instance, settings, name, (label_def, reads_external), &labels)
}

/// Returns the name of the ENIConfig by `eni-config.name`; `None` without custom networking.
fn eni_config_name(
    facts: &Facts,
    settings: &Settings,
    cni: &Cni,
    aws_node: Option<&AwsNode>,
) -> Result<Option<EniConfigName>, PlanError> {
    if !cni.custom_networking {
        return Ok(None);
    }
    let name = settings.eni_config.name().fill(|field| facts.instance.value(field))?;
    if facts.host.kind == HostKind::Bottlerocket && settings.eni_config.wait() == Wait::Forever {
        return Err(PlanError::WaitsForever);
    }
    eni_config_label::check_external(settings, cni, aws_node)?;
    Ok(Some(name))
}

/// Returns the label that the CNI reads the ENIConfig name from, if it is known.
///
/// Without the DaemonSet, the label in the settings counts as the one that the CNI reads. An empty
/// label in the settings means that the cluster labels its nodes in another way.
fn label_def(settings: &Settings, aws_node: Option<&AwsNode>) -> Option<String> {
    match (aws_node, settings.eni_config.label()) {
        (Some(aws_node), _) => Some(aws_node.eni_config_label.clone()),
        (None, EniConfigLabel::Key(key)) => Some(key.to_string()),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests;
