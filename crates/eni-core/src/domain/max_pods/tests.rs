//! Compares with values that AWS publishes.

use super::*;

const PLAIN: Cni = Cni {
    addressing: Addressing::SecondaryAddresses,
    custom_networking: false,
    pod_eni: false,
    max_eni: None,
    reserved_enis: 0,
    ip_family: IpFamily::Ipv4,
    multi_nic: false,
    minimum_ip_target: 0,
    warm_ip_target: 0,
};
const CUSTOM: Cni = Cni { custom_networking: true, ..PLAIN };
const PREFIX: Cni = Cni { addressing: Addressing::Prefixes, ..PLAIN };
const BOTH: Cni = Cni { custom_networking: true, ..PREFIX };

fn of(name: &str) -> InstanceLimits {
    crate::domain::limits::embedded(&name.parse().unwrap()).unwrap()
}

fn counts(name: &str, cni: Cni) -> (u32, u32) {
    let capacity = capacity(&of(name), cni, CapacityOptions::default()).unwrap();
    (capacity.uncapped.unwrap(), capacity.max_pods)
}

fn rejection(name: &str, cni: Cni) -> NoCapacity {
    capacity(&of(name), cni, CapacityOptions::default()).unwrap_err()
}

#[test]
fn published_values_before_and_after_the_ceiling() {
    #[rustfmt::skip]
    let cases = [
        // The worked example of the EKS user guide, "Alternate subnets for Pods".
        ("c3.large",       CUSTOM, (20, 20)),
        ("m5.large",       PLAIN,  (29, 29)),
        ("m5.large",       CUSTOM, (20, 20)),
        ("m5.large",       PREFIX, (434, 110)),
        ("m5.large",       BOTH,   (290, 110)),
        ("t3.medium",      PLAIN,  (17, 17)),
        ("t3.medium",      CUSTOM, (12, 12)),
        ("p4d.24xlarge",   PLAIN,  (737, 250)),
        ("c6in.32xlarge",  PLAIN,  (394, 250)),
        ("m5.metal",       PREFIX, (11_762, 250)),
        ("hpc6id.32xlarge", PLAIN, (51, 51)),
    ];
    for (name, cni, expect) in cases {
        assert_eq!(counts(name, cni), expect, "{name} {cni:?}");
    }
}

/// Before the ceiling: plain, custom networking, prefixes, both.
///
/// Source: `eni-max-pods.txt` (aws/amazon-vpc-cni-k8s, awslabs/amazon-eks-ami) for the first column;
/// the others by the formulas of the EKS user guide, "Choosing an optimal Amazon EC2 node instance type".
#[test]
fn published_types_of_every_size() {
    #[rustfmt::skip]
    let cases = [
        ("t3.nano",         [4, 3, 34, 18]),
        ("t3.small",        [11, 8, 146, 98]),
        ("t3.large",        [35, 24, 530, 354]),
        ("m5.xlarge",       [58, 44, 898, 674]),
        ("m4.xlarge",       [58, 44, 58, 44]),
        ("m5.4xlarge",      [234, 205, 3_714, 3_250]),
        ("m5.24xlarge",     [737, 688, 11_762, 10_978]),
        ("m5.metal",        [737, 688, 11_762, 10_978]),
        ("dl1.24xlarge",    [737, 688, 11_762, 10_978]),
        ("p5.48xlarge",     [100, 51, 1_570, 786]),
        ("p5en.48xlarge",   [198, 149, 3_138, 2_354]),
        ("trn1.32xlarge",   [247, 198, 3_922, 3_138]),
        ("c6in.32xlarge",   [394, 345, 6_274, 5_490]),
        ("m8gn.48xlarge",   [590, 541, 9_410, 8_626]),
        ("g7e.48xlarge",    [632, 569, 10_082, 9_074]),
    ];
    for (name, expect) in cases {
        assert_eq!([PLAIN, CUSTOM, PREFIX, BOTH].map(|cni| counts(name, cni).0), expect, "{name}");
    }
}

