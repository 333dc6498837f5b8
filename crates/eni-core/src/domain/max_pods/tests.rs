//! AWS's published figures, not ours.

use super::*;
use crate::error::Advice as _;

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

fn figures(name: &str, cni: Cni) -> (u32, u32) {
    let capacity = capacity(&of(name), cni, Wishes::default()).unwrap();
    (capacity.uncapped.unwrap(), capacity.max_pods)
}

fn refused(name: &str, cni: Cni) -> NoCapacity {
    capacity(&of(name), cni, Wishes::default()).unwrap_err()
}

#[test]
fn published_figures_before_and_after_the_ceiling() {
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
        assert_eq!(figures(name, cni), expect, "{name} {cni:?}");
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
        assert_eq!([PLAIN, CUSTOM, PREFIX, BOTH].map(|cni| figures(name, cni).0), expect, "{name}");
    }
}

#[test]
fn no_interface_for_pods_is_refused_and_never_two_pods() {
    use NoCapacity::{MaxEniTooLow, NoInterfaceLeft, OnlyThePrimaryInterface};
    let both = Cni { pod_eni: true, ..CUSTOM };
    assert_eq!(refused("hpc6id.32xlarge", CUSTOM), OnlyThePrimaryInterface);
    assert_eq!(
        refused("m5.large", Cni { max_eni: Some(1), ..CUSTOM }),
        MaxEniTooLow { max_eni: 1, set_aside: 1, trunk: 0, reserved: 0 }
    );
    assert_eq!(
        refused("m5.large", Cni { max_eni: Some(2), ..both }),
        MaxEniTooLow { max_eni: 2, set_aside: 1, trunk: 1, reserved: 0 }
    );
    assert_eq!(
        refused("m6g.medium", both),
        NoInterfaceLeft { interfaces: 2, set_aside: 1, trunk: 1, reserved: 0 }
    );
    let error = refused("m5.large", Cni { reserved_enis: 2, ..both });
    assert_eq!(error, NoInterfaceLeft { interfaces: 3, set_aside: 1, trunk: 1, reserved: 2 });
    assert_eq!(
        error.to_string(),
        "no interface is left for pods: this type has 3, custom networking sets the primary one aside, security groups for pods take one for the trunk, 2 reserved"
    );
}

#[test]
fn a_refusal_names_what_takes_the_interfaces_and_the_way_out() {
    let set_aside = refused("m5.large", Cni { max_eni: Some(1), ..CUSTOM });
    assert_eq!(
        set_aside.to_string(),
        "MAX_ENI=1 leaves no interface for pods: custom networking sets the primary one aside"
    );
    let trunk = refused("m5.large", Cni { max_eni: Some(1), pod_eni: true, ..PLAIN });
    assert_eq!(
        trunk.to_string(),
        "MAX_ENI=1 leaves no interface for pods: security groups for pods take one for the trunk"
    );
    let reserved = refused("m5.large", Cni { max_eni: Some(1), reserved_enis: 1, ..PLAIN });
    assert_eq!(reserved.to_string(), "MAX_ENI=1 leaves no interface for pods: 1 reserved");
    assert_eq!(
        reserved.help(),
        "raise MAX_ENI on the aws-node DaemonSet (`cni.max-eni` here), or set it to 0"
    );
}

#[test]
fn a_caveat_says_what_it_means_for_pods() {
    assert_eq!(
        [
            Caveat::PrefixesNeedNitro,
            Caveat::FixedAboveAddresses,
            Caveat::MinimumIpTarget,
            Caveat::NoTrunk
        ]
        .map(|caveat| caveat.to_string()),
        [
            "prefix delegation needs Nitro or bare metal; on this Xen type the CNI falls back to secondary addresses",
            "the fixed figure is above what this node's addresses can serve: pods beyond them hang in ContainerCreating",
            "MINIMUM_IP_TARGET without WARM_IP_TARGET: the CNI never holds more addresses than that; set WARM_IP_TARGET to let it grow",
            "this type can have no trunk interface: pods that ask for a security group of their own never start here",
        ]
    );
}

