use super::super::tests::settings;
use super::super::{Plan, plan};
use super::node::karpenter_node;
use crate::diagnostic::{Code, Diagnostic};
use crate::facts::Facts;
use crate::facts::fixture::facts;
use crate::host::HostKind;
use crate::host::existing_config::{ConfigLocation, ExistingResources, ResourceMap};
use serde_json::{Value, json};

const CUSTOM_NETWORKING: &str = "";
const PREFIXES: &str = "cni = { custom-networking = false, prefix-delegation = true }\n";

/// Returns the notes about kube-reserved of a plan.
fn notes_of(plan: &Plan) -> Vec<Diagnostic> {
    let is_note = |it: &&Diagnostic| {
        [
            Code::ReserveKarpenter,
            Code::ReserveAboveKarpenter,
            Code::KubeReservedKept,
            Code::KubeReservedOverridden,
            Code::ReserveLaterDropIn,
        ]
        .contains(&it.code)
    };
    plan.diagnostics.iter().filter(is_note).cloned().collect()
}

/// Returns the kube-reserved of an m5.large that Karpenter launched, and the notes about it.
fn reserve(kubelet: &Value, text: &str) -> (String, Vec<Diagnostic>) {
    let plan = plan(&karpenter_node("m5.large", "", kubelet), &settings(text), None).unwrap();
    (plan.kubelet.kube_reserved.to_string(), notes_of(&plan))
}

fn memory(mebibytes: u32) -> String {
    format!("cpu=70m,ephemeral-storage=1Gi,memory={mebibytes}Mi")
}

#[test]
fn the_memory_reserve_is_at_most_karpenters_plan() {
    let plan = "Karpenter plans kube-reserved memory=574Mi (255Mi + 11Mi × 29 pods: all network interfaces, without prefixes)";
    let info = |text: String| vec![Diagnostic::info(Code::ReserveKarpenter, text)];
    assert_eq!(
        reserve(&json!({ "maxPods": 110 }), PREFIXES),
        (
            memory(574),
            info(format!(
                "{plan}; max-pods 110 needs 1465Mi; the node reserves 574Mi (reserve.basis = \"auto\")"
            ))
        )
    );
    assert_eq!(
        reserve(&json!({ "maxPods": 20 }), CUSTOM_NETWORKING),
        (
            memory(475),
            info(format!(
                "{plan}; max-pods 20 needs 475Mi; the node reserves 475Mi (reserve.basis = \"auto\")"
            ))
        )
    );
    assert_eq!(
        reserve(&json!({ "maxPods": 20 }), "reserve.basis = \"karpenter\""),
        (
            memory(574),
            info(format!(
                "{plan}; max-pods 20 needs 475Mi; the node reserves 574Mi (reserve.basis = \"karpenter\")"
            ))
        )
    );
}

#[test]
fn a_reserve_above_karpenters_plan_is_a_warning() {
    let warning = |resource: &str, text: &str, help: &str| {
        Diagnostic::warning(
            Code::ReserveAboveKarpenter,
            format!(
                "Karpenter plans kube-reserved {resource}={text}, so pods that Karpenter schedules may not fit"
            ),
            help,
        )
    };
    let plan = "574Mi (255Mi + 11Mi × 29 pods: all network interfaces, without prefixes); max-pods 110 needs 1465Mi; the node reserves";
    let kubelet = json!({ "maxPods": 110 });
    assert_eq!(
        reserve(&kubelet, &format!("{PREFIXES}reserve.basis = \"max-pods\"")),
        (
            memory(1465),
            vec![warning(
                "memory",
                &format!("{plan} 1465Mi (reserve.basis = \"max-pods\")"),
                "set kubeReserved.memory: 1465Mi in the EC2NodeClass, or set reserve.basis = \"auto\""
            )]
        )
    );
    let text = format!("{PREFIXES}reserve = {{ cpu = \"0.1\", memory = \"600Mi\" }}");
    assert_eq!(
        reserve(&kubelet, &text),
        (
            "cpu=0.1,ephemeral-storage=1Gi,memory=600Mi".to_owned(),
            vec![
                warning(
                    "cpu",
                    "70m; the node reserves 0.1 (reserve.cpu)",
                    "set kubeReserved.cpu: 0.1 in the EC2NodeClass, or remove reserve.cpu from the settings"
                ),
                warning(
                    "memory",
                    &format!("{plan} 600Mi (reserve.memory)"),
                    "set kubeReserved.memory: 600Mi in the EC2NodeClass, or remove reserve.memory from the settings"
                ),
            ]
        )
    );
}

