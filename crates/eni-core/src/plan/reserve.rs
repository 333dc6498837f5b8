//! kube-reserved of a node.

use super::allocatable::{self, Reserves};
use super::existing_reserve::ExistingReserves;
use super::karpenter_reserve::{KarpenterPlan, memory_pods};
use super::max_pods_precedence::{Decision, MaxPodsPrecedence};
use super::{PlanError, diagnose, reserve_precedence};
use crate::diagnostic::Diagnostic;
use crate::domain::reserved::Reserved;
use crate::facts::Facts;
use crate::settings::Settings;

/// kube-reserved of a node.
pub(super) struct KubeReserved {
    /// The reserves that eni-bootstrap configures.
    pub configured: Reserved,
    /// The reserves that the kubelet gets.
    pub in_force: Reserved,
    /// Notes about the reserves in force.
    pub diagnostics: Vec<Diagnostic>,
}

/// Returns the reserves of the node.
///
/// The memory reserve is computed from max-pods in force, or from Karpenter's number of pods
/// (`reserve.basis`). max-pods in force is `max_pods`, unless `precedence` has a later value. `uses_flags` is whether eni-bootstrap configures kube-reserved with a kubelet flag.
pub(super) fn reserve(
    facts: &Facts,
    settings: &Settings,
    max_pods: u32,
    precedence: Option<&MaxPodsPrecedence>,
    uses_flags: bool,
) -> Result<KubeReserved, PlanError> {
    let Facts { limits, machine, storage_bytes, existing, .. } = facts;
    let machine = machine.as_ref();
    let existing_reserves = ExistingReserves::new(settings, existing);
    let cpus = machine.map_or(limits.vcpus, |machine| machine.cpus);
    let later_max_pods = precedence.filter(|it| it.decision == Decision::LaterDropIn);
    let max_pods = later_max_pods.map_or(max_pods, |it| it.existing.max_pods);
    let memory_pods = memory_pods(facts, settings, max_pods);
    let configured = Reserved {
        others: reserve_precedence::others(existing, uses_flags)?,
        ..Reserved::compute(cpus, memory_pods, &existing_reserves.overrides()?)
    };
    let later = reserve_precedence::later(existing, &configured, uses_flags);
    let in_force = reserve_precedence::in_force(&configured, &later);
    let reserves = Reserves {
        existing,
        kube: &in_force,
        later: &later,
        memory_pods,
        depends_on_max_pods: memory_pods == max_pods,
        later_max_pods: later_max_pods.map(|it| &it.existing.location),
    };
    let mut diagnostics = existing_reserves.notes(&configured);
    diagnostics.extend(later.iter().map(|it| it.diagnostic(&configured)));
    let planned = KarpenterPlan::of(facts);
    diagnostics.extend(
        planned
            .into_iter()
            .flat_map(|planned| planned.notes(&existing_reserves, max_pods, &later, &in_force)),
    );
    let little = allocatable::check(cpus, machine, &reserves)?;
    diagnostics.extend(little.or_else(|| diagnose::memory(machine, &in_force.memory, memory_pods)));
    diagnostics.extend(storage_bytes.and_then(|it| allocatable::check_storage(it, &reserves)));
    Ok(KubeReserved { configured, in_force, diagnostics })
}
