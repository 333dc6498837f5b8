//! The kube-reserved that Karpenter plans for a node that it launched.
//!
//! Karpenter computes the allocatable resources of a node before the node exists, and schedules pods
//! with them. If the node reserves more, these pods do not fit, and Karpenter launches another node.
//!
//! Source: `kubeReservedResources` and `ENILimitedPods`, `pkg/providers/instancetype/types.go`,
//! aws/karpenter-provider-aws.

use super::existing_reserve::{ExistingReserves, ReserveSource};
use super::reserve_precedence::LaterReserve;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::capacity::HOST_NETWORK_PODS;
use crate::domain::instance_limits::InstanceLimits;
use crate::domain::quantity::Quantity;
use crate::domain::reserved::{self, RESOURCES, ReserveOverrides, Reserved, amount};
use crate::facts::Facts;
use crate::host::HostKind;
use crate::settings::{ReserveBasis, Settings};

/// Returns the number of pods from which Karpenter computes the memory reserve on Amazon Linux,
/// whatever max-pods is: it counts every network interface of the default card and no prefixes. The
/// option `RESERVED_ENIS` of Karpenter has no effect on this number.
#[must_use]
pub fn eni_limited_pods(limits: &InstanceLimits) -> u32 {
    let InstanceLimits { interfaces, ipv4_per_interface, .. } = *limits;
    let addresses = interfaces.saturating_mul(ipv4_per_interface.saturating_sub(1));
    addresses.saturating_add(HOST_NETWORK_PODS)
}

/// Returns the number of pods from which the memory reserve is computed, for max-pods in force.
///
/// On Bottlerocket, Karpenter computes the reserve from max-pods, too.
pub(super) fn memory_pods(facts: &Facts, settings: &Settings, max_pods: u32) -> u32 {
    let eni_limited = eni_limited_pods(&facts.limits);
    let is_of_karpenter = facts.existing.karpenter_reserved.is_some();
    match settings.reserve.basis() {
        _ if facts.host.kind == HostKind::Bottlerocket => max_pods,
        ReserveBasis::MaxPods => max_pods,
        ReserveBasis::Auto if !is_of_karpenter => max_pods,
        ReserveBasis::Auto => max_pods.min(eni_limited),
        ReserveBasis::Karpenter => eni_limited,
    }
}

/// The kube-reserved that Karpenter plans.
#[derive(Debug)]
pub(super) struct KarpenterPlan {
    reserved: Reserved,
    /// The calculation of the memory reserve, or its source.
    memory_source: String,
}

impl KarpenterPlan {
    /// Returns the plan; `None` if Karpenter did not launch the node, if the node runs Bottlerocket, or
    /// if `kubeReserved` of the `EC2NodeClass` is invalid.
    pub(super) fn of(facts: &Facts) -> Option<Self> {
        let quantities = facts.existing.karpenter_reserved.as_ref()?;
        if facts.host.kind == HostKind::Bottlerocket {
            return None;
        }
        let quantity = |resource| {
            let text: Option<&String> = quantities.get(resource);
            text.map(|text| text.parse::<Quantity>()).transpose().ok()
        };
        let overrides = ReserveOverrides {
            cpu: quantity("cpu")?,
            memory: quantity("memory")?,
            ephemeral_storage: quantity("ephemeral-storage")?,
        };
        let pods = eni_limited_pods(&facts.limits);
        let memory_source = match overrides.memory {
            Some(_) => "kubeReserved in the EC2NodeClass".to_owned(),
            None => format!("255Mi + 11Mi × {pods} pods: all network interfaces, without prefixes"),
        };
        let reserved = Reserved::compute(facts.limits.vcpus, pods, &overrides);
        Some(Self { reserved, memory_source })
    }

    /// Returns a note with the planned memory reserve and the one by max-pods, and a warning for each
    /// resource of which `in_force` reserves more than planned.
    pub(super) fn notes(
        &self,
        existing: &ExistingReserves<'_>,
        max_pods: u32,
        later: &[LaterReserve],
        in_force: &Reserved,
    ) -> Vec<Diagnostic> {
        let Self { reserved, memory_source } = self;
        let note = |resource: &'static str| {
            let (planned, actual) = (reserved.get(resource)?, in_force.get(resource)?);
            let is_above = amount(resource, actual) > amount(resource, planned);
            let calculation = match resource {
                "memory" => {
                    let by_max_pods = reserved::memory(max_pods);
                    format!(" ({memory_source}); max-pods {max_pods} needs {by_max_pods}")
                }
                _ if is_above => String::new(),
                _ => return None,
            };
            let later = later.iter().find(|it| it.resource == resource);
            let (reason, alternative) = reason(existing, later, resource);
            let text = format!(
                "Karpenter plans kube-reserved {resource}={planned}{calculation}; the node reserves {actual} ({reason})"
            );
            if !is_above {
                return Some(Diagnostic::info(Code::ReserveKarpenter, text));
            }
            Some(Diagnostic::warning(
                Code::ReserveAboveKarpenter,
                text + ", so pods that Karpenter schedules may not fit",
                format!(
                    "set kubeReserved.{resource}: {actual} in the EC2NodeClass, or {alternative}"
                ),
            ))
        };
        RESOURCES.into_iter().filter_map(note).collect()
    }
}

/// Returns why a quantity is in force, and how to use the planned one.
fn reason(
    existing: &ExistingReserves<'_>,
    later: Option<&LaterReserve>,
    resource: &str,
) -> (String, String) {
    if let Some(LaterReserve { location, .. }) = later {
        return (location.to_string(), format!("remove kube-reserved {resource} from {location}"));
    }
    match (existing.source(resource), existing.location(resource)) {
        (ReserveSource::Setting, _) => {
            let setting = format!("reserve.{resource}");
            (setting.clone(), format!("remove {setting} from the settings"))
        }
        (ReserveSource::Respected(_), Some(location)) => (
            "pods.policy = \"respect\"".to_owned(),
            format!("remove kube-reserved {resource} from {location}"),
        ),
        _ => {
            let basis = existing.settings.reserve.basis().name();
            (format!("reserve.basis = \"{basis}\""), "set reserve.basis = \"auto\"".to_owned())
        }
    }
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod model;
#[cfg(test)]
pub(super) mod node;
#[cfg(test)]
mod tests;
