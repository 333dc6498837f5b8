//! The command that adds capacity to a zone: a CIDR reservation where free addresses are fragmented, or else a
//! subnet.

use super::address_map::{AddressMap, Reservation};
use super::pool::Placement;
use super::report::{Fix, FixKind};
use super::zone::{Demand, Role, SubnetPool, ZonePools};
use ipnet::Ipv4Net;

const NEW_ENI_CONFIG: &str = "The range overlaps no subnet and must be in a CIDR block of the VPC. Then create its ENIConfig.";
const NEW_NODE_SUBNET: &str =
    "The range overlaps no subnet and must be in a CIDR block of the VPC. Then start nodes in it.";

/// The subnets of a zone, and what must fit.
pub(super) struct Zone<'a> {
    pub name: &'a str,
    /// The pools of the worst case.
    pub pools: &'a ZonePools,
    /// The subnets of `pools`.
    pub subnets: Vec<ZoneSubnet<'a>>,
    /// The role of a new subnet.
    pub role: Role,
    pub wants: Vec<Want<'a>>,
}

/// A subnet of a zone.
pub(super) struct ZoneSubnet<'a> {
    pub id: &'a str,
    pub map: &'a AddressMap,
    /// Whether some addresses in use are not in the map.
    pub has_hidden: bool,
}

/// Nodes that must fit in the worst case.
pub(super) struct Want<'a> {
    /// Their demands, which alternate.
    pub demands: Vec<Demand<'a>>,
    pub nodes: u32,
    /// The lost zone of moved nodes; `None` for new nodes.
    pub lost_zone: Option<&'a str>,
}

impl Want<'_> {
    fn fit_in(&self, pools: &ZonePools) -> u32 {
        pools.more_nodes(&self.demands, Placement::Worst)
    }
}

/// Where a new subnet can be created.
pub(super) struct Vpc<'a> {
    pub id: &'a str,
    pub region: &'a str,
    /// The CIDR blocks of its subnets, and those of earlier fixes.
    pub ranges: Vec<Ipv4Net>,
}

/// Returns the fix of a zone; `None` if it has enough capacity, or if no free range is known.
pub(super) fn fix(zone: &Zone<'_>, vpc: &mut Vpc<'_>) -> Option<Fix> {
    let missing = |want: &Want<'_>| want.nodes.saturating_sub(want.fit_in(zone.pools));
    let unmet = zone.wants.iter().map(|want| (want, missing(want))).filter(|(_, it)| *it > 0);
    // The first of equal ones: `max_by_key` returns the last.
    let (most, _) = unmet.rev().max_by_key(|(_, missing)| *missing)?;
    // A reservation protects prefixes only.
    let takes_prefixes = most.demands.iter().any(|demand| demand.usual.prefixes() > 0);
    let reserved = takes_prefixes.then(|| reservation(zone, most, vpc.region)).flatten();
    reserved.or_else(|| subnet(zone, most, vpc))
}

/// Returns the CIDR reservation with which all nodes fit: the one with the most nodes of `most` in the worst case,
/// and of those the smallest.
fn reservation(zone: &Zone<'_>, most: &Want<'_>, region: &str) -> Option<Fix> {
    let mut best: Option<(u32, u8, String)> = None;
    for (index, subnet) in zone.subnets.iter().enumerate().filter(|(_, it)| !it.has_hidden) {
        for length in subnet.map.cidr().prefix_len() + 1..=28 {
            let Some(range) = emptiest(subnet.map, length) else { continue };
            let mut map = subnet.map.clone();
            map.reserve(range, Reservation::Prefix);
            let mut pools = zone.pools.clone();
            if let Some(subnet) = pools.subnets.get_mut(index) {
                subnet.pool = map.pool();
            }
            let nodes = most.fit_in(&pools);
            let is_better =
                best.as_ref().is_none_or(|(most, size, _)| (*most, *size) < (nodes, length));
            if is_better && zone.wants.iter().all(|want| want.fit_in(&pools) >= want.nodes) {
                let id = subnet.id;
                let command = format!(
                    "aws ec2 create-subnet-cidr-reservation --region {region} --subnet-id {id} --reservation-type prefix --cidr {range}"
                );
                best = Some((nodes, length, command));
            }
        }
    }
    let (worst_after, _, command) = best?;
    Some(Fix {
        zone: zone.name.to_owned(),
        kind: FixKind::CidrReservation,
        lost_zone: most.lost_zone.map(str::to_owned),
        wanted_nodes: most.nodes,
        worst_after,
        command,
        next_step: None,
    })
}

/// Returns the range of the size `length` with the most free blocks that overlaps no reservation.
fn emptiest(map: &AddressMap, length: u8) -> Option<Ipv4Net> {
    let ranges = map.cidr().subnets(length).ok()?.filter(|range| !map.is_reserved(*range));
    // The last of equal ones: `max_by_key` returns it, and low addresses are often in use.
    ranges.max_by_key(|range| map.free_blocks_in(*range))
}

