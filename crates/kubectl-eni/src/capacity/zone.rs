//! The pod subnets of an availability zone, and the nodes that fit into them.

use super::pool::{Interface, Placement, Pool};

/// The nodes at which a count ends. No subnet of EC2 has as many addresses.
const MOST_NODES: u32 = 100_000;

/// The addresses that a node of one instance type takes when it runs max-pods pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeDemand {
    /// Those of the primary network interface; `None` with custom networking, where it is in a subnet
    /// that is not one of the pods.
    pub primary: Option<Interface>,
    /// Those of the other network interfaces.
    pub others: Vec<Interface>,
}

impl NodeDemand {
    fn sum(&self, of: impl Fn(&Interface) -> u32) -> u32 {
        self.primary.iter().chain(&self.others).map(of).sum()
    }

    /// Returns the number of single addresses, including the primary ones.
    pub(super) fn addresses(&self) -> u32 {
        self.sum(|it| it.addresses)
    }

    /// Returns the number of `/28` prefixes.
    pub(super) fn prefixes(&self) -> u32 {
        self.sum(|it| it.prefixes)
    }
}

/// What the CNI uses a subnet for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The subnet of an ENIConfig: all network interfaces of a node except the primary one.
    EniConfig,
    /// A subnet of nodes: the primary network interface, and others.
    Node,
    /// A subnet of nodes that a tag excludes from pods: only the primary network interface.
    ExcludedNode,
    /// A subnet that subnet discovery finds: network interfaces other than the primary one.
    Discovered,
}

impl Role {
    /// Returns whether nodes start in the subnet, or are assigned to it by an ENIConfig.
    fn starts_nodes(self) -> bool {
        self != Self::Discovered
    }
}

/// The free addresses of a subnet.
#[derive(Clone, Copy, Debug)]
pub(super) struct SubnetPool {
    pub role: Role,
    pub pool: Pool,
}

/// The demand of a node, which depends on whether its own subnet serves pods.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand<'a> {
    pub usual: &'a NodeDemand,
    /// The demand in a subnet with [`Role::ExcludedNode`]; `None` if no node can serve pods there.
    pub excluded: Option<&'a NodeDemand>,
}

/// The pod subnets of a zone.
#[derive(Clone, Debug, Default)]
pub(super) struct ZonePools {
    pub subnets: Vec<SubnetPool>,
    /// `ENABLE_SUBNET_DISCOVERY`: without it, all network interfaces of a node are in its subnet.
    pub discovers: bool,
}

impl ZonePools {
    /// Adds a node. Its subnet is the one with the most free addresses in which it fits.
    ///
    /// # Errors
    /// Returns the index of the subnet with the most free addresses, which is too full, and changes nothing;
    /// `None` if the zone has no subnet for nodes.
    pub(super) fn add(
        &mut self,
        demand: Demand<'_>,
        placement: Placement,
    ) -> Result<(), Option<usize>> {
        let homes = self.by_free_addresses(Role::starts_nodes);
        for home in &homes {
            let mut pools = self.clone();
            if pools.add_in(*home, demand, placement) {
                *self = pools;
                return Ok(());
            }
        }
        Err(homes.first().copied())
    }

    fn add_in(&mut self, home: usize, demand: Demand<'_>, placement: Placement) -> bool {
        let Some(role) = self.subnets.get(home).map(|it| it.role) else { return false };
        let is_excluded = role == Role::ExcludedNode;
        let demand = if is_excluded { demand.excluded } else { Some(demand.usual) };
        let Some(demand) = demand else { return false };
        if let Some(primary) = demand.primary
            && !self.take(home, primary, placement)
        {
            return false;
        }
        demand.others.iter().all(|interface| {
            let mut candidates = match role {
                Role::EniConfig => vec![home],
                _ if !self.discovers => vec![home],
                _ => self.by_free_addresses(|role| role == Role::Discovered),
            };
            if self.discovers && role == Role::Node {
                candidates.push(home);
                self.sort_by_free_addresses(&mut candidates);
            }
            candidates.into_iter().any(|subnet| self.take(subnet, *interface, placement))
        })
    }

    fn take(&mut self, subnet: usize, interface: Interface, placement: Placement) -> bool {
        self.subnets.get_mut(subnet).is_some_and(|it| it.pool.take(interface, placement))
    }

    /// Returns the indices of the subnets whose role is `wanted`, the one with the most free addresses
    /// first.
    fn by_free_addresses(&self, wanted: impl Fn(Role) -> bool) -> Vec<usize> {
        let matching = self.subnets.iter().enumerate().filter(|(_, it)| wanted(it.role));
        let mut indices: Vec<usize> = matching.map(|(index, _)| index).collect();
        self.sort_by_free_addresses(&mut indices);
        indices
    }

