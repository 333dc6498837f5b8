//! The prediction: from the pod subnets, the nodes and their instance types to the report.

mod fixes;

use super::address_map::AddressMap;
use super::demand::NodeType;
use super::fleet::{self, Placed};
use super::pool::{Placement, Pool};
use super::report::{
    Cases, FirstFull, Growth, MoreNodes, Report, SubnetReport, TypeReport, ZoneLoss, ZoneReport,
};
use super::strip;
use super::zone::{Demand, Role, SubnetPool, ZonePools};
use eni_core::diagnostic::Diagnostic;
use ipnet::Ipv4Net;
use std::collections::BTreeMap;

/// What the prediction depends on.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub cluster: Option<String>,
    pub region: String,
    /// The settings of the CNI as text.
    pub cni: String,
    pub diagnostics: Vec<Diagnostic>,
    pub custom_networking: bool,
    /// `ENABLE_SUBNET_DISCOVERY`.
    pub discovers: bool,
    /// The known instance types by name: those of the prediction, and those of the running nodes.
    pub types: BTreeMap<String, NodeType>,
    /// The names of the instance types of the prediction.
    pub selected: Vec<String>,
    pub zones: Vec<ZoneInput>,
    /// The VPC of the pod subnets, and the CIDR blocks of its subnets.
    pub vpc: Option<(String, Vec<Ipv4Net>)>,
    pub ignored_nodes: u32,
    pub skipped: Vec<String>,
    /// What is known and not counted.
    pub notes: Vec<String>,
}

/// A zone with nodes or pod subnets.
#[derive(Clone, Debug)]
pub(super) struct ZoneInput {
    pub name: String,
    /// The number of running nodes of each instance type.
    pub nodes: BTreeMap<String, u32>,
    pub subnets: Vec<SubnetInput>,
    /// Whether a subnet of the zone could not be read.
    pub has_unknown_subnet: bool,
}

/// A pod subnet.
#[derive(Clone, Debug)]
pub(super) struct SubnetInput {
    pub id: String,
    pub used_by: String,
    pub role: Role,
    pub map: AddressMap,
    /// Addresses in use that are not in the map.
    pub hidden: u32,
}

impl SubnetInput {
    fn pool(&self, placement: Placement) -> Pool {
        let mut pool = self.map.pool();
        pool.hide(self.hidden, placement);
        pool
    }
}

/// What the user asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Question {
    /// The number of new nodes.
    pub nodes: Option<u32>,
    /// The zones whose loss is computed; each zone if empty.
    pub lost_zones: Vec<String>,
}

/// The state of the computation.
struct Prediction<'a> {
    input: &'a Input,
    pools: Cases<Vec<ZonePools>>,
    demands: Vec<Demand<'a>>,
}

/// Returns the prediction.
pub(super) fn predict(input: &Input, question: &Question) -> Report {
    let pools = |placement| {
        let subnet = |it: &SubnetInput| SubnetPool { role: it.role, pool: it.pool(placement) };
        let zone = |zone: &ZoneInput| ZonePools {
            subnets: zone.subnets.iter().map(subnet).collect(),
            discovers: input.discovers,
        };
        input.zones.iter().map(zone).collect()
    };
    let selected = input.selected.iter().filter_map(|name| input.types.get(name));
    let prediction = Prediction {
        input,
        pools: Cases { best: pools(Placement::Best), worst: pools(Placement::Worst) },
        demands: selected.map(NodeType::demand).collect(),
    };
    let mut skipped = input.skipped.clone();
    let mut unless_unknown = |what: &str, reason: Option<String>| match reason {
        None => true,
        Some(reason) => {
            skipped.push(format!("{what}: not computed, because {reason}"));
            false
        }
    };
    let unknown = prediction.unknown_subnet(None);
    let has_types = !prediction.demands.is_empty();
    let no_types = || (!has_types).then(|| "no instance type is known".to_owned());
    let growth = question.nodes.filter(|nodes| {
        unless_unknown(&format!("--nodes {nodes}"), no_types().or_else(|| unknown.clone()))
    });
    let growth = growth.map(|nodes| prediction.growth(nodes));
    let has_first = has_types && unless_unknown("first subnet to run out", unknown);
    let mut zone_loss = prediction.zone_losses(&question.lost_zones);
    zone_loss.retain(|(index, loss)| {
        let unknown = prediction.unknown_subnet(Some(*index));
        unless_unknown(&format!("loss of {}", loss.zone), unknown)
    });
    let zone_loss: Vec<ZoneLoss> = zone_loss.into_iter().map(|(_, loss)| loss).collect();
    Report {
        cluster: input.cluster.clone(),
        region: input.region.clone(),
        cni: input.cni.clone(),
        instance_types: prediction.types(),
        zones: prediction.zones(),
        first_full: has_first.then(|| prediction.first_full()).flatten(),
        fixes: prediction.fixes(growth.as_ref(), &zone_loss),
        growth,
        zone_loss,
        ignored_nodes: input.ignored_nodes,
        skipped,
        notes: input.notes.clone(),
        diagnostics: input.diagnostics.clone(),
    }
}