#[test]
fn no_interface_for_pods_is_an_error_and_never_two_pods() {
    use NoCapacity::{MaxEniTooLow, NoInterfaceLeft, OnlyThePrimaryInterface};
    let both = Cni { pod_eni: true, ..CUSTOM };
    assert_eq!(rejection("hpc6id.32xlarge", CUSTOM), OnlyThePrimaryInterface);
    assert_eq!(
        rejection("m5.large", Cni { max_eni: Some(1), ..CUSTOM }),
        MaxEniTooLow { max_eni: 1, set_aside: 1, trunk: 0, reserved: 0 }
    );
    assert_eq!(
        rejection("m5.large", Cni { max_eni: Some(2), ..both }),
        MaxEniTooLow { max_eni: 2, set_aside: 1, trunk: 1, reserved: 0 }
    );
    assert_eq!(
        rejection("m6g.medium", both),
        NoInterfaceLeft { interfaces: 2, set_aside: 1, trunk: 1, reserved: 0 }
    );
    let error = rejection("m5.large", Cni { reserved_enis: 2, ..both });
    assert_eq!(error, NoInterfaceLeft { interfaces: 3, set_aside: 1, trunk: 1, reserved: 2 });
    assert_eq!(
        error.to_string(),
        "no network interface is left for pods: this instance type has 3 network interfaces, but custom networking excludes the primary one, security groups for pods use one for the trunk and 2 are reserved"
    );
}

#[test]
fn an_error_names_what_uses_the_interfaces_and_what_to_do() {
    let set_aside = rejection("m5.large", Cni { max_eni: Some(1), ..CUSTOM });
    assert_eq!(
        set_aside.to_string(),
        "MAX_ENI=1 leaves no network interface for pods: custom networking excludes the primary one"
    );
    let trunk = rejection("m5.large", Cni { max_eni: Some(1), pod_eni: true, ..PLAIN });
    assert_eq!(
        trunk.to_string(),
        "MAX_ENI=1 leaves no network interface for pods: security groups for pods use one for the trunk"
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

/// Codes of the diagnostics of `capacity`.
fn codes(capacity: &Capacity) -> Vec<&'static str> {
    capacity.diagnostics.iter().map(|it| it.code.name()).collect()
}

#[test]
fn a_diagnostic_states_the_effect_on_pods_and_what_to_do() {
    let note = |name: &str, cni: Cni, options: CapacityOptions| {
        let capacity = capacity(&of(name), cni, options).unwrap();
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
            "max-pods 30 exceeds the capacity of this node, which is 29 pods; further pods stay in ContainerCreating without an IP address",
            "set max-pods to 29 or less"
        )
    );
    assert_eq!(
        note("m5.large", Cni { minimum_ip_target: 10, ..PLAIN }, default()),
        owned(
            "minimum-ip-target-caps",
            "MINIMUM_IP_TARGET without WARM_IP_TARGET limits the CNI to 10 IP addresses on this node",
            "set WARM_IP_TARGET on the aws-node DaemonSet to allow more: `kubectl -n kube-system set env daemonset/aws-node WARM_IP_TARGET=1`"
        )
    );
    assert_eq!(
        note("t3.medium", Cni { pod_eni: true, ..PLAIN }, default()),
        owned(
            "no-trunk-interface",
            "this instance type supports no trunk interface, so pods with security groups of their own cannot start on this node",
            "schedule pods with a SecurityGroupPolicy on instance types that support trunk interfaces"
        )
    );
}

/// The setting `pods.max`.
fn max(value: u32) -> MaxPodsOverride {
    MaxPodsOverride::Setting { value }
}

