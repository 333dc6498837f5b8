//! Error messages, diagnostics and the line of the calculation.

use super::*;

#[test]
fn an_error_names_what_uses_the_interfaces_and_what_to_do() {
    let set_aside = rejection("m5.large", Cni { max_eni: Some(1), ..CUSTOM });
    assert_eq!(
        set_aside.to_string(),
        "MAX_ENI=1 leaves no network interface for pods: custom networking excludes the primary one"
    );
    let trunk = rejection("m5.large", Cni { max_eni: Some(2), pod_eni: true, ..CUSTOM });
    assert_eq!(
        trunk.to_string(),
        "MAX_ENI=2 leaves no network interface for pods: custom networking excludes the primary one and security groups for pods use one for the trunk interface"
    );
    let reserved = rejection("m5.large", Cni { max_eni: Some(1), reserved_enis: 1, ..PLAIN });
    assert_eq!(
        reserved.to_string(),
        "MAX_ENI=1 leaves no network interface for pods: 1 is reserved"
    );
    assert_eq!(
        reserved.help(),
        "increase MAX_ENI on the aws-node DaemonSet (or `cni.max-eni` in the settings), or set it to 0 for no limit"
    );
}

#[test]
fn a_diagnostic_states_the_effect_on_pods_and_what_to_do() {
    let note = |name: &str, cni: Cni, options: CapacityOptions| {
        let capacity = Capacity::compute(&of(name), cni, options).unwrap();
        let [diagnostic] = &capacity.diagnostics[..] else { panic!("{capacity:?}") };
        (diagnostic.code.name(), diagnostic.text.clone(), diagnostic.help.clone().unwrap())
    };
    let default = CapacityOptions::default;
    let owned = |code, text: &str, help: &str| (code, text.to_owned(), help.to_owned());
    assert_eq!(
        note("m4.xlarge", PREFIX, default()),
        owned(
            "prefixes-need-nitro",
            "prefix delegation requires a Nitro or bare metal instance type; on this Xen instance type the CNI falls back to secondary IPv4 addresses",
            "choose a Nitro instance type if the node needs more pods"
        )
    );
    assert_eq!(
        note("m5.large", PLAIN, CapacityOptions { max_pods_override: Some(max(30)), ..default() }),
        owned(
            "max-pods-above-capacity",
            "max-pods 30 exceeds the capacity of this node, which is 29 pods; additional pods stay in ContainerCreating without an IP address",
            "set max-pods to 29 or less"
        )
    );
    assert_eq!(
        note("m5.large", Cni { minimum_ip_target: 10, ..PLAIN }, default()),
        owned(
            "minimum-ip-target-caps",
            "MINIMUM_IP_TARGET without WARM_IP_TARGET limits the CNI to 10 IP addresses on this node",
            "set WARM_IP_TARGET on the aws-node DaemonSet to allow more: `kubectl -n kube-system set env daemonset aws-node WARM_IP_TARGET=1`"
        )
    );
    assert_eq!(
        note("t3.medium", Cni { pod_eni: true, ..PLAIN }, default()),
        owned(
            "no-trunk-interface",
            "this instance type supports no trunk interface, so pods with a SecurityGroupPolicy cannot start on this node",
            "schedule these pods on instance types that support trunk interfaces"
        )
    );
}

#[test]
fn the_calculation_can_be_repeated_from_its_line() {
    let line =
        |name: &str, cni, options| Capacity::compute(&of(name), cni, options).unwrap().to_string();
    let default = CapacityOptions::default;
    assert_eq!(
        line("m5.large", CUSTOM, default()),
        "20: (3 network interfaces − 1 for custom networking) × 9 secondary IPv4 addresses + 2 host-network pods = 20"
    );
    assert_eq!(
        line("m5.large", Cni { max_eni: Some(2), ..PREFIX }, default()),
        "110: 2 network interfaces (MAX_ENI) × 9 prefixes × 16 IPv4 addresses + 2 host-network pods = 290; limited to 110 by pods.ceiling"
    );
    assert_eq!(
        line("m5.large", PLAIN, CapacityOptions { ceiling: Ceiling::At(29), ..default() }),
        "29: 3 network interfaces × 9 secondary IPv4 addresses + 2 host-network pods = 29",
        "a ceiling without effect is omitted"
    );
    let every =
        Cni { reserved_enis: 1, pod_eni: true, multi_nic: true, minimum_ip_target: 40, ..CUSTOM };
    assert_eq!(
        line("p4d.24xlarge", every, default()),
        "42: (15 network interfaces − 1 for custom networking − 1 for the trunk interface − 1 reserved + 45 on other network cards) × 49 secondary IPv4 addresses, limited to 40 by MINIMUM_IP_TARGET, + 2 host-network pods = 42"
    );
    assert_eq!(
        line("m5.large", PLAIN, CapacityOptions { max_pods_override: Some(max(8)), ..default() }),
        "8: 3 network interfaces × 9 secondary IPv4 addresses + 2 host-network pods = 29; overridden by pods.max = 8"
    );
    let source = "user data".to_owned();
    let existing = Some(MaxPodsOverride::Existing { value: 17, source });
    assert_eq!(
        line("m5.large", PLAIN, CapacityOptions { max_pods_override: existing, ..default() }),
        "17: 3 network interfaces × 9 secondary IPv4 addresses + 2 host-network pods = 29; overridden by the existing value 17 from user data"
    );
}
