//! Predictions equal the brute-force allocation in moto.

use super::brute_force::{Allocator, Choice, addresses, listed, next};
use super::world::{CUSTOM, PREFIXES, World};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// A subnet, the settings of the CNI, and an instance type.
struct Case {
    name: &'static str,
    cidr: &'static str,
    /// The number of pseudo-random addresses that are in use.
    scattered: usize,
    /// Ranges that are in use.
    taken: &'static [&'static str],
    reservations: &'static [(&'static str, &'static str)],
    variables: &'static [(&'static str, &'static str)],
    instance_type: &'static str,
    /// The single addresses and the prefixes of each network interface of a full node, written by hand.
    node: &'static [(u32, u32)],
}

const PLAIN: Case = Case {
    name: "",
    cidr: "10.0.0.0/24",
    scattered: 0,
    taken: &[],
    reservations: &[],
    variables: &[CUSTOM],
    instance_type: "m5.large",
    node: &[(10, 0), (10, 0)],
};

/// m5.large with prefix delegation: 108 pods in seven prefixes.
const DELEGATED: Case = Case { variables: &[CUSTOM, PREFIXES], node: &[(1, 7)], ..PLAIN };

const EACH_BLOCK: &[&str] = &[
    "10.0.0.16/32",
    "10.0.0.33/32",
    "10.0.0.50/32",
    "10.0.0.67/32",
    "10.0.0.84/32",
    "10.0.0.101/32",
    "10.0.0.118/32",
    "10.0.0.135/32",
    "10.0.0.152/32",
    "10.0.0.169/32",
    "10.0.0.186/32",
    "10.0.0.203/32",
    "10.0.0.220/32",
    "10.0.0.237/32",
];

const CASES: [Case; 27] = [
    Case { name: "an empty /24", ..PLAIN },
    Case { name: "an empty /26", cidr: "10.0.0.0/26", ..PLAIN },
    Case { name: "a /28", cidr: "10.0.0.0/28", ..PLAIN },
    Case { name: "a /24 with 100 addresses in use", scattered: 100, ..PLAIN },
    Case {
        name: "a /23 with half in use",
        cidr: "10.0.0.0/23",
        taken: &["10.0.1.0/25", "10.0.0.128/25"],
        ..PLAIN
    },
    Case {
        name: "an explicit reservation",
        cidr: "10.0.0.0/25",
        reservations: &[("10.0.0.64/27", "explicit")],
        ..PLAIN
    },
    Case {
        name: "a prefix reservation without prefixes",
        cidr: "10.0.0.0/25",
        reservations: &[("10.0.0.64/26", "prefix")],
        ..PLAIN
    },
    Case {
        name: "four interfaces up to 110 pods",
        instance_type: "m5.4xlarge",
        node: &[(30, 0); 4],
        ..PLAIN
    },
    Case {
        name: "small interfaces",
        instance_type: "t3.small",
        cidr: "10.0.0.0/25",
        scattered: 37,
        node: &[(4, 0), (4, 0)],
        ..PLAIN
    },
    Case {
        name: "WARM_IP_TARGET",
        instance_type: "m5.4xlarge",
        variables: &[CUSTOM, ("WARM_IP_TARGET", "2")],
        node: &[(30, 0), (30, 0), (30, 0), (24, 0)],
        ..PLAIN
    },
    Case {
        name: "MINIMUM_IP_TARGET alone",
        variables: &[CUSTOM, ("MINIMUM_IP_TARGET", "10")],
        node: &[(10, 0), (2, 0)],
        ..PLAIN
    },
    Case {
        name: "a trunk",
        variables: &[CUSTOM, ("ENABLE_POD_ENI", "true")],
        node: &[(10, 0), (1, 0)],
        ..PLAIN
    },
    Case {
        name: "MAX_ENI",
        instance_type: "m5.xlarge",
        variables: &[CUSTOM, ("MAX_ENI", "3")],
        node: &[(15, 0), (15, 0)],
        ..PLAIN
    },
    Case { name: "prefixes in an empty /24", ..DELEGATED },
    Case { name: "prefixes beside 8 addresses", scattered: 8, ..DELEGATED },
    Case { name: "prefixes with every block broken", taken: EACH_BLOCK, ..DELEGATED },
    Case { name: "prefixes in a fragmented /22", cidr: "10.0.0.0/22", scattered: 30, ..DELEGATED },
    Case {
        name: "prefixes in a /21",
        cidr: "10.0.0.0/21",
        scattered: 20,
        taken: &["10.0.3.0/28", "10.0.3.16/28"],
        ..DELEGATED
    },
    Case {
        name: "prefixes and a prefix reservation",
        reservations: &[("10.0.0.128/25", "prefix")],
        ..DELEGATED
    },
    Case {
        name: "a prefix reservation that is partly in use",
        cidr: "10.0.0.0/23",
        scattered: 25,
        reservations: &[("10.0.1.0/24", "prefix")],
        ..DELEGATED
    },
    Case {
        name: "prefixes and an explicit reservation",
        cidr: "10.0.0.0/23",
        reservations: &[("10.0.1.0/25", "explicit")],
        ..DELEGATED
    },
    Case {
        name: "prefixes with WARM_PREFIX_TARGET 0 and WARM_IP_TARGET 5",
        cidr: "10.0.0.0/23",
        variables: &[CUSTOM, PREFIXES, ("WARM_PREFIX_TARGET", "0"), ("WARM_IP_TARGET", "5")],
        ..DELEGATED
    },
    Case {
        name: "prefixes up to 250 pods",
        cidr: "10.0.0.0/22",
        instance_type: "m5.metal",
        node: &[(1, 16)],
        ..DELEGATED
    },
    Case {
        name: "one prefix",
        scattered: 40,
        instance_type: "t3.micro",
        node: &[(1, 1)],
        ..DELEGATED
    },
    Case {
        name: "three interfaces with prefixes",
        cidr: "10.0.0.0/23",
        instance_type: "t3.small",
        variables: &[PREFIXES, CUSTOM, ("MAX_ENI", "3")],
        node: &[(1, 3), (1, 3)],
        ..DELEGATED
    },
    Case {
        name: "the nodes' own subnet",
        cidr: "10.0.0.0/25",
        variables: &[],
        node: &[(10, 0), (10, 0), (10, 0)],
        ..PLAIN
    },
    Case {
        name: "prefixes in the nodes' own subnet",
        scattered: 12,
        variables: &[PREFIXES],
        node: &[(1, 7)],
        ..PLAIN
    },
];