#[test]
fn security_groups_for_pods_use_one_interface_on_types_with_a_trunk() {
    let trunk = Cni { pod_eni: true, ..PLAIN };
    let both = Cni { pod_eni: true, ..CUSTOM };
    // c5.4xlarge: 8 interfaces of 30 addresses.
    assert_eq!(counts("c5.4xlarge", PLAIN).0, 8 * 29 + 2);
    assert_eq!(counts("c5.4xlarge", trunk).0, 7 * 29 + 2);
    assert_eq!(counts("c5.4xlarge", CUSTOM).0, 7 * 29 + 2);
    assert_eq!(counts("c5.4xlarge", both), (176, 110));
    let t3 = capacity(&of("t3.medium"), trunk, CapacityOptions::default()).unwrap();
    assert_eq!((t3.trunk, t3.max_pods, codes(&t3)), (0, 17, vec!["no-trunk-interface"]));
}

#[test]
fn reserved_interfaces_and_other_cards_are_counted() {
    assert_eq!(counts("m5.large", Cni { reserved_enis: 1, ..PLAIN }).0, 20);
    let multi = Cni { multi_nic: true, ..PLAIN };
    assert_eq!(counts("m5.large", multi).0, 29, "one network card");
    assert_eq!(counts("p4d.24xlarge", multi).0, (15 + 45) * 49 + 2);
    assert_eq!(counts("p4d.24xlarge", Cni { max_eni: Some(4), ..multi }).0, 4 * 49 + 2);
}

#[test]
fn a_minimum_ip_target_without_a_warm_target_is_a_limit() {
    let minimum = |cni: Cni, minimum_ip_target, warm_ip_target| {
        let cni = Cni { minimum_ip_target, warm_ip_target, ..cni };
        let capacity = capacity(&of("m5.large"), cni, CapacityOptions::default()).unwrap();
        (capacity.address_target, capacity.uncapped, codes(&capacity))
    };
    let capped = vec!["minimum-ip-target-caps"];
    assert_eq!(minimum(PLAIN, 10, 0), (Some(10), Some(12), capped.clone()));
    assert_eq!(minimum(PLAIN, 10, 1), (None, Some(29), vec![]));
    assert_eq!(minimum(PLAIN, 27, 0), (None, Some(29), vec![]), "every address");
    assert_eq!(minimum(PLAIN, 99, 0), (None, Some(29), vec![]));
    assert_eq!(minimum(PREFIX, 17, 0), (Some(32), Some(34), capped), "whole prefixes");
}

#[test]
fn in_an_ipv6_cluster_only_the_ceiling_limits_pods() {
    let ipv6 = Cni { ip_family: IpFamily::Ipv6, ..PREFIX };
    let pods = |options| capacity(&of("t3.nano"), ipv6, options);
    let plain = pods(CapacityOptions::default()).unwrap();
    assert_eq!((plain.addresses, plain.uncapped, plain.max_pods), (None, None, 110));
    assert_eq!(
        plain.to_string(),
        "max-pods 110: IPv6, where one /80 prefix serves every pod; limited to 110 by pods.ceiling"
    );
    let unlimited = CapacityOptions { ceiling: Ceiling::Unlimited, ..CapacityOptions::default() };
    assert_eq!(pods(unlimited.clone()), Err(NoCapacity::Ipv6WithoutCeiling));
    assert_eq!(
        pods(CapacityOptions { max_pods_override: Some(max(40)), ..unlimited }).unwrap().max_pods,
        40
    );
    let custom = Cni { custom_networking: true, ..ipv6 };
    assert_eq!(rejection("m5.large", custom), NoCapacity::CustomNetworkingWithIpv6);
    let secondary = Cni { addressing: Addressing::SecondaryAddresses, ..ipv6 };
    assert_eq!(rejection("m5.large", secondary), NoCapacity::Ipv6WithoutPrefixes);
    assert_eq!(rejection("m4.large", ipv6), NoCapacity::Ipv6OnXen);
}

