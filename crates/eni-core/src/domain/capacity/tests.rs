//! Compares with values that AWS publishes.

use super::*;
use crate::domain::cni::Addressing;
use crate::domain::cni_version::CniVersion;
use crate::domain::instance_limits::Platform;
use crate::failure::Advice as _;

mod attached;
mod network;
mod slot_count;
mod texts;

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
    imds_only: false,
    disable_provisioning: false,
    version: Some(CniVersion::REFERENCE),
};
const CUSTOM: Cni = Cni { custom_networking: true, ..PLAIN };
const PREFIX: Cni = Cni { addressing: Addressing::Prefixes, ..PLAIN };
const BOTH: Cni = Cni { custom_networking: true, ..PREFIX };

fn of(name: &str) -> InstanceLimits {
    crate::domain::instance_limits::embedded(&name.parse().unwrap()).unwrap()
}

fn counts(name: &str, cni: Cni) -> (u32, u32) {
    let capacity = Capacity::compute(&of(name), cni, CapacityOptions::default()).unwrap();
    (capacity.uncapped.unwrap(), capacity.max_pods)
}

fn rejection(name: &str, cni: Cni) -> NoCapacity {
    Capacity::compute(&of(name), cni, CapacityOptions::default()).unwrap_err()
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
/// Source: `eni-max-pods.txt` (aws/amazon-vpc-cni-k8s, awslabs/amazon-eks-ami) for the first
/// column; the others by the formulas of the EKS user guide, "Choosing an optimal Amazon EC2 node
/// instance type".
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

/// Returns what uses the network interfaces that do not serve pods.
fn excluded(set_aside: u32, trunk: u32, reserved: u32) -> Excluded {
    Excluded { set_aside, subnet: 0, attached: 0, trunk, reserved }
}

#[test]
fn no_interface_for_pods_is_an_error_and_never_two_pods() {
    use NoCapacity::{MaxEniTooLow, NoInterfaceLeft, OnlyThePrimaryInterface};
    let both = Cni { pod_eni: true, ..CUSTOM };
    assert_eq!(rejection("hpc6id.32xlarge", CUSTOM), OnlyThePrimaryInterface);
    assert_eq!(
        rejection("m5.large", Cni { max_eni: Some(1), ..CUSTOM }),
        MaxEniTooLow { max_eni: 1, excluded: excluded(1, 0, 0) }
    );
    assert_eq!(
        rejection("m5.large", Cni { max_eni: Some(2), ..both }),
        MaxEniTooLow { max_eni: 2, excluded: excluded(1, 1, 0) }
    );
    assert_eq!(
        rejection("m6g.medium", both),
        NoInterfaceLeft { interfaces: 2, excluded: excluded(1, 1, 0) }
    );
    let error = rejection("m5.large", Cni { reserved_enis: 2, ..both });
    assert_eq!(error, NoInterfaceLeft { interfaces: 3, excluded: excluded(1, 1, 2) });
    assert_eq!(
        error.to_string(),
        "no network interface is left for pods: this instance type has 3 network interfaces, but custom networking excludes the primary one, security groups for pods use one for the trunk interface and 2 are reserved"
    );
}

/// Codes of the diagnostics of `capacity`.
fn codes(capacity: &Capacity) -> Vec<&'static str> {
    capacity.diagnostics.iter().map(|it| it.code.name()).collect()
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
    let t3 = Capacity::compute(&of("t3.medium"), trunk, CapacityOptions::default()).unwrap();
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
        let capacity = Capacity::compute(&of("m5.large"), cni, CapacityOptions::default()).unwrap();
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
    let pods = |options| Capacity::compute(&of("t3.nano"), ipv6, options);
    let plain = pods(CapacityOptions::default()).unwrap();
    assert_eq!((plain.addresses, plain.uncapped, plain.max_pods), (None, None, 110));
    assert_eq!(
        plain.to_string(),
        "110: one IPv6 /80 prefix serves every pod; limited to 110 by pods.ceiling"
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
    let capacity = Capacity::compute(&of("m4.xlarge"), PREFIX, CapacityOptions::default()).unwrap();
    assert_eq!((capacity.max_pods, codes(&capacity)), (58, vec!["prefixes-need-nitro"]));
}

#[test]
fn options_change_max_pods() {
    let pods = |options| Capacity::compute(&of("m5.large"), PREFIX, options).unwrap();
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
            Capacity::compute(
                &odd(interfaces, ipv4_per_interface),
                PLAIN,
                CapacityOptions::default()
            ),
            Err(NoCapacity::InvalidLimits { interfaces, ipv4_per_interface })
        );
    }
    let most =
        Capacity::compute(&odd(u32::MAX, u32::MAX), PREFIX, CapacityOptions::default()).unwrap();
    assert_eq!((most.uncapped, most.max_pods), (Some(u32::MAX), 110));
}

#[test]
fn the_recommended_ceiling_is_higher_above_thirty_vcpus() {
    assert_eq!([30, 31].map(recommended_ceiling), [110, 250]);
}