/// Returns the smallest subnet with which all nodes fit.
fn subnet(zone: &Zone<'_>, most: &Want<'_>, vpc: &mut Vpc<'_>) -> Option<Fix> {
    let role = zone.role;
    let next_step = if role == Role::EniConfig { NEW_ENI_CONFIG } else { NEW_NODE_SUBNET };
    let first = zone.subnets.first().map(|subnet| subnet.map.cidr());
    let near = first.or(vpc.ranges.first().copied())?;
    let fits = |length: u8| {
        let pool = AddressMap::new(Ipv4Net::new(near.network(), length).ok()?)?.pool();
        let mut pools = zone.pools.clone();
        pools.subnets.push(SubnetPool { role, pool });
        let fits = zone.wants.iter().all(|want| want.fit_in(&pools) >= want.nodes);
        fits.then(|| (length, most.fit_in(&pools)))
    };
    let (length, worst_after) = (16..=28).rev().find_map(fits)?;
    let range = unused(near, length, &vpc.ranges)?;
    vpc.ranges.push(range);
    let Vpc { id, region, .. } = vpc;
    let name = zone.name;
    Some(Fix {
        zone: name.to_owned(),
        kind: FixKind::Subnet,
        lost_zone: most.lost_zone.map(str::to_owned),
        wanted_nodes: most.nodes,
        worst_after,
        command: format!(
            "aws ec2 create-subnet --region {region} --vpc-id {id} --availability-zone {name} --cidr-block {range}"
        ),
        next_step: Some(next_step),
    })
}

/// Returns the first unused range of the size `length` after `near`, or else before it, in the /16 around it.
fn unused(near: Ipv4Net, length: u8, ranges: &[Ipv4Net]) -> Option<Ipv4Net> {
    let around = Ipv4Net::new(near.network(), 16).ok()?.trunc();
    let overlaps = |range: &Ipv4Net| {
        let is_in = |it: &Ipv4Net| it.contains(range) || range.contains(it);
        ranges.iter().any(is_in)
    };
    let mut free = around.subnets(length).ok()?.filter(|range| !overlaps(range)).peekable();
    let first = *free.peek()?;
    Some(free.find(|range| range.network() > near.network()).unwrap_or(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::pool::Interface;
    use crate::capacity::zone::NodeDemand;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn node(addresses: u32, prefixes: u32) -> NodeDemand {
        NodeDemand { primary: None, others: vec![Interface { addresses, prefixes }] }
    }

    /// Returns the kind, the nodes that fit afterwards, and the command.
    fn fix_of(
        map: &AddressMap,
        nodes: &[NodeDemand],
        wanted: u32,
    ) -> Option<(FixKind, u32, String)> {
        let subnets = vec![SubnetPool { role: Role::EniConfig, pool: map.pool() }];
        let pools = ZonePools { subnets, discovers: false };
        let demands = nodes.iter().map(|node| Demand { usual: node, excluded: None }).collect();
        let subnets = vec![ZoneSubnet { id: "subnet-1", map, has_hidden: false }];
        let wants = vec![Want { demands, nodes: wanted, lost_zone: None }];
        let role = Role::EniConfig;
        let zone = Zone { name: "us-west-2a", pools: &pools, subnets, role, wants };
        let ranges = vec![map.cidr(), net("10.0.1.0/24")];
        let mut vpc = Vpc { id: "vpc-1", region: "us-west-2", ranges };
        fix(&zone, &mut vpc).map(|fix| (fix.kind, fix.worst_after, fix.command))
    }

    #[test]
    fn a_reservation_protects_the_free_blocks() {
        let mut map = AddressMap::new(net("10.0.0.0/24")).unwrap();
        for range in ["10.0.0.16/28", "10.0.0.32/27", "10.0.0.64/26"] {
            map.use_range(net(range));
        }
        // Seven free blocks, of which two nodes need six. Three addresses of the first node break three.
        let expected = "aws ec2 create-subnet-cidr-reservation --region us-west-2 --subnet-id subnet-1 --reservation-type prefix --cidr 10.0.0.128/25";
        assert_eq!(fix_of(&map, &[node(1, 3)], 1), None);
        assert_eq!(
            fix_of(&map, &[node(3, 3)], 2),
            Some((FixKind::CidrReservation, 2, expected.to_owned()))
        );
    }

    #[test]
    fn a_full_subnet_needs_another_one() {
        let mut map = AddressMap::new(net("10.0.0.0/24")).unwrap();
        map.use_range(net("10.0.0.0/24"));
        let expected = "aws ec2 create-subnet --region us-west-2 --vpc-id vpc-1 --availability-zone us-west-2a --cidr-block 10.0.2.0/26";
        assert_eq!(
            fix_of(&map, &[node(10, 0)], 5),
            Some((FixKind::Subnet, 5, expected.to_owned()))
        );
    }

    #[test]
    fn the_new_subnet_fits_the_instance_type_whose_turn_it_is() {
        // The subnet with the most free addresses is first. In a /27, the small node leaves 17 addresses.
        let mut map = AddressMap::new(net("10.0.0.0/24")).unwrap();
        for range in ["10.0.0.0/25", "10.0.0.128/26", "10.0.0.192/27", "10.0.0.224/28"] {
            map.use_range(net(range));
        }
        let demands = [node(10, 0), node(20, 0)];
        let expected = "aws ec2 create-subnet --region us-west-2 --vpc-id vpc-1 --availability-zone us-west-2a --cidr-block 10.0.2.0/26";
        assert_eq!(fix_of(&map, &demands, 2), Some((FixKind::Subnet, 3, expected.to_owned())));
    }

    #[test]
    fn the_new_range_overlaps_no_subnet() {
        let ranges = ["10.0.0.0/17", "10.0.128.0/24"].map(net);
        assert_eq!(unused(net("10.0.0.0/17"), 20, &ranges), Some(net("10.0.144.0/20")));
        assert_eq!(
            unused(net("10.0.240.0/20"), 20, &[net("10.0.240.0/20")]),
            Some(net("10.0.0.0/20"))
        );
        assert_eq!(unused(net("10.0.0.0/16"), 20, &[net("10.0.0.0/16")]), None);
    }
}