#[test]
fn the_node_keeps_the_reserves_of_the_ec2nodeclass() {
    let kubelet = json!({ "maxPods": 110, "kubeReserved": { "cpu": "100m", "memory": "1472Mi" } });
    let kept = |quantity: &str| {
        Diagnostic::info(
            Code::KubeReservedKept,
            format!(
                "user data sets kube-reserved {quantity}; this value is kept, because Karpenter plans with it (reserve.basis = \"auto\")"
            ),
        )
    };
    let plan = "Karpenter plans kube-reserved memory=1472Mi (kubeReserved in the EC2NodeClass); max-pods 110 needs 1465Mi; the node reserves";
    assert_eq!(
        reserve(&kubelet, PREFIXES),
        (
            "cpu=100m,ephemeral-storage=1Gi,memory=1472Mi".to_owned(),
            vec![
                kept("cpu=100m"),
                kept("memory=1472Mi"),
                Diagnostic::info(
                    Code::ReserveKarpenter,
                    format!("{plan} 1472Mi (reserve.basis = \"auto\")")
                ),
            ]
        )
    );
    let (reserved, notes) = reserve(&kubelet, &format!("{PREFIXES}reserve.memory = \"1Gi\""));
    assert_eq!(reserved, "cpu=100m,ephemeral-storage=1Gi,memory=1Gi");
    assert_eq!(
        notes[1..],
        [
            Diagnostic::info(
                Code::KubeReservedOverridden,
                "user data sets kube-reserved memory=1472Mi; reserve.memory = 1Gi takes precedence"
            ),
            Diagnostic::info(Code::ReserveKarpenter, format!("{plan} 1Gi (reserve.memory)")),
        ]
    );
    let (reserved, notes) = reserve(&kubelet, &format!("{PREFIXES}reserve.basis = \"max-pods\""));
    assert_eq!(reserved, memory(1465));
    assert_eq!(
        notes[0],
        Diagnostic::warning(
            Code::KubeReservedOverridden,
            "user data sets kube-reserved cpu=100m; the computed value 70m takes precedence (pods.policy = \"override\")",
            "set reserve.cpu = \"100m\" to keep this value, or set reserve.basis = \"auto\" to use Karpenter's plan"
        )
    );
}

/// Karpenter does not read a `NodeConfig` in `spec.userData` of the `EC2NodeClass`.
#[test]
fn a_reserve_in_the_operators_own_user_data_is_not_part_of_the_plan() {
    let own = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    config: {kubeReserved: {memory: 2Gi}}\n";
    let facts = karpenter_node("m5.large", own, &json!({ "maxPods": 20 }));
    let notes = |text: &str| {
        let plan = plan(&facts, &settings(text), None).unwrap();
        (plan.kubelet.kube_reserved.memory.to_string(), notes_of(&plan))
    };
    let calculation = "Karpenter plans kube-reserved memory=574Mi (255Mi + 11Mi × 29 pods: all network interfaces, without prefixes); max-pods 20 needs 475Mi; the node reserves";
    assert_eq!(
        notes(""),
        (
            "475Mi".to_owned(),
            vec![
                Diagnostic::warning(
                    Code::KubeReservedOverridden,
                    "user data sets kube-reserved memory=2Gi; the computed value 475Mi takes precedence (pods.policy = \"override\")",
                    "set reserve.memory = \"2Gi\" to keep this value, or set pods.policy = \"respect\" to keep every existing value"
                ),
                Diagnostic::info(
                    Code::ReserveKarpenter,
                    format!("{calculation} 475Mi (reserve.basis = \"auto\")")
                ),
            ]
        )
    );
    assert_eq!(
        notes("pods.policy = \"respect\""),
        (
            "2Gi".to_owned(),
            vec![
                Diagnostic::info(
                    Code::KubeReservedKept,
                    "user data sets kube-reserved memory=2Gi; this value is kept (pods.policy = \"respect\")"
                ),
                Diagnostic::warning(
                    Code::ReserveAboveKarpenter,
                    format!(
                        "{calculation} 2Gi (pods.policy = \"respect\"), so pods that Karpenter schedules may not fit"
                    ),
                    "set kubeReserved.memory: 2Gi in the EC2NodeClass, or remove kube-reserved memory from user data"
                ),
            ]
        )
    );
}

