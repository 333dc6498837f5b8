use super::super::node::NODE_POOL;
use super::*;
use eni_core::domain::cni::{Addressing, IpFamily};

const CUSTOM: Cni = Cni {
    addressing: Addressing::SecondaryAddresses,
    custom_networking: true,
    pod_eni: false,
    max_eni: None,
    reserved_enis: 0,
    ip_family: IpFamily::Ipv4,
    multi_nic: false,
    minimum_ip_target: 0,
    warm_ip_target: 0,
    imds_only: false,
    disable_provisioning: false,
    version: None,
};
const PREFIXES: Cni = Cni { addressing: Addressing::Prefixes, ..CUSTOM };

/// A node with max-pods and a reserve in MiB.
fn node(instance_type: &str, max_pods: u32, reserved: u64) -> Node {
    Node {
        name: "n".to_owned(),
        labels: [(INSTANCE_TYPE.to_owned(), instance_type.to_owned())].into(),
        max_pods: Some(max_pods),
        reserved: Some(reserved << 20),
        ..Node::default()
    }
}

fn of_karpenter(node: Node, is_bottlerocket: bool) -> Node {
    let mut labels = node.labels.clone();
    labels.insert(NODE_POOL.to_owned(), "default".to_owned());
    Node { labels, is_bottlerocket, ..node }
}

/// Returns the computed max-pods and reserve in MiB.
fn computed(node: &Node, cni: Cni) -> Option<(u32, u64)> {
    let computed = check(node, (cni, 0), &LimitsTable::default()).0?;
    Some((computed.max_pods, computed.reserved >> 20))
}

fn findings(node: &Node, cni: Cni) -> Vec<(Verdict, String)> {
    let findings = check(node, (cni, 0), &LimitsTable::default()).1;
    findings.into_iter().map(|it| (it.verdict, it.text)).collect()
}

fn one(verdict: Verdict, text: &str) -> Vec<(Verdict, String)> {
    vec![(verdict, text.to_owned())]
}

#[test]
fn a_node_with_the_computed_values_is_right() {
    for (instance_type, cni, max_pods, reserved) in [
        ("m5.large", CUSTOM, 20, 475),
        ("m5.large", PREFIXES, 110, 1_465),
        ("m5.24xlarge", CUSTOM, 250, 3_005),
        ("t3.micro", CUSTOM, 3, 288),
    ] {
        let node = node(instance_type, max_pods, reserved);
        assert_eq!(computed(&node, cni), Some((max_pods, reserved)), "{instance_type}");
        assert_eq!(findings(&node, cni), [], "{instance_type}");
    }
}

#[test]
fn more_pods_than_addresses_are_wrong_and_more_than_recommended_are_not() {
    assert_eq!(
        findings(&node("m5.large", 29, 574), CUSTOM),
        one(
            Verdict::MaxPodsTooHigh,
            "the kubelet accepts 29 pods, but the CNI has addresses for 18, and 2 use the host network"
        )
    );
    assert_eq!(
        findings(&node("m5.large", 200, 255 + 11 * 200), PREFIXES),
        one(
            Verdict::AboveRecommended,
            "the kubelet accepts 200 pods, and EKS recommends at most 110"
        )
    );
}

#[test]
fn settings_of_the_nodes_change_the_capacity() {
    let with_extra = |max_pods: u32| {
        let node = node("m5.large", max_pods, 508);
        check(&node, (CUSTOM, 3), &LimitsTable::default()).1
    };
    assert_eq!(with_extra(23), []);
    assert_eq!(with_extra(24)[0].verdict, Verdict::MaxPodsTooHigh);
    let reserved = Cni { reserved_enis: 1, ..CUSTOM };
    assert_eq!(findings(&node("m5.large", 11, 376), reserved), []);
}

#[test]
fn fewer_pods_need_a_smaller_reserve() {
    let text = "the kubelet accepts 8 pods, and the node has capacity for 20";
    assert_eq!(findings(&node("m5.large", 8, 343), CUSTOM), one(Verdict::MaxPodsTooLow, text));
}

