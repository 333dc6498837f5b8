use super::*;
use crate::report::result::{Report, parse};
use eni_core::diagnostic::Severity;
use eni_core::domain::capacity::Capacity;
use eni_core::run_result::CheckResult;

/// Returns the plan of an m5.large with custom networking.
fn plan() -> Plan {
    let text = include_bytes!("../../../tests/report/results/ready.json").to_vec();
    Report::new("ready", parse("ready", text).unwrap()).unwrap().plan.unwrap()
}

fn terms(plan: &Plan) -> Vec<[String; 3]> {
    let terms = sourced_terms(plan).into_iter();
    terms.map(|it| [it.name.to_owned(), it.value, it.source]).collect()
}

fn rows(expected: &[[&str; 3]]) -> Vec<[String; 3]> {
    expected.iter().map(|row| row.map(str::to_owned)).collect()
}

#[test]
fn the_attached_addresses_replace_the_interfaces() {
    let plan = plan();
    let addresses = Some(14);
    let capacity = Capacity {
        attached_addresses: addresses,
        addresses,
        uncapped: Some(16),
        max_pods: 16,
        ..plan.capacity.clone()
    };
    let plan = Plan { capacity, max_pods_in_force: 15, ..plan };
    assert_eq!(
        terms(&plan),
        rows(&[
            ["addresses of the attached network interfaces", "14", "instance metadata"],
            ["+ host-network pods", "2", "aws-node and kube-proxy, and pods.extra"],
            ["pods before the ceiling", "16", "calculated"],
            ["ceiling", "110", "pods.ceiling; default: 110, or 250 above 30 vCPUs"],
            ["max-pods", "16", "calculated"],
            ["max-pods in force", "15", "kubelet configuration of the node; see the diagnostics"],
        ])
    );
}

#[test]
fn with_an_override_unknown_attached_addresses_are_no_interfaces() {
    let plan = plan();
    let capacity = Capacity {
        attached_addresses: None,
        addresses: None,
        interfaces_for_pods: 0,
        uncapped: None,
        ceiling: None,
        max_pods_override: Some(MaxPodsOverride::Setting { value: 30 }),
        max_pods: 30,
        ..plan.capacity.clone()
    };
    let plan = Plan { capacity, max_pods_in_force: 30, ..plan };
    assert_eq!(
        terms(&plan),
        rows(&[["override", "30", "pods.max in the settings"], ["max-pods", "30", "override"],])
    );
}

#[test]
fn each_term_names_its_source() {
    let plan = plan();
    let capacity = Capacity {
        interfaces: 8,
        max_eni: Some(7),
        primary_set_aside: 1,
        primary_excluded: 1,
        attached_excluded: 2,
        trunk: 1,
        reserved: 3,
        not_created: 4,
        other_cards: 5,
        interfaces_for_pods: 6,
        slots_per_interface: 9,
        addresses_per_slot: 16,
        address_target: Some(300),
        max_pods_override: Some(MaxPodsOverride::Existing { value: 20, source: "a file".into() }),
        max_pods: 20,
        ..plan.capacity.clone()
    };
    let plan = Plan { capacity, max_pods_in_force: 20, ..plan };
    let table = "embedded table of instance types";
    let tag = "tag kubernetes.io/role/cni of the subnet";
    assert_eq!(
        terms(&plan),
        rows(&[
            ["network interfaces of the default network card", "8", table],
            ["at most (MAX_ENI)", "7", "MAX_ENI, aws-node DaemonSet"],
            [
                "− primary, excluded by custom networking",
                "1",
                "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG, aws-node DaemonSet"
            ],
            ["− primary, in an excluded subnet", "1", tag],
            ["− attached in excluded subnets", "2", tag],
            ["− trunk for security groups for pods", "1", "ENABLE_POD_ENI, aws-node DaemonSet"],
            ["− reserved, not managed by the CNI", "3", "cni.reserved-enis in the settings"],
            ["− not created in an excluded subnet", "4", tag],
            [
                "+ on other network cards",
                "5",
                "embedded table of instance types; ENABLE_MULTI_NIC, aws-node DaemonSet"
            ],
            ["network interfaces for pods", "6", "calculated"],
            [
                "× prefixes each",
                "9",
                "embedded table of instance types, without the primary address"
            ],
            ["× addresses in a prefix", "16", "ENABLE_PREFIX_DELEGATION, aws-node DaemonSet"],
            ["addresses, at most", "300", "MINIMUM_IP_TARGET, aws-node DaemonSet"],
            ["+ host-network pods", "2", "aws-node and kube-proxy, and pods.extra"],
            ["pods before the ceiling", "20", "calculated"],
            ["ceiling", "110", "pods.ceiling; default: 110, or 250 above 30 vCPUs"],
            ["override", "20", "a file"],
            ["max-pods", "20", "override"],
        ])
    );
}

fn note(text: &str) -> CheckResult {
    CheckResult {
        code: "setting-overrides-daemonset".to_owned(),
        severity: Severity::Warning,
        subject: "settings".to_owned(),
        text: text.to_owned(),
        help: None,
    }
}

#[test]
fn the_source_of_a_value_of_the_cni_is_the_setting_that_a_diagnostic_names() {
    let of = |source: &str, cni_is_recorded, text: Option<&str>| {
        let mut plan = plan();
        source.clone_into(&mut plan.cni.source);
        plan.cni_is_recorded = cni_is_recorded;
        plan.diagnostics = text.into_iter().map(note).collect();
        cni_source(&plan, "ENABLE_POD_ENI", "cni.pod-eni")
    };
    assert_eq!(of("cluster", false, None), "ENABLE_POD_ENI, aws-node DaemonSet");
    assert_eq!(of("cluster", true, None), "ENABLE_POD_ENI, record of the last successful run");
    assert_eq!(of("settings", false, None), "cni.pod-eni in the settings");
    let text = "cni.pod-eni = true overrides the aws-node DaemonSet";
    assert_eq!(of("cluster", false, Some(text)), "cni.pod-eni in the settings");
    let other = "cni.pod-eni-x = true overrides the aws-node DaemonSet";
    assert_eq!(of("cluster", false, Some(other)), "ENABLE_POD_ENI, aws-node DaemonSet");
}