#[test]
fn security_groups_for_pods_take_one_interface_where_a_trunk_can_be() {
    let trunk = Cni { pod_eni: true, ..PLAIN };
    let both = Cni { pod_eni: true, ..CUSTOM };
    // c5.4xlarge: 8 interfaces of 30 addresses.
    assert_eq!(figures("c5.4xlarge", PLAIN).0, 8 * 29 + 2);
    assert_eq!(figures("c5.4xlarge", trunk).0, 7 * 29 + 2);
    assert_eq!(figures("c5.4xlarge", CUSTOM).0, 7 * 29 + 2);
    assert_eq!(figures("c5.4xlarge", both), (176, 110));
    let t3 = capacity(&of("t3.medium"), trunk, Wishes::default()).unwrap();
    assert_eq!((t3.trunk, t3.max_pods, t3.caveats), (0, 17, vec![Caveat::NoTrunk]));
}

#[test]
fn reserved_interfaces_and_other_cards_are_counted() {
    assert_eq!(figures("m5.large", Cni { reserved_enis: 1, ..PLAIN }).0, 20);
    let multi = Cni { multi_nic: true, ..PLAIN };
    assert_eq!(figures("m5.large", multi).0, 29, "it has one card");
    assert_eq!(figures("p4d.24xlarge", multi).0, (15 + 45) * 49 + 2);
    assert_eq!(figures("p4d.24xlarge", Cni { max_eni: Some(4), ..multi }).0, 4 * 49 + 2);
}

#[test]
fn a_minimum_without_a_warm_target_is_a_limit() {
    let minimum = |cni: Cni, minimum_ip_target, warm_ip_target| {
        let cni = Cni { minimum_ip_target, warm_ip_target, ..cni };
        let capacity = capacity(&of("m5.large"), cni, Wishes::default()).unwrap();
        (capacity.address_target, capacity.uncapped, capacity.caveats)
    };
    let caveat = vec![Caveat::MinimumIpTarget];
    assert_eq!(minimum(PLAIN, 10, 0), (Some(10), Some(12), caveat.clone()));
    assert_eq!(minimum(PLAIN, 10, 1), (None, Some(29), vec![]));
    assert_eq!(minimum(PLAIN, 27, 0), (None, Some(29), vec![]), "all of them");
    assert_eq!(minimum(PLAIN, 99, 0), (None, Some(29), vec![]));
    assert_eq!(minimum(PREFIX, 17, 0), (Some(32), Some(34), caveat), "whole prefixes");
}

#[test]
fn in_an_ipv6_cluster_the_ceiling_decides() {
    let ipv6 = Cni { ip_family: IpFamily::Ipv6, ..PREFIX };
    let pods = |wishes| capacity(&of("t3.nano"), ipv6, wishes);
    let plain = pods(Wishes::default()).unwrap();
    assert_eq!((plain.addresses, plain.uncapped, plain.max_pods), (None, None, 110));
    assert_eq!(plain.to_string(), "110 pods: IPv6, one /80 prefix for all of them, ceiling 110");
    let unlimited = Wishes { ceiling: Ceiling::Unlimited, ..Wishes::default() };
    assert_eq!(pods(unlimited), Err(NoCapacity::Ipv6WithoutCeiling));
    assert_eq!(pods(Wishes { fixed: Some(40), ..unlimited }).unwrap().max_pods, 40);
    let custom = Cni { custom_networking: true, ..ipv6 };
    assert_eq!(refused("m5.large", custom), NoCapacity::CustomNetworkingWithIpv6);
    let secondary = Cni { addressing: Addressing::SecondaryAddresses, ..ipv6 };
    assert_eq!(refused("m5.large", secondary), NoCapacity::Ipv6WithoutPrefixes);
    assert_eq!(refused("m4.large", ipv6), NoCapacity::Ipv6OnXen);
}

#[test]
fn max_eni_lowers_and_never_raises() {
    assert_eq!(figures("m5.large", Cni { max_eni: Some(2), ..PLAIN }).0, 20);
    assert_eq!(figures("m5.large", Cni { max_eni: Some(9), ..PLAIN }).0, 29);
    assert_eq!(figures("m5.large", Cni { max_eni: Some(0), ..PLAIN }).0, 29, "0 is no limit");
    assert_eq!(figures("m5.large", Cni { max_eni: Some(2), ..CUSTOM }).0, 11);
}

#[test]
fn prefixes_on_xen_fall_back_and_say_so() {
    let capacity = capacity(&of("m4.xlarge"), PREFIX, Wishes::default()).unwrap();
    assert_eq!((capacity.max_pods, capacity.caveats), (58, vec![Caveat::PrefixesNeedNitro]));
}