#[test]
fn max_eni_lowers_and_never_raises() {
    assert_eq!(counts("m5.large", Cni { max_eni: Some(2), ..PLAIN }).0, 20);
    assert_eq!(counts("m5.large", Cni { max_eni: Some(9), ..PLAIN }).0, 29);
    assert_eq!(counts("m5.large", Cni { max_eni: Some(0), ..PLAIN }).0, 29, "0 is no limit");
    assert_eq!(counts("m5.large", Cni { max_eni: Some(2), ..CUSTOM }).0, 11);
}

#[test]
fn prefixes_fall_back_to_addresses_on_xen() {
    let capacity = capacity(&of("m4.xlarge"), PREFIX, CapacityOptions::default()).unwrap();
    assert_eq!((capacity.max_pods, codes(&capacity)), (58, vec!["prefixes-need-nitro"]));
}

#[test]
fn options_change_max_pods() {
    let pods = |options| capacity(&of("m5.large"), PREFIX, options).unwrap();
    let default = CapacityOptions::default;
    assert_eq!(pods(CapacityOptions { ceiling: Ceiling::Unlimited, ..default() }).max_pods, 434);
    assert_eq!(pods(CapacityOptions { ceiling: Ceiling::At(58), ..default() }).max_pods, 58);
    assert_eq!(
        pods(CapacityOptions { extra: 3, ceiling: Ceiling::Unlimited, ..default() }).max_pods,
        437
    );
    let fixed = pods(CapacityOptions { max_pods_override: Some(max(500)), ..default() });
    assert_eq!((fixed.max_pods, codes(&fixed)), (500, vec!["max-pods-above-capacity"]));
    assert_eq!(
        pods(CapacityOptions { max_pods_override: Some(max(434)), ..default() }).diagnostics,
        []
    );
}

/// Computes max-pods in another way: marks the purpose of each interface and counts the slots one by
/// one. `None` if no slot is left.
fn counted(limits: &InstanceLimits, cni: Cni, most: Option<u32>) -> Option<u32> {
    #[derive(Clone, Copy, PartialEq)]
    enum Use {
        Pods,
        Other,
    }
    let InstanceLimits { interfaces, ipv4_per_interface, platform, .. } = *limits;
    let mut card = vec![Use::Pods; interfaces as usize];
    if let Some(limit) = cni.max_eni.filter(|limit| *limit > 0) {
        card.truncate(limit as usize);
    }
    if cni.custom_networking {
        card[0] = Use::Other;
    }
    // From the end, because the primary interface is never the trunk and never reserved.
    let others = cni.reserved_enis + u32::from(cni.pod_eni && limits.trunking);
    let mut free: Vec<usize> = (0..card.len()).filter(|at| card[*at] == Use::Pods).collect();
    for _ in 0..others {
        card[free.pop()?] = Use::Other;
    }
    let prefixes = cni.addressing == Addressing::Prefixes && platform != Platform::Xen;
    let mut addresses = 0;
    for _ in card.iter().filter(|it| **it == Use::Pods) {
        for _ in 1..ipv4_per_interface {
            addresses += if prefixes { 16 } else { 1 };
        }
    }
    (addresses > 0).then(|| (addresses + 2).min(most.unwrap_or(u32::MAX)))
}

