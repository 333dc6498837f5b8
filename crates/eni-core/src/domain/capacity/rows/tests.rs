use super::InterfaceUse::{ExcludedSubnet, Ipv6Prefix, NotNeeded};
use super::*;
use crate::domain::capacity::{CapacityOptions, NodeNetwork, PrimarySubnet};
use crate::domain::cni::{Addressing, Cni, IpFamily};
use crate::domain::instance_limits;

fn capacity(instance_type: &str, cni: Cni, network: NodeNetwork) -> Option<Capacity> {
    let limits = instance_limits::embedded(&instance_type.parse().unwrap()).unwrap();
    let options = CapacityOptions { network, ..CapacityOptions::default() };
    Capacity::compute(&limits, cni, options).ok()
}

fn purposes(capacity: &Capacity) -> Vec<InterfaceUse> {
    capacity.interface_rows().map(|row| row.purpose).collect()
}

#[test]
fn the_rows_contain_as_many_interfaces_for_pods_as_the_calculation() {
    let mut compared = 0;
    for number in 0..256_u32 {
        let bit = |position: u32| number >> position & 1 == 1;
        let subnets = [
            PrimarySubnet::Included,
            PrimarySubnet::Excluded,
            PrimarySubnet::ExcludedWithoutOther,
            PrimarySubnet::NoNewInterfaces,
        ];
        let cni = Cni {
            custom_networking: bit(0),
            pod_eni: bit(1),
            reserved_enis: u32::from(bit(2)) * 2,
            max_eni: bit(3).then_some(6),
            multi_nic: bit(4),
            ..Cni::default()
        };
        let network = NodeNetwork {
            primary_subnet: subnets[usize::from(bit(5)) * 2 + usize::from(bit(6))],
            attached_excluded: u32::from(bit(7)),
            attached_for_pods: 1,
            ..NodeNetwork::default()
        };
        for instance_type in ["c5.4xlarge", "p4d.24xlarge", "m5.large"] {
            let Some(capacity) = capacity(instance_type, cni, network.clone()) else { continue };
            let rows = purposes(&capacity);
            let for_pods = rows.iter().filter(|it| **it == InterfaceUse::Pods).count();
            let expected = capacity.interfaces_for_pods - capacity.other_cards;
            assert_eq!(for_pods, expected as usize, "{instance_type} {cni:?} {network:?}");
            assert_eq!(rows.len(), capacity.interfaces as usize);
            compared += 1;
        }
    }
    assert_eq!(compared, 632);
}

#[test]
fn each_purpose_has_its_own_row() {
    let cni = Cni { pod_eni: true, reserved_enis: 1, max_eni: Some(6), ..Cni::default() };
    let network = NodeNetwork {
        primary_subnet: PrimarySubnet::ExcludedWithoutOther,
        attached_excluded: 1,
        attached_for_pods: 1,
        ..NodeNetwork::default()
    };
    let capacity = capacity("c5.4xlarge", cni, network).unwrap();
    let rows: Vec<String> = capacity.interface_rows().map(|row| capacity.describe(row)).collect();
    assert_eq!(
        rows,
        [
            "primary, in a subnet that a tag excludes",
            "trunk, for security groups for pods",
            "reserved, not managed by the CNI",
            "in a subnet that a tag excludes",
            "29 addresses for pods",
            "not created: a tag excludes the subnet",
            "unused: MAX_ENI is 6",
            "unused: MAX_ENI is 6",
        ]
    );
}

#[test]
fn one_interface_has_the_prefix_of_an_ipv6_cluster() {
    let cni = Cni { ip_family: IpFamily::Ipv6, addressing: Addressing::Prefixes, ..Cni::default() };
    let included = capacity("m5.large", cni, NodeNetwork::default()).unwrap();
    assert_eq!(purposes(&included), [Ipv6Prefix, NotNeeded, NotNeeded]);
    let primary_subnet = PrimarySubnet::Excluded;
    let network = NodeNetwork { primary_subnet, ..NodeNetwork::default() };
    let excluded = capacity("m5.large", cni, network).unwrap();
    assert_eq!(purposes(&excluded), [ExcludedSubnet, Ipv6Prefix, NotNeeded]);
}

#[test]
fn unknown_addresses_of_attached_interfaces_are_a_term_without_a_number() {
    let cni = Cni { disable_provisioning: true, ..Cni::default() };
    let limits = instance_limits::embedded(&"m5.large".parse().unwrap()).unwrap();
    let max_pods_override = Some(MaxPodsOverride::Setting { value: 30 });
    let options = CapacityOptions { max_pods_override, ..CapacityOptions::default() };
    let capacity = Capacity::compute(&limits, cni, options).unwrap();
    assert_eq!(purposes(&capacity), []);
    let terms: Vec<(String, Option<u32>)> =
        capacity.terms().into_iter().map(|term| (term.label, term.number)).collect();
    assert_eq!(
        terms,
        [
            ("attached network interfaces".to_owned(), None),
            ("ceiling".to_owned(), Some(110)),
            ("pods.max".to_owned(), Some(30)),
            ("max-pods".to_owned(), Some(30)),
        ]
    );
}

#[test]
fn numbers_of_a_file_at_their_limits_have_rows() {
    let of = |capacity: Capacity| {
        (purposes(&capacity).len(), purposes(&capacity)[1], capacity.interfaces_without_row())
    };
    let large = Capacity {
        interfaces: u32::MAX,
        trunk: u32::MAX,
        primary_set_aside: u32::MAX,
        primary_excluded: u32::MAX,
        reserved: u32::MAX,
        attached_excluded: u32::MAX,
        not_created: u32::MAX,
        ..capacity("m5.large", Cni::default(), NodeNetwork::default()).unwrap()
    };
    assert_eq!(of(large.clone()), (40, InterfaceUse::Trunk, u32::MAX - 40));
    assert_eq!(of(Capacity { addresses: None, ..large.clone() }), (40, Ipv6Prefix, u32::MAX - 40));
    let attached = Capacity { attached_addresses: Some(1), ..large };
    assert_eq!((purposes(&attached), attached.interfaces_without_row()), (vec![], 0));
}
