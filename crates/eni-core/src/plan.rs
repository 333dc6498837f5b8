//! Facts and settings → the configuration of this node. No I/O, so `plan` shows exactly what `run`
//! does.

mod allocatable;
mod bottlerocket_settings;
mod cluster_access;
mod diagnose;
mod effective_cni;
mod eni_config_label;
mod existing_reserve;
mod in_force;
mod karpenter_max_pods;
mod karpenter_reserve;
mod max_pods_precedence;
mod node_labels;
mod node_network;
mod plan_error;
mod reserve;
mod reserve_precedence;

pub use cluster_access::{ClusterAccess, access};
pub use effective_cni::EffectiveCni;
use effective_cni::effective_cni;
use in_force::in_force;
pub use max_pods_precedence::{Decision, MaxPodsPrecedence};
use node_labels::{NodeLabels, node_labels};
pub use node_network::depends_on_zone_subnets;
use node_network::node_network;
pub use plan_error::PlanError;
use reserve::{KubeReserved, reserve};

use crate::diagnostic::Diagnostic;
use crate::domain::aws_node::AwsNode;
use crate::domain::capacity::{Capacity, CapacityOptions};
use crate::domain::eni_config::EniConfigName;
use crate::domain::kubelet::Kubelet;
use crate::facts::Facts;
use crate::host::{Change, HostKind};
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
    /// The changes that give the kubelet these settings on this image.
    pub changes: Vec<Change>,
    /// The ENIConfig to wait for; `None` without custom networking.
    pub wait: Option<EniConfigName>,
    /// Notes for the operator, those about the aws-node DaemonSet first.
    pub diagnostics: Vec<Diagnostic>,
}

/// Returns the configuration of this node. `aws_node` is `None` if the settings alone describe the
/// CNI.
pub fn plan(
    facts: &Facts,
    settings: &Settings,
    aws_node: Option<&AwsNode>,
) -> Result<Plan, PlanError> {
    let Facts { instance, limits, host, existing, .. } = facts;
    let (cni, overrides) = effective_cni(&settings.cni, aws_node);
    let needs_flags = existing.needs_flags();
    let uses_flags = needs_flags || host.kind != HostKind::Nodeadm;
    let (network, network_notes) = node_network(facts, settings, &cni.config, aws_node);
    let options = CapacityOptions { network, ..settings.pods.capacity_options() };
    let policy = settings.pods.policy();
    let (capacity, precedence) = max_pods_precedence::decide(
        limits,
        cni.config,
        (options, policy),
        &existing.max_pods,
        uses_flags,
    )
    .map_err(|source| PlanError::NoCapacity {
        instance_type: instance.instance_type.to_string(),
        source,
    })?;
    let name = cni
        .config
        .custom_networking
        .then(|| settings.eni_config.name().fill(|field| instance.value(field)))
        .transpose()?;
    if host.kind == HostKind::Bottlerocket
        && name.is_some()
        && settings.eni_config.wait() == Wait::Forever
    {
        return Err(PlanError::WaitsForever);
    }
    let KubeReserved {
        configured: kube_reserved,
        in_force: reserved_in_force,
        diagnostics: reserve_notes,
    } = reserve(facts, settings, capacity.max_pods, precedence.as_ref(), uses_flags)?;
    let label_def = label_def(settings, aws_node);
    let labels = match &name {
        Some(_) => eni_config_label::of_others(instance, settings, label_def.as_deref(), existing)?,
        None => existing.node_labels.clone(),
    };
    let NodeLabels {
        labels,
        in_force: labels_in_force,
        eni_config: wait,
        diagnostics: label_notes,
    } = node_labels(instance, settings, name, label_def.as_deref(), &labels)?;
    let kubelet =
        Kubelet { max_pods: capacity.max_pods, kube_reserved, node_labels: labels, needs_flags };
    let in_force =
        in_force(&kubelet, &capacity, precedence.as_ref(), reserved_in_force, labels_in_force)?;
    let mut diagnostics = aws_node.map(|it| it.diagnostics.clone()).unwrap_or_default();
    diagnostics.extend(overrides);
    diagnostics.extend(network_notes);
    diagnostics.extend(precedence.as_ref().map(|it| it.diagnostic(&capacity)));
    diagnostics.extend(diagnose::max_pods_expression(settings, existing));
    diagnostics.extend(capacity.diagnostics.iter().cloned());
    diagnostics.extend(label_notes);
    diagnostics.extend(diagnose::registration(existing, &cni, aws_node));
    let label_def = label_def.as_deref();
    let labels = &kubelet.node_labels;
    let old_labels = bottlerocket_settings::old_labels(existing, labels, wait.as_ref(), label_def)?;
    diagnostics.extend(old_labels);
    diagnostics.extend(reserve_notes);
    let changes = host.render(&kubelet, existing);
    Ok(Plan { cni, capacity, precedence, kubelet, in_force, changes, wait, diagnostics })
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
