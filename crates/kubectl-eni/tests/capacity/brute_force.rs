//! An allocator that assigns each address and each prefix of a subnet on its own, and creates the network
//! interfaces in moto. It shares no code with the model of the program.
//!
//! moto neither refuses an address in use nor a request to a full subnet, and it has no prefixes. So this
//! allocator chooses every address and decides when the subnet is full. A prefix becomes 16 addresses of the
//! network interface in moto. What is in use at the start is read from moto.

use super::world::World;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Which free address a network interface gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// An address in a block that is already in use, if possible.
    Saving,
    /// An address that breaks a free block, if possible.
    Breaking,
    /// Any, by a pseudo-random number.
    Any(u64),
}

/// The addresses of a subnet.
#[derive(Clone, Debug)]
pub struct Allocator {
    first: u32,
    size: u32,
    pub used: BTreeSet<u32>,
    /// Ranges from which EC2 takes nothing.
    explicit: BTreeSet<u32>,
    /// Ranges from which EC2 takes prefixes only.
    prefix: BTreeSet<u32>,
}

/// Returns the addresses in a range such as `10.0.0.0/24`.
pub fn addresses(range: &str) -> std::ops::Range<u32> {
    let (address, length) = range.split_once('/').unwrap();
    let first = u32::from(address.parse::<Ipv4Addr>().unwrap());
    first..first + 2_u32.pow(32 - length.parse::<u32>().unwrap())
}

/// Returns the addresses that moto lists in a subnet.
pub fn listed(world: &World, subnet: &str) -> Vec<u32> {
    let form = format!(
        "Action=DescribeNetworkInterfaces&Filter.1.Name=subnet-id&Filter.1.Value.1={subnet}"
    );
    let response = world.account().response("ec2", &form);
    let sets = response.split("<privateIpAddressesSet>").skip(1);
    let sets = sets.filter_map(|rest| rest.split("</privateIpAddressesSet>").next());
    let texts = sets.flat_map(|set| set.split("<privateIpAddress>").skip(1));
    let each = texts.map(|rest| rest.split('<').next().unwrap().parse::<Ipv4Addr>().unwrap());
    each.map(u32::from).collect()
}

impl Allocator {
    /// Reads what is in use from moto. `reservations` are ranges and their types.
    pub fn read(world: &World, subnet: &str, cidr: &str, reservations: &[(&str, &str)]) -> Self {
        let of = |wanted: &str| {
            let ranges = reservations.iter().filter(|(_, kind)| *kind == wanted);
            ranges.flat_map(|(range, _)| addresses(range)).collect()
        };
        let range = addresses(cidr);
        let mut used: BTreeSet<u32> = listed(world, subnet).into_iter().collect();
        used.extend(range.start..range.start + 4);
        used.insert(range.end - 1);
        Self {
            first: range.start,
            size: range.end - range.start,
            used,
            explicit: of("explicit"),
            prefix: of("prefix"),
        }
    }

    /// Returns whether all addresses of the block at `start` are free, and which reservation it is in.
    fn is_block(&self, start: u32, reserved: bool) -> bool {
        (start..start + 16).all(|address| {
            !self.used.contains(&address)
                && !self.explicit.contains(&address)
                && self.prefix.contains(&address) == reserved
        })
    }

    fn blocks(&self, reserved: bool) -> Vec<u32> {
        let starts = (self.first..self.first + self.size).step_by(16);
        starts.filter(|start| self.is_block(*start, reserved)).collect()
    }

    fn choose_address(&self, choice: &mut Choice) -> Option<u32> {
        let free: Vec<u32> = (self.first..self.first + self.size)
            .filter(|address| !self.used.contains(address))
            .filter(|address| !self.explicit.contains(address) && !self.prefix.contains(address))
            .collect();
        let breaks = |address: &&u32| self.is_block(**address - **address % 16, false);
        match choice {
            Choice::Saving => free.iter().find(|it| !breaks(it)).or(free.first()).copied(),
            Choice::Breaking => free.iter().find(breaks).or(free.first()).copied(),
            Choice::Any(_) => pick(&free, choice),
        }
    }

    fn choose_block(&self, choice: &mut Choice) -> Option<u32> {
        let reserved = self.blocks(true);
        let blocks = if reserved.is_empty() { self.blocks(false) } else { reserved };
        match choice {
            Choice::Any(_) => pick(&blocks, choice),
            _ => blocks.last().copied(),
        }
    }

    /// Assigns the addresses of a network interface: single ones, then prefixes. Returns all of them; `None`
    /// if there are not enough.
    fn assign(&mut self, singles: u32, prefixes: u32, choice: &mut Choice) -> Option<Vec<u32>> {
        let mut assigned = Vec::new();
        for _ in 0..singles {
            let address = self.choose_address(choice)?;
            self.used.insert(address);
            assigned.push(address);
        }
        for _ in 0..prefixes {
            let block = self.choose_block(choice)?;
            self.used.extend(block..block + 16);
            assigned.extend(block..block + 16);
        }
        Some(assigned)
    }

    /// Adds nodes until one does not fit, and returns the number that fit and their network interfaces.
    pub fn fill(&self, node: &[(u32, u32)], mut choice: Choice) -> (u32, Vec<Vec<u32>>) {
        let (mut state, mut interfaces) = (self.clone(), Vec::new());
        for nodes in 0.. {
            let mut next = state.clone();
            let assign =
                |(singles, prefixes): &(u32, u32)| next.assign(*singles, *prefixes, &mut choice);
            let Some(of_node) = node.iter().map(assign).collect::<Option<Vec<_>>>() else {
                return (nodes, interfaces);
            };
            interfaces.extend(of_node);
            state = next;
        }
        unreachable!()
    }
}

/// Returns an element by a pseudo-random number (an LCG with the constants of MMIX).
fn pick(from: &[u32], choice: &mut Choice) -> Option<u32> {
    let Choice::Any(state) = choice else { return from.first().copied() };
    *state = next(*state);
    let length = u64::try_from(from.len()).unwrap();
    let index = (*state >> 33).checked_rem(length)?;
    from.get(usize::try_from(index).unwrap()).copied()
}

/// Returns the next pseudo-random number.
pub fn next(state: u64) -> u64 {
    state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}