#[test]
fn a_reserve_below_that_of_the_pods_that_can_run_is_wrong() {
    assert_eq!(
        findings(&node("m5.large", 110, 574), PREFIXES),
        one(
            Verdict::ReserveTooSmall,
            "the node reserves 574Mi of memory, but 110 pods need 1465Mi (255Mi + 11Mi × pods)"
        )
    );
    let too_high = findings(&node("m5.large", 110, 475), CUSTOM);
    let verdicts: Vec<Verdict> = too_high.iter().map(|it| it.0).collect();
    assert_eq!(verdicts, [Verdict::MaxPodsTooHigh], "20 pods can run");
    assert_eq!(findings(&node("m5.large", 20, 474), CUSTOM), [], "rounded");
    assert_eq!(findings(&node("m5.large", 20, 900), CUSTOM), [], "system-reserved");
}

#[test]
fn the_plan_of_karpenter_is_right() {
    let karpenter = |max_pods, reserved, is_bottlerocket| {
        of_karpenter(node("m5.large", max_pods, reserved), is_bottlerocket)
    };
    for (cni, max_pods, reserved, is_bottlerocket) in [
        (CUSTOM, 20, 475, false),
        (CUSTOM, 20, 574, false),
        (PREFIXES, 110, 574, false),
        (PREFIXES, 110, 1_465, true),
    ] {
        let node = karpenter(max_pods, reserved, is_bottlerocket);
        assert_eq!(findings(&node, cni), [], "{max_pods} pods, {reserved}Mi");
    }
    assert_eq!(computed(&karpenter(110, 574, false), PREFIXES), Some((110, 574)));
    for (reserved, is_bottlerocket, planned) in
        [(1_465, false, 574), (300, false, 574), (574, true, 1_465)]
    {
        assert_eq!(
            findings(&karpenter(110, reserved, is_bottlerocket), PREFIXES),
            one(
                Verdict::ReserveDiffers,
                &format!(
                    "the node reserves {reserved}Mi of memory, and Karpenter plans with {planned}Mi by default"
                )
            )
        );
    }
    let too_high = check(&karpenter(29, 574, false), (CUSTOM, 0), &LimitsTable::default()).1;
    assert_eq!(
        too_high[0].fix.as_deref(),
        Some(
            "set RESERVED_ENIS=1 on the Karpenter controller; or set kubelet.maxPods: 20 in the EC2NodeClass, if it has only this instance type"
        )
    );
    assert_eq!(too_high[0].command, None);
}

#[test]
fn what_cannot_be_computed_is_named() {
    assert_eq!(
        findings(&node("zz9.large", 29, 574), CUSTOM),
        one(Verdict::UnknownType, "instance type \"zz9.large\" is not in the embedded table")
    );
    assert_eq!(
        findings(&Node::default(), CUSTOM),
        one(Verdict::UnknownType, "the node has no label node.kubernetes.io/instance-type")
    );
    let starting = Node { max_pods: None, ..node("m5.large", 0, 0) };
    assert_eq!(computed(&starting, CUSTOM), Some((20, 475)));
    assert_eq!(
        findings(&starting, CUSTOM),
        one(Verdict::UnknownCapacity, "the kubelet has not reported the capacity of the node")
    );
    let attached = Cni { disable_provisioning: true, ..CUSTOM };
    assert_eq!(
        findings(&node("m5.large", 20, 475), attached),
        one(
            Verdict::UnknownCapacity,
            "the CNI uses only the attached network interfaces, which the Node does not show"
        )
    );
    let no_capacity = Cni { pod_eni: true, ..CUSTOM };
    assert_eq!(
        findings(&node("m7g.medium", 8, 343), no_capacity),
        one(
            Verdict::NoCapacity,
            "no network interface is left for pods: this instance type has 2 network interfaces, but custom networking excludes the primary one and security groups for pods use one for the trunk interface"
        )
    );
}

#[test]
fn ipv6_has_only_the_recommended_limit() {
    let ipv6 = Cni { custom_networking: false, ip_family: IpFamily::Ipv6, ..PREFIXES };
    assert_eq!(findings(&node("m5.large", 110, 1_465), ipv6), []);
    assert_eq!(
        findings(&node("m5.large", 250, 3_005), ipv6),
        one(
            Verdict::AboveRecommended,
            "the kubelet accepts 250 pods, and EKS recommends at most 110"
        )
    );
}