impl<'a> Prediction<'a> {
    fn pools(&self, placement: Placement) -> &[ZonePools] {
        match placement {
            Placement::Best => &self.pools.best,
            Placement::Worst => &self.pools.worst,
        }
    }

    /// Returns which subnets could not be read, except those of the zone `lost`.
    fn unknown_subnet(&self, lost: Option<usize>) -> Option<String> {
        let zones = self.input.zones.iter().enumerate();
        let unknown = zones.filter(|(index, zone)| zone.has_unknown_subnet && Some(*index) != lost);
        let names: Vec<&str> = unknown.map(|(_, zone)| zone.name.as_str()).collect();
        (!names.is_empty()).then(|| format!("a pod subnet in {} is unknown", names.join(" and ")))
    }

    fn types(&self) -> Vec<TypeReport> {
        let selected = self.input.selected.iter().filter_map(|name| self.input.types.get(name));
        selected
            .map(|it| TypeReport {
                name: it.name.clone(),
                running_nodes: self
                    .input
                    .zones
                    .iter()
                    .filter_map(|zone| zone.nodes.get(&it.name))
                    .sum(),
                max_pods: it.max_pods,
                interfaces: it.usual.others.len() + usize::from(it.usual.primary.is_some()),
                addresses: it.usual.addresses(),
                blocks: it.usual.prefixes(),
            })
            .collect()
    }

    fn zones(&self) -> Vec<ZoneReport> {
        let pools = self.pools.best.iter().zip(&self.pools.worst);
        let zones = self.input.zones.iter().zip(pools);
        zones.map(|(zone, (best, worst))| self.zone(zone, best, worst)).collect()
    }

    fn zone(&self, zone: &ZoneInput, best: &ZonePools, worst: &ZonePools) -> ZoneReport {
        let more = |demands: &[Demand<'_>]| Cases {
            best: best.more_nodes(demands, Placement::Best),
            worst: worst.more_nodes(demands, Placement::Worst),
        };
        let named = self.input.selected.iter().zip(&self.demands);
        let more_nodes: Vec<MoreNodes> = named
            .map(|(name, demand)| {
                let Cases { best, worst } = more(&[*demand]);
                MoreNodes { instance_type: name.clone(), best, worst }
            })
            .collect();
        let fits = more_nodes.iter().all(|it| it.worst > 0);
        // A subnet that could not be read may have capacity.
        let is_unknown = self.demands.is_empty() || (!fits && zone.has_unknown_subnet);
        ZoneReport {
            zone: zone.name.clone(),
            running_nodes: zone.nodes.values().sum(),
            can_take_node: (!is_unknown).then_some(fits),
            alternating: (self.demands.len() > 1).then(|| more(&self.demands)),
            more_nodes,
            subnets: zone.subnets.iter().map(subnet).collect(),
        }
    }

