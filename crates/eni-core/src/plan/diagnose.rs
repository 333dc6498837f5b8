//! Notes about a plan that are not errors.

use super::EffectiveCni;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::aws_node::AwsNode;
use crate::domain::quantity::Quantity;
use crate::domain::reserved;
use crate::facts::Machine;
use crate::host::existing_config::{ExistingConfig, Policy, cordon};
use crate::settings::Settings;

/// Returns a warning if `pods.policy` would have to compare a `maxPodsExpression` that is a
/// formula.
pub(super) fn max_pods_expression(
    settings: &Settings,
    existing: &ExistingConfig,
) -> Option<Diagnostic> {
    let expression = existing.max_pods_expression.as_deref()?;
    let policy = settings.pods.policy();
    if settings.pods.max.is_some_and(|max| max > 0) || policy == Policy::Override {
        return None;
    }
    let policy = policy.name();
    Some(Diagnostic::warning(
        Code::MaxPodsExpressionIgnored,
        format!(
            "pods.policy = \"{policy}\" ignores maxPodsExpression {expression:?} in user data, because only nodeadm can evaluate it"
        ),
        "set kubelet.config.maxPods in user data to a number, or set pods.policy = \"override\"",
    ))
}

/// Returns a warning if the kubelet reserves more than half of the memory; `None` if the memory is
/// unknown.
pub(super) fn memory(
    machine: Option<&Machine>,
    reserved: &Quantity,
    max_pods: u32,
) -> Option<Diagnostic> {
    let total = machine?.memory_bytes;
    if reserved.bytes() <= total / 2 {
        return None;
    }
    let computed = reserved::memory(max_pods);
    let (reserved, key) = if *reserved == Quantity::from(computed) {
        (format!("255 MiB + {max_pods} pods × 11 MiB = {} MiB", computed.0), "pods.ceiling")
    } else {
        (reserved.to_string(), "reserve.memory")
    };
    Some(Diagnostic::warning(
        Code::LargeMemoryReserve,
        format!(
            "the kubelet reserves {reserved}, which is more than half of the {} MiB of memory",
            total >> 20
        ),
        format!("lower {key} to leave more memory for pods"),
    ))
}

/// Returns a warning if the kubelet registers a cordoned node, on which the CNI does not start with
/// custom networking. Not an error: an operator may uncordon the node after its registration.
pub(super) fn registration(
    existing: &ExistingConfig,
    cni: &EffectiveCni,
    aws_node: Option<&AwsNode>,
) -> Option<Diagnostic> {
    let cordon = cordon(&existing.registration)?;
    let is_served = aws_node.is_some_and(|aws_node| aws_node.serves_cordoned_nodes);
    if !cni.config.custom_networking || is_served {
        return None;
    }
    Some(Diagnostic::warning(
        Code::RegistersCordoned,
        format!(
            "{cordon}, so a new node registers cordoned: the CNI attaches no network interfaces to it, and it stays NotReady while it is cordoned"
        ),
        "remove this configuration, or run `kubectl -n kube-system set env daemonset aws-node AWS_MANAGE_ENIS_NON_SCHEDULABLE=true`",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use crate::facts::Facts;
    use crate::facts::fixture::facts;
    use crate::host::existing_config::{ConfigLocation, registration_in_config};
    use crate::plan::plan;
    use crate::plan::tests::settings;
    use serde_json::json;

    /// The warnings for a t3.small with prefix delegation: 3 network interfaces with 4 addresses.
    fn warnings(memory_mebibytes: u64, text: &str) -> Vec<String> {
        let machine = Some(Machine { cpus: 2, memory_bytes: memory_mebibytes << 20 });
        let facts = Facts { machine, ..facts("t3.small") };
        let text =
            format!("cni = {{ custom-networking = false, prefix-delegation = true }}\n{text}\n");
        let plan = plan(&facts, &settings(&text), None).unwrap();
        assert!(plan.diagnostics.iter().all(|it| it.severity == Severity::Warning));
        plan.diagnostics.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_computed_memory_reserve_above_half_of_the_memory_is_a_warning() {
        assert_eq!(
            warnings(2900, ""),
            [
                "the kubelet reserves 255 MiB + 110 pods × 11 MiB = 1465 MiB, which is more than half of the 2900 MiB of memory; lower pods.ceiling to leave more memory for pods"
            ]
        );
        assert_eq!(warnings(2930, ""), Vec::<String>::new(), "exactly half");
        assert_eq!(warnings(2048, "pods.ceiling = 58"), Vec::<String>::new());
    }

    #[test]
    fn a_configured_memory_reserve_replaces_the_computed_one() {
        assert_eq!(warnings(2048, "reserve.memory = \"100Mi\""), Vec::<String>::new());
        assert_eq!(
            warnings(2900, "pods.ceiling = 58\nreserve.memory = \"1.5Gi\""),
            [
                "the kubelet reserves 1.5Gi, which is more than half of the 2900 MiB of memory; lower reserve.memory to leave more memory for pods"
            ]
        );
    }

    #[test]
    fn a_cordoned_registration_is_a_warning_unless_the_cni_serves_the_node() {
        let registers_cordoned = |text: &str, variables: Option<&[(&str, &str)]>| {
            let facts = facts("m5.large");
            let taint =
                json!([{ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" }]);
            let registration = registration_in_config(&taint, ConfigLocation::UserData);
            let registration = registration.into_iter().collect();
            let existing = ExistingConfig { registration, ..facts.existing };
            let facts = Facts { existing, ..facts };
            let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
            let aws_node = variables.map(|it| AwsNode::read(&it.iter().map(owned).collect(), ""));
            plan(&facts, &settings(text), aws_node.as_ref()).unwrap().diagnostics
        };
        let warning = Diagnostic::warning(
            Code::RegistersCordoned,
            "user data sets taint node.kubernetes.io/unschedulable:NoSchedule, so a new node registers cordoned: the CNI attaches no network interfaces to it, and it stays NotReady while it is cordoned",
            "remove this configuration, or run `kubectl -n kube-system set env daemonset aws-node AWS_MANAGE_ENIS_NON_SCHEDULABLE=true`",
        );
        let custom = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
        let serves = ("AWS_MANAGE_ENIS_NON_SCHEDULABLE", "true");
        assert_eq!(registers_cordoned("", None), std::slice::from_ref(&warning));
        assert_eq!(registers_cordoned("cni.custom-networking = false", None), []);
        assert_eq!(registers_cordoned("", Some(&[custom])), [warning]);
        assert_eq!(registers_cordoned("", Some(&[custom, serves])), []);
        assert_eq!(registers_cordoned("", Some(&[])), []);
    }

    #[test]
    fn a_formula_is_a_warning_only_if_the_policy_compares() {
        let codes = |text: &str| {
            let facts = facts("m5.large");
            let existing = crate::host::ExistingConfig {
                max_pods_expression: Some("max_pods - 1".to_owned()),
                ..facts.existing
            };
            let facts = Facts { existing, ..facts };
            plan(&facts, &settings(text), None).unwrap().diagnostics
        };
        assert_eq!(codes(""), []);
        assert_eq!(codes("[pods]\npolicy = \"lower\"\nmax = 20"), []);
        assert_eq!(
            codes("[pods]\npolicy = \"lower\""),
            [Diagnostic::warning(
                Code::MaxPodsExpressionIgnored,
                "pods.policy = \"lower\" ignores maxPodsExpression \"max_pods - 1\" in user data, because only nodeadm can evaluate it",
                "set kubelet.config.maxPods in user data to a number, or set pods.policy = \"override\"",
            )]
        );
    }
}
