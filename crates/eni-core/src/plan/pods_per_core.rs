//! `podsPerCore`, with which the kubelet limits max-pods by the number of CPUs.

use crate::diagnostic::{Code, Diagnostic};
use crate::domain::capacity::Capacity;
use crate::domain::plural::counted;
use crate::facts::Facts;
use crate::host::existing_config::ExistingPodsPerCore;
use serde::Serialize;

/// The limit of the pods by `podsPerCore`.
///
/// Source: `MachineInfo`, `pkg/kubelet/nodestatus/setters.go`, kubernetes/kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct PodsPerCore {
    /// Where it is configured, such as `user data`.
    location: String,
    /// Pods for each CPU.
    value: u32,
    /// The CPUs that are online, or the vCPUs of the instance type if they are unknown.
    cpus: u32,
    /// The number of pods that the kubelet accepts at most.
    pub limit: u32,
}

/// Returns the limit; `None` if no source sets `podsPerCore`, or if the one of the highest precedence sets
/// it to 0.
pub(super) fn pods_per_core(facts: &Facts) -> Option<PodsPerCore> {
    let cpus = facts.machine.as_ref().map_or(facts.limits.vcpus, |machine| machine.cpus);
    let in_force = facts.existing.pods_per_core.last().filter(|it| it.pods_per_core > 0)?;
    let ExistingPodsPerCore { pods_per_core, location } = in_force;
    Some(PodsPerCore {
        location: location.to_string(),
        value: *pods_per_core,
        cpus,
        limit: pods_per_core.saturating_mul(cpus),
    })
}

/// Returns the number of pods that the kubelet accepts with `max_pods`.
pub(super) fn limited(max_pods: u32, pods_per_core: Option<&PodsPerCore>) -> u32 {
    pods_per_core.map_or(max_pods, |it| max_pods.min(it.limit))
}

/// Returns the notes about the calculation. Omits that max-pods exceeds the capacity if the limit by
/// `podsPerCore` does not.
pub(super) fn relevant(
    capacity: &Capacity,
    pods_per_core: Option<&PodsPerCore>,
) -> impl Iterator<Item = Diagnostic> {
    let accepted = limited(capacity.max_pods, pods_per_core);
    let is_above = capacity.uncapped.is_some_and(|uncapped| accepted > uncapped);
    let diagnostics = capacity.diagnostics.iter().cloned();
    diagnostics.filter(move |it| it.code != Code::MaxPodsAboveCapacity || is_above)
}