    fn sort_by_free_addresses(&self, indices: &mut [usize]) {
        let free = |index: &usize| self.subnets.get(*index).map(|it| it.pool.addresses());
        indices.sort_by_key(|index| std::cmp::Reverse(free(index)));
    }

    /// Returns how many nodes fit. Their demands alternate in the order of `demands`.
    pub(super) fn more_nodes(&self, demands: &[Demand<'_>], placement: Placement) -> u32 {
        let mut pools = self.clone();
        let fit = demands
            .iter()
            .cycle()
            .take(MOST_NODES as usize)
            .take_while(|demand| pools.add(**demand, placement).is_ok());
        u32::try_from(fit.count()).unwrap_or(MOST_NODES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(addresses: u32, prefixes: u32) -> Interface {
        Interface { addresses, prefixes }
    }

    fn subnet(role: Role, loose: u32, blocks: u32) -> SubnetPool {
        SubnetPool { role, pool: Pool { loose, blocks, reserved: 0 } }
    }

    /// Returns how many nodes fit in the best and in the worst case.
    fn fit(pools: &ZonePools, demand: &NodeDemand) -> (u32, u32) {
        let demand = [Demand { usual: demand, excluded: None }];
        (pools.more_nodes(&demand, Placement::Best), pools.more_nodes(&demand, Placement::Worst))
    }

    #[test]
    fn primary_addresses_break_the_blocks_that_prefixes_need() {
        let demand = NodeDemand { primary: None, others: vec![interface(1, 7)] };
        let subnets = vec![subnet(Role::EniConfig, 27, 14)];
        assert_eq!(fit(&ZonePools { subnets, discovers: false }, &demand), (2, 1));
    }

    #[test]
    fn the_nodes_of_several_eni_configs_count_together() {
        let demand = NodeDemand { primary: None, others: vec![interface(10, 0), interface(10, 0)] };
        let subnets = vec![subnet(Role::EniConfig, 27, 0), subnet(Role::EniConfig, 39, 0)];
        assert_eq!(fit(&ZonePools { subnets, discovers: true }, &demand), (2, 2));
    }

    #[test]
    fn subnet_discovery_uses_the_subnet_with_the_most_free_addresses() {
        let demand =
            NodeDemand { primary: Some(interface(10, 0)), others: vec![interface(10, 0); 2] };
        let subnets = vec![subnet(Role::Node, 25, 0), subnet(Role::Discovered, 45, 0)];
        let mut pools = ZonePools { subnets, discovers: true };
        assert_eq!(fit(&pools, &demand), (2, 2));
        let both = Demand { usual: &demand, excluded: None };
        assert_eq!(pools.add(both, Placement::Best), Ok(()));
        let free: Vec<u32> = pools.subnets.iter().map(|it| it.pool.addresses()).collect();
        assert_eq!(free, [15, 25]);
        assert_eq!(fit(&ZonePools { discovers: false, ..pools }, &demand), (0, 0));
    }

    #[test]
    fn an_excluded_subnet_serves_primary_addresses_only() {
        let usual = NodeDemand { primary: Some(interface(10, 0)), others: Vec::new() };
        let excluded =
            NodeDemand { primary: Some(interface(1, 0)), others: vec![interface(10, 0)] };
        let demand = Demand { usual: &usual, excluded: Some(&excluded) };
        let subnets = vec![subnet(Role::ExcludedNode, 3, 0), subnet(Role::Discovered, 20, 0)];
        let pools = ZonePools { subnets, discovers: true };
        assert_eq!(pools.more_nodes(&[demand], Placement::Best), 2);
    }

    #[test]
    fn instance_types_alternate() {
        let small = NodeDemand { primary: None, others: vec![interface(2, 0)] };
        let large = NodeDemand { primary: None, others: vec![interface(9, 0)] };
        let demands = [&small, &large].map(|it| Demand { usual: it, excluded: None });
        let subnets = vec![subnet(Role::EniConfig, 21, 0)];
        let pools = ZonePools { subnets, discovers: false };
        assert_eq!(pools.more_nodes(&demands, Placement::Best), 3);
        let mut other = pools.clone();
        other.subnets[0].pool.loose = 24;
        assert_eq!(other.more_nodes(&demands, Placement::Best), 5);
    }

    #[test]
    fn a_full_zone_names_the_subnet() {
        let demand = NodeDemand { primary: None, others: vec![interface(10, 0)] };
        let both = Demand { usual: &demand, excluded: None };
        let subnets = vec![subnet(Role::EniConfig, 3, 0), subnet(Role::EniConfig, 4, 0)];
        let mut pools = ZonePools { subnets, discovers: false };
        assert_eq!(pools.add(both, Placement::Best), Err(Some(1)));
        assert_eq!(ZonePools::default().add(both, Placement::Best), Err(None));
    }
}
