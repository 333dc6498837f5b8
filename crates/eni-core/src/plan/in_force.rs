//! The values that the kubelet gets: those of eni-bootstrap, except existing ones that are read later.

use super::PlanError;
use super::max_pods_precedence::{Decision, MaxPodsPrecedence};
use super::pods_per_core::{PodsPerCore, limited};
use crate::domain::capacity::Capacity;
use crate::domain::kubelet::Kubelet;
use crate::domain::label::Labels;
use crate::domain::reserved::Reserved;

/// Returns the configuration that the kubelet gets if eni-bootstrap configures `configured`.
/// `kube_reserved` and `node_labels` are those in force.
///
/// # Errors
///
/// [`PlanError::LaterMaxPodsAboveCapacity`] if the node would accept pods without an IP address. With
/// `pods.max` or `pods.policy`, the operator has accepted them.
pub(super) fn in_force(
    configured: &Kubelet,
    (capacity, pods_per_core): (&Capacity, Option<&PodsPerCore>),
    precedence: Option<&MaxPodsPrecedence>,
    kube_reserved: Reserved,
    node_labels: Labels,
) -> Result<Kubelet, PlanError> {
    let later = precedence.filter(|it| it.decision == Decision::LaterDropIn);
    let max_pods = later.map_or(configured.max_pods, |it| it.existing.max_pods);
    let accepted = limited(max_pods, pods_per_core);
    let limit = capacity.uncapped.map(|uncapped| uncapped.max(configured.max_pods));
    if let (Some(later), Some(limit)) = (later, limit.filter(|limit| accepted > *limit)) {
        let location = &later.existing.location;
        return Err(PlanError::LaterMaxPodsAboveCapacity {
            existing: later.existing.to_string(),
            reason: location.reason_for_precedence(),
            limit,
            help: location.help(later.setting()),
        });
    }
    Ok(Kubelet { max_pods, kube_reserved, node_labels, needed_flags: configured.needed_flags })
}

#[cfg(test)]
mod tests;
