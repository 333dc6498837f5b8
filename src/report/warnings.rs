//! What whoever reads a plan should know: the same in the log, in `plan` and in `check`.

use eni_core::domain::aws_node::Remark;
use eni_core::domain::finding::{Finding, Verdict};
use eni_core::domain::quantity::Quantity;
use eni_core::domain::reserved;
use eni_core::facts::Facts;
use eni_core::plan::Plan;

/// Of the CNI's settings.
pub fn remarks(remarks: &[Remark]) -> impl Iterator<Item = Finding> {
    let help = "correct it: `kubectl -n kube-system edit daemonset aws-node`";
    remarks.iter().map(move |remark| Finding::warning("aws-node", remark.to_string(), help))
}

/// All of them.
pub(super) fn warnings(facts: &Facts, plan: &Plan) -> impl Iterator<Item = Finding> {
    remarks(&plan.remarks).chain(of_plan(facts, plan))
}

/// Of what was made of those settings.
#[must_use]
pub fn of_plan(facts: &Facts, plan: &Plan) -> Vec<Finding> {
    let differ = plan.cni.overrides.iter().filter(|it| it.differs());
    let mut warnings: Vec<Finding> = differ
        .map(|differs| {
            let help = "leave the key out, so that the DaemonSet decides";
            Finding::warning("settings", differs.to_string(), help)
        })
        .collect();
    let misleads = plan.settled.iter().filter(|it| it.misleads());
    warnings.extend(misleads.map(|it| said("max-pods", it.to_string())));
    warnings.extend(plan.expression.iter().map(|expression| {
        said("max-pods", format!(
            "maxPodsExpression in user data is {expression:?}, which only nodeadm can work out: pods.policy passes over it"
        ))
    }));
    warnings.extend(plan.capacity.diagnostics.iter().map(|it| {
        Finding::warning("max-pods", it.text.clone(), it.help.clone().unwrap_or_default())
    }));
    warnings.extend(memory(facts, plan).map(|says| said("memory", says)));
    warnings
}

/// What to do is in its words.
fn said(check: &'static str, says: String) -> Finding {
    Finding { verdict: Verdict::Warning, check, says, help: None }
}

/// Where more than half of the machine is kept back: by the sum, or by hand.
fn memory(facts: &Facts, plan: &Plan) -> Option<String> {
    let in_force = &plan.kubelet.kube_reserved.memory;
    let total = facts.machine?.memory_bytes;
    if in_force.bytes() <= total / 2 {
        return None;
    }
    let pods = plan.capacity.max_pods;
    let sum = reserved::memory(pods);
    let (reserve, key) = if *in_force == Quantity::from(sum) {
        (format!("255 + 11 × {pods} = {} Mi", sum.0), "pods.ceiling")
    } else {
        (in_force.to_string(), "reserve.memory")
    };
    Some(format!(
        "the kubelet keeps back {reserve} of {} Mi: more than half; a lower {key} leaves more for pods",
        total >> 20
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::facts::Machine;
    use eni_core::facts::fixture::facts;
    use eni_core::settings::Settings;
    use std::path::Path;

    /// A t3.small with prefixes: 3 interfaces of 4 addresses.
    fn warned(memory_mebibytes: u64, settings: &str) -> Vec<String> {
        let machine = Some(Machine { cpus: 2, memory_bytes: memory_mebibytes << 20 });
        let facts = Facts { machine, ..facts("t3.small") };
        let text = format!(
            "cni = {{ custom-networking = false, prefix-delegation = true }}\n{settings}\n"
        );
        let settings = Settings::from_toml(Path::new("test.toml"), &text).unwrap();
        let plan = eni_core::plan::plan(&facts, &settings, None).unwrap();
        warnings(&facts, &plan).map(|warning| warning.says).collect()
    }

    #[test]
    fn a_memory_reserve_above_half_of_the_machine_is_said_with_its_sum() {
        assert_eq!(
            warned(2048, ""),
            [
                "the kubelet keeps back 255 + 11 × 110 = 1465 Mi of 2048 Mi: more than half; a lower pods.ceiling leaves more for pods"
            ]
        );
        assert_eq!(warned(2930, ""), Vec::<String>::new(), "exactly half");
        assert_eq!(warned(2048, "pods.ceiling = 58"), Vec::<String>::new());
    }

    #[test]
    fn a_memory_reserve_by_hand_is_the_one_that_counts_and_is_no_sum() {
        assert_eq!(warned(2048, "reserve.memory = \"100Mi\""), Vec::<String>::new());
        assert_eq!(
            warned(2048, "pods.ceiling = 58\nreserve.memory = \"1.5Gi\""),
            [
                "the kubelet keeps back 1.5Gi of 2048 Mi: more than half; a lower reserve.memory leaves more for pods"
            ]
        );
    }
}
