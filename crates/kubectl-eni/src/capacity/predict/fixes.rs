//! The fix for each zone without enough capacity.

use super::Prediction;
use crate::capacity::fix::{self, Vpc, Want, ZoneSubnet};
use crate::capacity::report::{Fix, Growth, ZoneLoss};
use crate::capacity::zone::{Demand, Role};

impl Prediction<'_> {
    /// Returns a fix for each zone without capacity for another node, for its share of the new nodes, or for its
    /// share of the nodes of a lost zone. A zone with an unknown subnet may have capacity.
    pub(super) fn fixes(&self, growth: Option<&Growth>, losses: &[ZoneLoss]) -> Vec<Fix> {
        let Some((id, ranges)) = &self.input.vpc else { return Vec::new() };
        if self.demands.is_empty() {
            return Vec::new();
        }
        let zones = u32::try_from(self.input.zones.len()).unwrap_or(u32::MAX);
        let share = growth.map_or(1, |growth| growth.nodes.div_ceil(zones));
        let role = if self.input.custom_networking { Role::EniConfig } else { Role::Node };
        let mut vpc = Vpc { id, region: &self.input.region, ranges: ranges.clone() };
        let mut fixes = Vec::new();
        let pools = self.input.zones.iter().zip(&self.pools.worst).enumerate();
        for (index, (zone, pools)) in pools.filter(|(_, (zone, _))| !zone.has_unknown_subnet) {
            let subnets = zone.subnets.iter();
            let subnet = subnets.map(|it| ZoneSubnet {
                id: &it.id,
                map: &it.map,
                has_hidden: it.hidden > 0,
            });
            let new = Want { demands: self.demands.clone(), nodes: share, lost_zone: None };
            let moved = losses.iter().filter_map(|loss| self.moved(loss, index));
            let zone = fix::Zone {
                name: &zone.name,
                pools,
                subnets: subnet.collect(),
                role,
                wants: std::iter::once(new).chain(moved).collect(),
            };
            fixes.extend(fix::fix(&zone, &mut vpc));
        }
        fixes
    }

    /// Returns the nodes that move to the zone `target` when a zone is lost: each other zone gets one node in turn.
    /// `None` for the lost zone.
    fn moved<'b>(&'b self, loss: &'b ZoneLoss, target: usize) -> Option<Want<'b>> {
        let zones = &self.input.zones;
        let of_lost = zones.iter().position(|zone| zone.name == loss.zone)?;
        let turn = if target < of_lost { target } else { target.checked_sub(1)? };
        let all = self.demands_of(zones.get(of_lost)?);
        let others = zones.len().checked_sub(1)?.max(1);
        let demands: Vec<Demand<'_>> = all.into_iter().skip(turn).step_by(others).collect();
        let nodes = u32::try_from(demands.len()).unwrap_or(u32::MAX);
        let is_other = target != of_lost && nodes > 0;
        is_other.then_some(Want { demands, nodes, lost_zone: Some(&loss.zone) })
    }
}