fn text(address: u32) -> String {
    Ipv4Addr::from(address).to_string()
}

/// Creates what is in use: one network interface with all taken ranges and scattered addresses.
fn occupy(world: &World, subnet: &str, case: &Case) {
    let range = addresses(case.cidr);
    let mut used: BTreeSet<u32> = case.taken.iter().flat_map(|range| addresses(range)).collect();
    let usable: Vec<u32> = (range.start + 4..range.end - 1).collect();
    let (mut state, wanted) = (7, used.len() + case.scattered);
    while used.len() < wanted {
        state = next(state);
        let index = usize::try_from(state >> 33).unwrap() % usable.len();
        used.insert(usable[index]);
    }
    let used: Vec<String> = used.into_iter().filter(|it| usable.contains(it)).map(text).collect();
    for interface in used.chunks(50) {
        world.interface(subnet, interface);
    }
}

/// Fills the subnet in moto, checks moto's counts, and empties it again. Returns the number of nodes.
fn fill(world: &World, subnet: &str, start: &Allocator, case: &Case, choice: Choice) -> u32 {
    let before = listed(world, subnet).len();
    let (nodes, interfaces) = start.fill(case.node, choice);
    let created: Vec<String> = interfaces
        .iter()
        .map(|it| world.interface(subnet, &it.iter().copied().map(text).collect::<Vec<_>>()))
        .collect();
    let all = listed(world, subnet);
    let distinct: BTreeSet<u32> = all.iter().copied().collect();
    let assigned = interfaces.iter().map(Vec::len).sum::<usize>();
    assert_eq!(all.len(), before + assigned, "{}", case.name);
    assert_eq!(distinct.len(), all.len(), "{}: an address is assigned twice", case.name);
    let range = addresses(case.cidr);
    assert!(distinct.iter().all(|it| (range.start + 4..range.end - 1).contains(it)));
    for id in &created {
        world.account().delete_interface(id);
    }
    nodes
}

#[test]
fn predictions_equal_the_brute_force_allocation() {
    let Some(world) = World::start() else { return };
    let mut differing = 0;
    for (number, case) in CASES.iter().enumerate() {
        let account = world.account();
        let vpc = account.vpc("10.0.0.0/16");
        let subnet = account.subnet(&vpc, "us-west-2a", case.cidr);
        world.install_cni(case.variables);
        let node = format!("node-{number}");
        if case.variables.contains(&CUSTOM) {
            world.eni_config("us-west-2a", &subnet);
        } else {
            let address = text(addresses(case.cidr).start + 5);
            let instance = world.instance(&subnet, &address);
            world.node(&node, "us-west-2a", case.instance_type, &instance);
            world.set_address(&node, &address);
        }
        occupy(&world, &subnet, case);
        for (range, kind) in case.reservations {
            world.reserve(&subnet, range, kind);
        }
        let report = world.json(&["--instance-type", case.instance_type]);
        let predicted = &report["zones"][0]["moreNodes"][0];
        let predicted = [&predicted["best"], &predicted["worst"]].map(|it| it.as_u64().unwrap());
        let start = Allocator::read(&world, &subnet, case.cidr, case.reservations);
        let best = fill(&world, &subnet, &start, case, Choice::Saving);
        let worst = fill(&world, &subnet, &start, case, Choice::Breaking);
        assert_eq!(predicted, [u64::from(best), u64::from(worst)], "{}: {report:#}", case.name);
        for seed in 0..5 {
            let (any, _) = start.fill(case.node, Choice::Any(seed));
            assert!((worst..=best).contains(&any), "{}: {any} nodes", case.name);
        }
        differing += usize::from(best != worst);
        if !case.variables.contains(&CUSTOM) {
            world.cluster.delete(&format!("/api/v1/nodes/{node}"));
        }
    }
    assert!(differing >= 5, "the cases cover blocks that single addresses break");
}