#[test]
fn every_type_in_every_mode_equals_a_count_of_single_slots() {
    let mut compared = 0;
    for (name, row) in crate::domain::limits::table() {
        let limits = InstanceLimits::new(&name.parse().unwrap(), row);
        for bits in 0..16_u32 {
            for (max_eni, reserved_enis) in
                [(None, 0), (Some(0), 1), (Some(1), 0), (Some(2), 0), (Some(4), 2)]
            {
                let prefixes = bits & 1 != 0;
                let cni = Cni {
                    addressing: if prefixes {
                        Addressing::Prefixes
                    } else {
                        Addressing::SecondaryAddresses
                    },
                    custom_networking: bits & 2 != 0,
                    pod_eni: bits & 4 != 0,
                    max_eni,
                    reserved_enis,
                    ..PLAIN
                };
                let recommended = bits & 8 != 0;
                let ceiling = if recommended { Ceiling::Recommended } else { Ceiling::Unlimited };
                let most = recommended.then_some(if row.vcpus > 30 { 250 } else { 110 });
                let options = CapacityOptions { ceiling, ..CapacityOptions::default() };
                let computed = capacity(&limits, cni, options).ok().map(|found| found.max_pods);
                assert_eq!(computed, counted(&limits, cni, most), "{name} {cni:?} {most:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 1_446 * 16 * 5);
}

#[test]
fn invalid_limits_are_an_error_and_large_ones_do_not_overflow() {
    let odd = |interfaces, ipv4_per_interface| InstanceLimits {
        interfaces,
        interfaces_of_other_cards: 0,
        ipv4_per_interface,
        platform: Platform::Nitro,
        vcpus: 2,
        trunking: true,
    };
    for (interfaces, ipv4_per_interface) in [(0, 10), (3, 0), (3, 1)] {
        assert_eq!(
            capacity(&odd(interfaces, ipv4_per_interface), PLAIN, CapacityOptions::default()),
            Err(NoCapacity::InvalidLimits { interfaces, ipv4_per_interface })
        );
    }
    let most = capacity(&odd(u32::MAX, u32::MAX), PREFIX, CapacityOptions::default()).unwrap();
    assert_eq!((most.uncapped, most.max_pods), (Some(u32::MAX), 110));
}

#[test]
fn the_recommended_ceiling_is_higher_above_thirty_vcpus() {
    assert_eq!([30, 31].map(recommended_ceiling), [110, 250]);
}

#[test]
fn the_calculation_can_be_repeated_from_its_line() {
    let line = |name: &str, cni, options| capacity(&of(name), cni, options).unwrap().to_string();
    let default = CapacityOptions::default;
    assert_eq!(
        line("m5.large", CUSTOM, default()),
        "max-pods 20: (3 network interfaces − 1 for custom networking) × 9 IPv4 addresses + 2 host-network pods = 20"
    );
    assert_eq!(
        line("m5.large", Cni { max_eni: Some(2), ..PREFIX }, default()),
        "max-pods 110: 2 network interfaces allowed by MAX_ENI × 9 prefixes × 16 IPv4 addresses + 2 host-network pods = 290; limited to 110 by pods.ceiling"
    );
    assert_eq!(
        line("m5.large", PLAIN, CapacityOptions { ceiling: Ceiling::At(29), ..default() }),
        "max-pods 29: 3 network interfaces × 9 IPv4 addresses + 2 host-network pods = 29",
        "a ceiling without effect is omitted"
    );
    let every =
        Cni { reserved_enis: 1, pod_eni: true, multi_nic: true, minimum_ip_target: 40, ..CUSTOM };
    assert_eq!(
        line("p4d.24xlarge", every, default()),
        "max-pods 42: (15 network interfaces − 1 for custom networking − 1 for the trunk − 1 reserved + 45 on other network cards) × 49 IPv4 addresses, limited to 40 by MINIMUM_IP_TARGET, + 2 host-network pods = 42"
    );
    assert_eq!(
        line("m5.large", PLAIN, CapacityOptions { max_pods_override: Some(max(8)), ..default() }),
        "max-pods 8: 3 network interfaces × 9 IPv4 addresses + 2 host-network pods = 29; overridden by pods.max = 8"
    );
    let source = "user data".to_owned();
    let existing = Some(MaxPodsOverride::Existing { value: 17, source });
    assert_eq!(
        line("m5.large", PLAIN, CapacityOptions { max_pods_override: existing, ..default() }),
        "max-pods 17: 3 network interfaces × 9 IPv4 addresses + 2 host-network pods = 29; overridden by the existing value 17 from user data"
    );
}