impl PodsPerCore {
    /// Returns a warning if the limit is lower than `max_pods`, which is max-pods in force.
    pub(super) fn diagnostic(&self, max_pods: u32) -> Option<Diagnostic> {
        let Self { location, value, cpus, limit } = self;
        (*limit < max_pods).then(|| {
            Diagnostic::warning(
                Code::PodsPerCore,
                format!(
                    "{location} sets podsPerCore to {value}, so the kubelet accepts at most {} on {}; max-pods is {max_pods}",
                    counted(*limit, "pod"),
                    counted(*cpus, "CPU")
                ),
                format!(
                    "remove podsPerCore, or set it to {} or more, if the node should accept {max_pods} pods",
                    max_pods.div_ceil((*cpus).max(1))
                ),
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Machine;
    use crate::facts::fixture::facts;
    use crate::host::existing_config::{
        ConfigLocation, ConfigOwner, ExistingConfig, ExistingMaxPods,
    };
    use crate::plan::tests::settings;
    use crate::plan::{Plan, PlanError, plan};

    fn with(values: &[(u32, ConfigLocation)], max_pods: Vec<ExistingMaxPods>) -> Facts {
        let existing = |(pods_per_core, location): &(u32, ConfigLocation)| ExistingPodsPerCore {
            pods_per_core: *pods_per_core,
            location: location.clone(),
        };
        let pods_per_core = values.iter().map(existing).collect();
        let existing = ExistingConfig { max_pods, pods_per_core, ..ExistingConfig::default() };
        Facts { existing, ..facts("m5.large") }
    }

    fn planned(facts: &Facts) -> Result<Plan, PlanError> {
        plan(facts, &settings("[cni]\ncustom-networking = false"), None)
    }

    fn warning(location: &str, value: u32, limit: &str, cpus: &str, least: u32) -> Diagnostic {
        Diagnostic::warning(
            Code::PodsPerCore,
            format!(
                "{location} sets podsPerCore to {value}, so the kubelet accepts at most {limit} on {cpus}; max-pods is 29"
            ),
            format!(
                "remove podsPerCore, or set it to {least} or more, if the node should accept 29 pods"
            ),
        )
    }

    #[test]
    fn the_kubelet_takes_the_lower_value() {
        let facts = with(&[(4, ConfigLocation::UserData)], vec![]);
        let plan = planned(&facts).unwrap();
        assert_eq!((plan.kubelet.max_pods, plan.in_force.max_pods), (29, 29));
        assert_eq!(plan.max_pods_in_force(), 8);
        assert_eq!(plan.diagnostics, [warning("user data", 4, "8 pods", "2 CPUs", 15)]);
        assert_eq!(plan.kubelet.kube_reserved.memory.to_string(), "343Mi", "for 8 pods");
        let machine = Some(Machine { cpus: 1, memory_bytes: 8 << 30 });
        let plan = planned(&Facts { machine, ..facts }).unwrap();
        assert_eq!(plan.max_pods_in_force(), 4);
        assert_eq!(plan.diagnostics, [warning("user data", 4, "4 pods", "1 CPU", 29)]);
        let plan = planned(&with(&[(15, ConfigLocation::UserData)], vec![])).unwrap();
        assert_eq!((plan.max_pods_in_force(), &plan.diagnostics[..]), (29, &[][..]));
    }

    #[test]
    fn a_configured_max_pods_above_the_capacity_counts_only_up_to_the_limit() {
        let codes = |value: u32| {
            let facts = with(&[(value, ConfigLocation::UserData)], vec![]);
            let text = "[cni]\ncustom-networking = false\n[pods]\nmax = 58";
            let plan = plan(&facts, &settings(text), None).unwrap();
            plan.diagnostics.iter().map(|it| it.code).collect::<Vec<_>>()
        };
        assert_eq!(codes(14), [Code::PodsPerCore], "28 pods of 29");
        assert_eq!(codes(15), [Code::PodsPerCore, Code::MaxPodsAboveCapacity], "30 pods of 29");
    }

    #[test]
    fn the_last_value_is_in_force() {
        let file = || ConfigLocation::KubeletDropIn("50-site.conf".to_owned());
        let values = [(4, ConfigLocation::UserData), (5, file())];
        let plan = planned(&with(&values, vec![])).unwrap();
        let location = "/etc/kubernetes/kubelet/config.json.d/50-site.conf";
        assert_eq!(plan.diagnostics, [warning(location, 5, "10 pods", "2 CPUs", 15)]);
        let off = [(4, ConfigLocation::UserData), (0, file())];
        let plan = planned(&with(&off, vec![])).unwrap();
        assert_eq!((plan.max_pods_in_force(), plan.pods_per_core), (29, None));
    }

    #[test]
    fn a_later_max_pods_counts_only_up_to_the_limit() {
        let later = || ExistingMaxPods {
            max_pods: 58,
            location: ConfigLocation::LateArguments,
            owner: ConfigOwner::Unknown,
        };
        let rejected = planned(&with(&[(15, ConfigLocation::UserData)], vec![later()]));
        let Err(PlanError::LaterMaxPodsAboveCapacity { limit: 29, .. }) = rejected else {
            panic!("{rejected:?}");
        };
        let plan = planned(&with(&[(14, ConfigLocation::UserData)], vec![later()])).unwrap();
        assert_eq!((plan.in_force.max_pods, plan.max_pods_in_force()), (58, 28));
        assert_eq!(plan.kubelet.kube_reserved.memory.to_string(), "563Mi", "for 28 pods");
        let codes: Vec<Code> = plan.diagnostics.iter().map(|it| it.code).collect();
        assert_eq!(codes, [Code::MaxPodsLaterDropIn, Code::PodsPerCore]);
    }
}
