use super::*;
use crate::capacity::pool::Interface;
use crate::capacity::report::FixKind;
use crate::capacity::zone::NodeDemand;
use std::net::Ipv4Addr;

fn node_type(name: &str, addresses: u32, prefixes: u32) -> NodeType {
    let others = vec![Interface { addresses, prefixes }];
    let usual = NodeDemand { primary: None, others };
    NodeType { name: name.into(), max_pods: 110, usual, excluded: None }
}

fn zone(name: &str, cidr: &str, nodes: u32) -> ZoneInput {
    let map = AddressMap::new(cidr.parse().unwrap()).unwrap();
    let id = format!("subnet-{name}");
    let used_by = format!("ENIConfig {name}");
    ZoneInput {
        name: name.into(),
        nodes: [("a.large".to_owned(), nodes)].into(),
        subnets: vec![SubnetInput { id, used_by, role: Role::EniConfig, map }],
        has_unknown_subnet: false,
    }
}

fn input(zones: Vec<ZoneInput>) -> Input {
    let types = [node_type("a.large", 1, 7), node_type("b.large", 10, 0)];
    Input {
        cluster: None,
        region: "us-west-2".into(),
        cni: String::new(),
        discovers: true,
        types: types.map(|it| (it.name.clone(), it)).into(),
        selected: vec!["a.large".into()],
        zones,
        vpc: Some(("vpc-1".into(), vec!["10.0.0.0/16".parse().unwrap()])),
        ignored_nodes: 0,
        skipped: Vec::new(),
    }
}

#[test]
fn a_large_subnet_with_5000_interfaces_is_counted() {
    let mut large = zone("us-west-2a", "10.0.0.0/16", 5_000);
    let map = &mut large.subnets[0].map;
    for number in 0..5_000_u32 {
        // Ten addresses on each interface, in blocks 1 to 3,125.
        for address in 0..10 {
            let address = Ipv4Addr::from(0x0a00_0010 + number * 10 + address);
            map.use_range(Ipv4Net::from(address));
        }
    }
    let report =
        predict(&input(vec![large]), &Question { nodes: Some(100), ..Question::default() });
    let subnet = &report.zones[0].subnets[0];
    assert_eq!((subnet.free_addresses, subnet.free_blocks), (15_531, 4_096 - 2 - 3_125));
    // 969 free blocks: seven for each node, or eight if each primary address breaks one. In the best case, 27
    // primary addresses are in the broken blocks at the ends, and the others break seven blocks.
    let more = &report.zones[0].more_nodes[0];
    assert_eq!((more.best, more.worst), (137, 121));
    assert_eq!(report.growth.unwrap().without_room, Cases { best: 0, worst: 0 });
}

#[test]
fn the_nodes_of_a_lost_zone_decide_which_fix_is_wanted() {
    let zones = vec![zone("us-west-2a", "10.0.0.0/24", 3), zone("us-west-2b", "10.1.0.0/24", 0)];
    let input = input(zones);
    let report = predict(&input, &Question::default());
    let losses: Vec<&str> = report.zone_loss.iter().map(|loss| loss.zone.as_str()).collect();
    assert_eq!(losses, ["us-west-2a"], "no node runs in the other zone");
    assert_eq!(report.zone_loss[0].without_room, Cases { best: 1, worst: 2 });
    let fix = &report.fixes[..];
    assert_eq!(fix.len(), 1);
    assert_eq!((fix[0].kind, fix[0].zone.as_str()), (FixKind::Subnet, "us-west-2b"));
    assert_eq!((fix[0].wanted_nodes, fix[0].worst_after), (3, 4));
    let only = Question { nodes: None, lost_zones: vec!["us-west-2b".into()] };
    assert_eq!(predict(&input, &only).zone_loss, []);
}

#[test]
fn a_zone_with_an_unknown_subnet_is_not_full() {
    let can_take = |has_unknown_subnet, subnets: bool| {
        let mut zone = zone("us-west-2a", "10.0.0.0/24", 1);
        zone.has_unknown_subnet = has_unknown_subnet;
        if !subnets {
            zone.subnets.clear();
        }
        predict(&input(vec![zone]), &Question::default()).zones[0].can_take_node
    };
    assert_eq!(can_take(false, true), Some(true));
    assert_eq!(can_take(true, true), Some(true));
    assert_eq!(can_take(true, false), None);
    assert_eq!(can_take(false, false), Some(false));
}

#[test]
fn instance_types_alternate_in_a_mixed_cluster() {
    let mut input = input(vec![zone("us-west-2a", "10.0.0.0/24", 1)]);
    assert_eq!(predict(&input, &Question::default()).zones[0].alternating, None);
    input.selected.push("b.large".into());
    let report = predict(&input, &Question::default());
    let more: Vec<(u32, u32)> =
        report.zones[0].more_nodes.iter().map(|it| (it.best, it.worst)).collect();
    assert_eq!(more, [(2, 1), (25, 25)]);
    // In the best case, 27 loose addresses serve two nodes of each type, and 14 blocks the first type. In the
    // worst case, the first node leaves six free blocks, and the ten addresses of the second one break all.
    assert_eq!(report.zones[0].alternating, Some(Cases { best: 4, worst: 2 }));
    assert_eq!(report.instance_types[0].running_nodes, 1);
}
