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
        subnets: vec![SubnetInput { id, used_by, role: Role::EniConfig, map, hidden: 0 }],
        has_unknown_subnet: false,
    }
}

fn input(zones: Vec<ZoneInput>) -> Input {
    let types = [node_type("a.large", 1, 7), node_type("b.large", 10, 0)];
    Input {
        cluster: None,
        region: "us-west-2".into(),
        cni: String::new(),
        diagnostics: Vec::new(),
        custom_networking: true,
        discovers: true,
        types: types.map(|it| (it.name.clone(), it)).into(),
        selected: vec!["a.large".into()],
        zones,
        vpc: Some(("vpc-1".into(), vec!["10.0.0.0/16".parse().unwrap()])),
        ignored_nodes: 0,
        skipped: Vec::new(),
        notes: Vec::new(),
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
    assert_eq!(report.growth.unwrap().without_capacity, Cases { best: 0, worst: 0 });
}

#[test]
fn the_nodes_of_a_lost_zone_decide_which_fix_is_wanted() {
    let zones = vec![zone("us-west-2a", "10.0.0.0/24", 3), zone("us-west-2b", "10.1.0.0/24", 0)];
    let input = input(zones);
    let report = predict(&input, &Question::default());
    let losses: Vec<&str> = report.zone_loss.iter().map(|loss| loss.zone.as_str()).collect();
    assert_eq!(losses, ["us-west-2a"], "no node runs in the other zone");
    assert_eq!(report.zone_loss[0].without_capacity, Cases { best: 1, worst: 2 });
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

#[test]
fn hidden_addresses_are_in_use() {
    let mut zone = zone("us-west-2a", "10.0.0.0/24", 1);
    let mut report = |hidden: u32| {
        zone.subnets[0].hidden = hidden;
        let vpc = Some(("vpc-1".to_owned(), vec!["10.0.0.0/24".parse().unwrap()]));
        let input = Input { vpc, ..input(vec![zone.clone()]) };
        let report = predict(&input, &Question::default());
        let subnet = report.zones[0].subnets[0].clone();
        let more = &report.zones[0].more_nodes[0];
        (subnet.free_addresses, subnet.free_blocks, more.best, more.worst, report.fixes)
    };
    assert_eq!(report(0), (251, 14, 2, 1, vec![]));
    // In the worst case, each one breaks another block.
    let (free, blocks, best, worst, fixes) = report(7);
    assert_eq!((free, blocks, best, worst), (244, 14, 2, 0));
    assert_eq!(fixes[0].kind, FixKind::Subnet, "the place for a reservation is unknown");
    let (free, blocks, best, worst, _) = report(251);
    assert_eq!((free, blocks, best, worst), (0, 0, 0, 0));
}

#[test]
fn an_unknown_subnet_makes_the_results_of_all_zones_unknown() {
    let names = ["us-west-2a", "us-west-2b", "us-west-2c"];
    let mut zones: Vec<ZoneInput> = names.iter().map(|name| zone(name, "10.0.0.0/24", 1)).collect();
    zones[0].has_unknown_subnet = true;
    zones[0].subnets.clear();
    zones[1] = zone("us-west-2b", "10.1.0.0/28", 1);
    let mut input = input(zones);
    let question = Question { nodes: Some(10), ..Question::default() };
    let report = predict(&input, &question);
    assert_eq!((report.first_full, report.growth), (None, None));
    let losses: Vec<&str> = report.zone_loss.iter().map(|loss| loss.zone.as_str()).collect();
    assert_eq!(losses, ["us-west-2a"], "its own subnets do not matter");
    let fixes: Vec<&str> = report.fixes.iter().map(|fix| fix.zone.as_str()).collect();
    assert_eq!(fixes, ["us-west-2b"]);
    let reason = "not computed, because a pod subnet in us-west-2a is unknown";
    let expected =
        ["--nodes 10", "first subnet to run out", "loss of us-west-2b", "loss of us-west-2c"];
    assert_eq!(report.skipped, expected.map(|what| format!("{what}: {reason}")));
    input.selected.clear();
    let report = predict(&input, &question);
    assert_eq!((report.first_full, report.growth, report.fixes), (None, None, vec![]));
    assert_eq!(report.skipped[0], "--nodes 10: not computed, because no instance type is known");
}

#[test]
fn the_fix_for_a_lost_zone_is_for_its_instance_types() {
    let mut zones =
        vec![zone("us-west-2a", "10.0.0.0/24", 0), zone("us-west-2b", "10.1.0.0/24", 0)];
    zones[0].nodes = [("b.large".to_owned(), 30)].into();
    let mut input = input(zones);
    // 25 nodes with 10 addresses each fit into 251 addresses; 27 addresses in a /27 are two more nodes.
    let fix = &predict(&input, &Question::default()).fixes[0];
    assert_eq!((fix.zone.as_str(), fix.lost_zone.as_deref()), ("us-west-2b", Some("us-west-2a")));
    assert_eq!((fix.wanted_nodes, fix.worst_after), (30, 25 + 5));
    assert!(fix.command.ends_with("/26"), "{}", fix.command);
    input.zones[0].nodes = [("b.large".to_owned(), 25)].into();
    assert_eq!(predict(&input, &Question::default()).fixes, [], "all fit");
}

#[test]
fn the_new_subnet_of_an_empty_zone_has_the_role_of_the_cni() {
    let next_step = |custom_networking| {
        let mut zone = zone("us-west-2a", "10.0.0.0/24", 1);
        zone.subnets.clear();
        let vpc = Some(("vpc-1".to_owned(), vec!["10.0.0.0/24".parse().unwrap()]));
        let input = Input { custom_networking, vpc, ..input(vec![zone]) };
        predict(&input, &Question::default()).fixes[0].next_step.unwrap()
    };
    assert!(next_step(true).ends_with("Then create its ENIConfig."));
    assert!(next_step(false).ends_with("Then start nodes in it."));
}