    fn first_full(&self) -> Option<Cases<FirstFull>> {
        let demands = vec![self.demands.clone(); self.input.zones.len()];
        let first = |placement| {
            let full = fleet::first_full(self.pools(placement), &demands, placement)?;
            let zone = self.input.zones.get(full.zone)?;
            let subnet = full.subnet.and_then(|index| zone.subnets.get(index));
            Some(FirstFull {
                zone: zone.name.clone(),
                subnet: subnet.map(|subnet| subnet.id.clone()),
                after_nodes: full.after_nodes,
            })
        };
        Some(Cases { best: first(Placement::Best)?, worst: first(Placement::Worst)? })
    }

    /// Places `count` new nodes, whose instance types alternate.
    fn growth(&self, count: u32) -> Growth {
        let alternating = self.demands.iter().cycle().take(count as usize);
        let nodes: Vec<Vec<Demand<'a>>> =
            alternating.map(|demand| vec![*demand; self.input.zones.len()]).collect();
        let (by_zone, without_capacity) = self.place(&nodes, None);
        Growth { nodes: count, by_zone, without_capacity }
    }

    /// Returns the loss of each zone, with the index of the zone.
    fn zone_losses(&self, lost: &[String]) -> Vec<(usize, ZoneLoss)> {
        let zones = self.input.zones.iter().enumerate();
        zones
            .filter(|(_, zone)| lost.is_empty() || lost.contains(&zone.name))
            .filter_map(|(index, zone)| Some((index, self.zone_loss(index, zone)?)))
            .collect()
    }

    /// Moves the nodes of a zone to the others; `None` without nodes or without another zone.
    fn zone_loss(&self, index: usize, zone: &ZoneInput) -> Option<ZoneLoss> {
        let zones = self.input.zones.len();
        let moved = self.demands_of(zone).into_iter().map(|demand| vec![demand; zones]);
        let nodes: Vec<Vec<Demand<'_>>> = moved.collect();
        if nodes.is_empty() || zones < 2 {
            return None;
        }
        let (by_zone, without_capacity) = self.place(&nodes, Some(index));
        let nodes = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        Some(ZoneLoss { zone: zone.name.clone(), nodes, by_zone, without_capacity })
    }

    /// Returns the demand of each running node of a zone whose instance type is known.
    fn demands_of(&self, zone: &ZoneInput) -> Vec<Demand<'a>> {
        let types = zone.nodes.iter().filter_map(|(name, count)| {
            let demand = self.input.types.get(name)?.demand();
            Some(std::iter::repeat_n(demand, *count as usize))
        });
        types.flatten().collect()
    }

    fn place(
        &self,
        nodes: &[Vec<Demand<'_>>],
        lost: Option<usize>,
    ) -> (Cases<BTreeMap<String, u32>>, Cases<u32>) {
        let placed =
            |placement| fleet::place(self.pools(placement), nodes.iter().cloned(), lost, placement);
        let (best, worst) = (placed(Placement::Best), placed(Placement::Worst));
        let without_capacity = Cases { best: best.without_capacity, worst: worst.without_capacity };
        let by_zone = |placed: Placed| {
            let zones = self.input.zones.iter().zip(placed.by_zone).enumerate();
            let others = zones.filter(|(index, _)| Some(*index) != lost);
            others.map(|(_, (zone, count))| (zone.name.clone(), count)).collect()
        };
        (Cases { best: by_zone(best), worst: by_zone(worst) }, without_capacity)
    }
}

fn subnet(subnet: &SubnetInput) -> SubnetReport {
    let pool = subnet.pool(Placement::Best);
    let length = subnet.map.cidr().prefix_len();
    SubnetReport {
        id: subnet.id.clone(),
        cidr: subnet.map.cidr().to_string(),
        used_by: subnet.used_by.clone(),
        free_addresses: pool.addresses(),
        hidden_addresses: subnet.hidden,
        addresses: (1 << (32 - length)) - 5,
        free_blocks: pool.prefixes(),
        reserved_blocks: pool.reserved,
        blocks: strip::blocks(&subnet.map),
    }
}

#[cfg(test)]
mod tests;