#[test]
fn wishes_change_the_figure() {
    let pods = |wishes| capacity(&of("m5.large"), PREFIX, wishes).unwrap();
    let wish = Wishes::default();
    assert_eq!(pods(Wishes { ceiling: Ceiling::Unlimited, ..wish }).max_pods, 434);
    assert_eq!(pods(Wishes { ceiling: Ceiling::At(58), ..wish }).max_pods, 58);
    assert_eq!(pods(Wishes { extra: 3, ceiling: Ceiling::Unlimited, ..wish }).max_pods, 437);
    let fixed = pods(Wishes { fixed: Some(500), ..wish });
    assert_eq!((fixed.max_pods, fixed.caveats), (500, vec![Caveat::FixedAboveAddresses]));
    assert_eq!(pods(Wishes { fixed: Some(434), ..wish }).caveats, []);
}

/// The same figure found another way: every interface is laid out and marked, and the slots are
/// counted one by one. `None` where no slot is left.
fn counted(limits: &InstanceLimits, cni: Cni, most: Option<u32>) -> Option<u32> {
    #[derive(Clone, Copy, PartialEq)]
    enum Use {
        Pods,
        Other,
    }
    let Row { interfaces, ipv4_per_interface, platform, .. } = limits.row;
    let mut card = vec![Use::Pods; interfaces as usize];
    if let Some(limit) = cni.max_eni.filter(|limit| *limit > 0) {
        card.truncate(limit as usize);
    }
    if cni.custom_networking {
        card[0] = Use::Other;
    }
    // From the far end: the primary interface is never the trunk, nor anybody else's.
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
                let wishes = Wishes { ceiling, ..Wishes::default() };
                let figure = capacity(&limits, cni, wishes).ok().map(|found| found.max_pods);
                assert_eq!(figure, counted(&limits, cni, most), "{name} {cni:?} {most:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 1_446 * 16 * 5);
}

#[test]
fn limits_that_make_no_sense_are_refused_and_huge_ones_do_not_overflow() {
    let odd = |interfaces, ipv4_per_interface| InstanceLimits {
        row: Row {
            interfaces,
            interfaces_of_other_cards: 0,
            ipv4_per_interface,
            platform: Platform::Nitro,
            vcpus: 2,
        },
        trunking: true,
    };
    for (interfaces, ipv4_per_interface) in [(0, 10), (3, 0), (3, 1)] {
        assert_eq!(
            capacity(&odd(interfaces, ipv4_per_interface), PLAIN, Wishes::default()),
            Err(NoCapacity::Nonsense { interfaces, ipv4_per_interface })
        );
    }
    let most = capacity(&odd(u32::MAX, u32::MAX), PREFIX, Wishes::default()).unwrap();
    assert_eq!((most.uncapped, most.max_pods), (Some(u32::MAX), 110));
}

#[test]
fn the_ceiling_turns_after_thirty_vcpus() {
    assert_eq!([30, 31].map(recommended_ceiling), [110, 250]);
}

#[test]
fn the_sum_can_be_done_again_from_its_line() {
    let line = |name: &str, cni, wishes| capacity(&of(name), cni, wishes).unwrap().to_string();
    let wish = Wishes::default();
    assert_eq!(
        line("m5.large", CUSTOM, wish),
        "20 pods: 3 interfaces − 1 for custom networking, 2 × 9 slots + 2 on the host's network = 20"
    );
    assert_eq!(
        line("m5.large", Cni { max_eni: Some(2), ..PREFIX }, wish),
        "110 pods: 3 interfaces, MAX_ENI 2, 2 × 9 slots × 16 addresses + 2 on the host's network = 290, ceiling 110"
    );
    assert_eq!(
        line("m5.large", PLAIN, Wishes { ceiling: Ceiling::At(29), ..wish }),
        "29 pods: 3 interfaces, 3 × 9 slots + 2 on the host's network = 29",
        "a ceiling that changes nothing is not said"
    );
    let every =
        Cni { reserved_enis: 1, pod_eni: true, multi_nic: true, minimum_ip_target: 40, ..CUSTOM };
    assert_eq!(
        line("p4d.24xlarge", every, wish),
        "42 pods: 15 interfaces − 1 for custom networking − 1 for the trunk − 1 reserved + 45 on other cards, 57 × 49 slots, held at 40 by MINIMUM_IP_TARGET + 2 on the host's network = 42"
    );
    assert_eq!(
        line("m5.large", PLAIN, Wishes { fixed: Some(8), ..wish }),
        "8 pods: 3 interfaces, 3 × 9 slots + 2 on the host's network = 29, set to 8"
    );
}