#[test]
fn a_later_drop_in_above_karpenters_plan_is_a_warning() {
    let mut facts = karpenter_node("m5.large", "", &json!({ "maxPods": 20 }));
    facts.existing.resources.push(ExistingResources {
        map: ResourceMap::KubeReserved,
        quantities: [("memory".to_owned(), "1Gi".to_owned())].into(),
        location: ConfigLocation::DropIn("95-site.yaml".to_owned()),
    });
    let plan = plan(&facts, &settings(""), None).unwrap();
    assert_eq!(plan.in_force.kube_reserved.to_string(), "cpu=70m,ephemeral-storage=1Gi,memory=1Gi");
    assert_eq!(
        notes_of(&plan)[1..],
        [Diagnostic::warning(
            Code::ReserveAboveKarpenter,
            "Karpenter plans kube-reserved memory=574Mi (255Mi + 11Mi × 29 pods: all network interfaces, without prefixes); max-pods 20 needs 475Mi; the node reserves 1Gi (/etc/eks/nodeadm.d/95-site.yaml), so pods that Karpenter schedules may not fit",
            "set kubeReserved.memory: 1Gi in the EC2NodeClass, or remove kube-reserved memory from /etc/eks/nodeadm.d/95-site.yaml"
        )]
    );
}

#[test]
fn the_basis_without_karpenter() {
    let reserved = |facts: &Facts, text: &str| {
        let plan = plan(facts, &settings(&format!("{PREFIXES}{text}")), None).unwrap();
        (plan.kubelet.kube_reserved.to_string(), plan.diagnostics)
    };
    let node = facts("m5.large");
    assert_eq!(reserved(&node, ""), (memory(1465), Vec::new()));
    assert_eq!(reserved(&node, "reserve.basis = \"max-pods\""), (memory(1465), Vec::new()));
    assert_eq!(reserved(&node, "reserve.basis = \"karpenter\""), (memory(574), Vec::new()));
}

/// On Bottlerocket, Karpenter computes the reserve from max-pods. It writes only `kubeReserved` of the
/// `EC2NodeClass` into the settings.
#[test]
fn bottlerocket_reserves_by_max_pods() {
    let reserved = |kube_reserved: &[(&str, &str)], text: &str| {
        let mut facts = facts("m5.large");
        facts.host.kind = HostKind::Bottlerocket;
        let owned =
            kube_reserved.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        facts.existing.kube_reserved = owned.collect();
        facts.existing.karpenter_reserved = Some(facts.existing.kube_reserved.clone());
        let plan = plan(&facts, &settings(&format!("{PREFIXES}{text}")), None).unwrap();
        (plan.kubelet.kube_reserved.to_string(), notes_of(&plan))
    };
    for basis in ["auto", "max-pods", "karpenter"] {
        let text = format!("reserve.basis = \"{basis}\"");
        assert_eq!(reserved(&[], &text), (memory(1465), Vec::new()), "{basis}");
    }
    assert_eq!(
        reserved(&[("memory", "1472Mi")], ""),
        (
            memory(1472),
            vec![Diagnostic::info(
                Code::KubeReservedKept,
                "settings.kubernetes sets kube-reserved memory=1472Mi; this value is kept, because Karpenter plans with it (reserve.basis = \"auto\")"
            )]
        )
    );
}
