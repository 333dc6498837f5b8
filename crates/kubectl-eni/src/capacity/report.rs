//! The result of the command: what `--output json` prints, and what the texts and the picture show.

use eni_core::diagnostic::Diagnostic;
use serde::Serialize;
use std::collections::BTreeMap;

/// The capacity of the pod subnets of a cluster. The keys of its JSON are stable; `docs/kubectl-eni-capacity.md`
/// describes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    /// The name of the EKS cluster, if it is known.
    pub cluster: Option<String>,
    pub region: String,
    /// What differs from the defaults of the CNI, and its warm targets.
    pub cni: String,
    pub instance_types: Vec<TypeReport>,
    pub zones: Vec<ZoneReport>,
    /// The first subnet that runs out when the same number of nodes starts in each zone; `null` if it is unknown.
    pub first_full: Option<Cases<FirstFull>>,
    /// The result of `--nodes`; `null` without it, or if it is unknown.
    pub growth: Option<Growth>,
    pub zone_loss: Vec<ZoneLoss>,
    pub fixes: Vec<Fix>,
    /// Nodes on which the VPC CNI does not run.
    pub ignored_nodes: u32,
    /// What could not be read or computed, with the reason.
    pub skipped: Vec<String>,
    /// What is known and not counted. It does not change the exit code.
    pub notes: Vec<String>,
    /// Problems of the configuration of the CNI.
    pub diagnostics: Vec<Diagnostic>,
}

/// A value in the best and in the worst case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Cases<T> {
    pub best: T,
    pub worst: T,
}

/// An instance type, and what a node with max-pods pods takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TypeReport {
    pub name: String,
    pub running_nodes: u32,
    pub max_pods: u32,
    /// Network interfaces in the pod subnets.
    pub interfaces: usize,
    /// Single addresses, including the primary address of each network interface.
    pub addresses: u32,
    /// `/28` blocks.
    pub blocks: u32,
}

/// A zone and its pod subnets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ZoneReport {
    pub zone: String,
    pub running_nodes: u32,
    /// Whether one more node of each instance type fits in the worst case; `null` if it is unknown.
    pub can_take_node: Option<bool>,
    pub more_nodes: Vec<MoreNodes>,
    /// How many more nodes fit if the instance types alternate; `null` with fewer than two types.
    pub alternating: Option<Cases<u32>>,
    pub subnets: Vec<SubnetReport>,
}

/// How many more nodes of an instance type fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MoreNodes {
    pub instance_type: String,
    pub best: u32,
    pub worst: u32,
}

/// A pod subnet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubnetReport {
    pub id: String,
    pub cidr: String,
    /// The ENIConfigs, or `nodes`, `nodes (excluded from pods)` or `subnet discovery`.
    pub used_by: String,
    /// Addresses that EC2 can assign on its own.
    pub free_addresses: u32,
    /// Addresses in use by network interfaces of other accounts, which EC2 does not list.
    pub hidden_addresses: u32,
    /// Addresses without those that AWS reserves.
    pub addresses: u32,
    /// `/28` blocks that EC2 can assign as prefixes; with hidden addresses, the most that are possible.
    pub free_blocks: u32,
    /// Free blocks in prefix reservations, a part of `free_blocks`.
    pub reserved_blocks: u32,
    /// One character for each block; see [`super::strip`].
    pub blocks: String,
}

/// The first subnet that runs out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FirstFull {
    pub zone: String,
    /// `null` if the zone has no pod subnet.
    pub subnet: Option<String>,
    /// The number of new nodes in the cluster that fit before; 0 if it is full now.
    pub after_nodes: u32,
}

/// The result of `--nodes`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Growth {
    /// The new nodes.
    pub nodes: u32,
    pub by_zone: Cases<BTreeMap<String, u32>>,
    /// The new nodes for which no zone has capacity.
    pub without_capacity: Cases<u32>,
}

/// The loss of a zone: its nodes move to the others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ZoneLoss {
    pub zone: String,
    /// The nodes of the zone whose instance type is known.
    pub nodes: u32,
    pub by_zone: Cases<BTreeMap<String, u32>>,
    /// The nodes for which no other zone has capacity.
    pub without_capacity: Cases<u32>,
}

/// A command that adds capacity to a zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Fix {
    pub zone: String,
    pub kind: FixKind,
    /// The lost zone whose nodes must fit; `null` for new nodes.
    pub lost_zone: Option<String>,
    /// The nodes that must fit into the zone.
    pub wanted_nodes: u32,
    /// How many more nodes fit into the zone in the worst case after the command.
    pub worst_after: u32,
    pub command: String,
    /// What to do after the command; `null` if nothing.
    pub next_step: Option<&'static str>,
}

/// What a fix creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FixKind {
    /// A subnet CIDR reservation of type `prefix`.
    CidrReservation,
    /// A subnet.
    Subnet,
}

impl Report {
    /// Returns whether a zone is too full: it cannot take another node for certain, or the nodes of `--nodes`
    /// do not fit.
    pub(super) fn has_failure(&self) -> bool {
        let is_full = self.zones.iter().any(|zone| zone.can_take_node == Some(false));
        is_full || self.growth.as_ref().is_some_and(|growth| growth.without_capacity.worst > 0)
    }

    /// Returns whether something is unknown.
    pub(super) fn is_incomplete(&self) -> bool {
        !self.skipped.is_empty() || self.zones.iter().any(|zone| zone.can_take_node.is_none())
    }
}
