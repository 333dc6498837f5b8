//! The nodes of the whole cluster: which subnet runs out first, and the loss of a zone.

use super::pool::Placement;
use super::zone::{Demand, ZonePools};

/// The nodes at which the search for the first full subnet ends.
const MOST_NODES: u32 = 1_000_000;

/// A subnet that has no capacity for a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FullSubnet {
    /// The index of the zone.
    pub zone: usize,
    /// The index of the subnet in the zone; `None` if the zone has no subnet for nodes.
    pub subnet: Option<usize>,
    /// The number of new nodes in the cluster that fit before, in complete rounds; 0 if it is full now.
    pub after_nodes: u32,
}

/// Returns the first subnet that runs out when the same number of new nodes starts in each zone; `None` without
/// zones or instance types. The instance types alternate in each zone. Only complete rounds of one node in each
/// zone count, so the result does not depend on the order of the zones.
pub(super) fn first_full(
    zones: &[ZonePools],
    demands: &[Vec<Demand<'_>>],
    placement: Placement,
) -> Option<FullSubnet> {
    let mut zones = zones.to_vec();
    let count = u32::try_from(zones.len()).ok()?;
    for round in 0..MOST_NODES.checked_div(count)? {
        for (zone, pools) in zones.iter_mut().enumerate() {
            let demand = of_turn(demands.get(zone)?, round as usize)?;
            if let Err(subnet) = pools.add(demand, placement) {
                return Some(FullSubnet { zone, subnet, after_nodes: round * count });
            }
        }
    }
    None
}

/// Returns the demand of a node. The instance types alternate.
fn of_turn<'a>(demands: &[Demand<'a>], turn: usize) -> Option<Demand<'a>> {
    demands.get(turn.checked_rem(demands.len())?).copied()
}

/// Where a number of new nodes start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// The number of new nodes in each zone.
    pub by_zone: Vec<u32>,
    /// The nodes for which no zone has capacity.
    pub without_capacity: u32,
}

/// Places nodes one after the other, each in the zone with the fewest new nodes that has capacity. `nodes` has
/// the demand of each node in each zone. No node starts in the zone `lost`.
pub(super) fn place<'a>(
    zones: &[ZonePools],
    nodes: impl IntoIterator<Item = Vec<Demand<'a>>>,
    lost: Option<usize>,
    placement: Placement,
) -> Placed {
    let mut zones = zones.to_vec();
    let mut by_zone = vec![0; zones.len()];
    let mut without_capacity = 0;
    for demands in nodes {
        let mut order: Vec<usize> = (0..zones.len()).filter(|it| Some(*it) != lost).collect();
        order.sort_by_key(|zone| by_zone.get(*zone).copied());
        let target = order.into_iter().find(|zone| {
            let pools = zones.get_mut(*zone).zip(demands.get(*zone));
            pools.is_some_and(|(pools, demand)| pools.add(*demand, placement).is_ok())
        });
        match target.and_then(|zone| by_zone.get_mut(zone)) {
            Some(count) => *count += 1,
            None => without_capacity += 1,
        }
    }
    Placed { by_zone, without_capacity }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::pool::{Interface, Pool};
    use crate::capacity::zone::{NodeDemand, Role, SubnetPool};

    fn zone(loose: &[u32]) -> ZonePools {
        let subnet = |loose: &u32| SubnetPool {
            role: Role::EniConfig,
            pool: Pool { loose: *loose, blocks: 0, reserved: 0 },
        };
        ZonePools { subnets: loose.iter().map(subnet).collect(), discovers: false }
    }

    fn node(addresses: u32) -> NodeDemand {
        NodeDemand { primary: None, others: vec![Interface { addresses, prefixes: 0 }] }
    }

    fn in_each_zone(node: &NodeDemand, zones: usize) -> Vec<Demand<'_>> {
        vec![Demand { usual: node, excluded: None }; zones]
    }

    #[test]
    fn the_first_full_subnet_ends_an_even_growth() {
        let node = node(10);
        let zones = [zone(&[100]), zone(&[20]), zone(&[100])];
        let demands: Vec<Vec<Demand<'_>>> = (0..3).map(|_| in_each_zone(&node, 1)).collect();
        let full = first_full(&zones, &demands, Placement::Best);
        assert_eq!(full, Some(FullSubnet { zone: 1, subnet: Some(0), after_nodes: 6 }));
        let reversed: Vec<ZonePools> = zones.iter().rev().cloned().collect();
        let full = first_full(&reversed, &demands, Placement::Best);
        assert_eq!(full, Some(FullSubnet { zone: 1, subnet: Some(0), after_nodes: 6 }));
        assert_eq!(first_full(&[], &[], Placement::Best), None);
        assert_eq!(first_full(&zones, &[Vec::new()], Placement::Best), None);
    }

    #[test]
    fn a_subnet_that_is_full_now_is_the_first_one() {
        let node = node(10);
        let zones = [zone(&[100]), zone(&[20]), zone(&[3])];
        let demands: Vec<Vec<Demand<'_>>> = (0..3).map(|_| in_each_zone(&node, 1)).collect();
        let full = first_full(&zones, &demands, Placement::Best);
        assert_eq!(full, Some(FullSubnet { zone: 2, subnet: Some(0), after_nodes: 0 }));
    }

    #[test]
    fn the_nodes_of_a_lost_zone_move_evenly_while_there_is_room() {
        let node = node(10);
        let zones = [zone(&[100]), zone(&[20]), zone(&[40])];
        let moved = |nodes: usize| {
            let nodes = (0..nodes).map(|_| in_each_zone(&node, 3));
            place(&zones, nodes, Some(0), Placement::Worst)
        };
        assert_eq!(moved(3), Placed { by_zone: vec![0, 2, 1], without_capacity: 0 });
        assert_eq!(moved(6), Placed { by_zone: vec![0, 2, 4], without_capacity: 0 });
        assert_eq!(moved(8), Placed { by_zone: vec![0, 2, 4], without_capacity: 2 });
    }
}
