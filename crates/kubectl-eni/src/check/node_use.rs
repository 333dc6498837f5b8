//! The zones of the nodes, and the ENIConfigs that the nodes select.

use super::zones::NodeZone;
use crate::cluster::Cluster;
use crate::nodes::{ZONE_ID, nodes_with_cni, selection};
use eni_bootstrap::adapter::kubernetes::ApiServer;
use eni_core::domain::aws_node::AwsNode;
use eni_core::failure::one_line;
use std::collections::BTreeMap;

/// What the nodes with the VPC CNI use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NodeUse {
    /// The IDs of the zones by name; `None` if no node has a label with the ID.
    zones: BTreeMap<String, Option<String>>,
    /// The number of nodes that select each ENIConfig, by the name of the ENIConfig.
    eni_configs: BTreeMap<String, u32>,
}

impl NodeUse {
    /// Reads the nodes. The error is the reason why they are unknown.
    pub(super) async fn read(
        cluster: &Cluster,
        api: &ApiServer,
        aws_node: &AwsNode,
    ) -> Result<Self, String> {
        let mut cni = api.cluster_cni(&[]).await.map_err(|error| one_line(&error))?;
        cni.aws_node = aws_node.clone();
        let nodes = nodes_with_cni(&cluster.client, &cni).await;
        let mut found = Self::default();
        for node in nodes.map_err(|error| one_line(&error))? {
            if let Some(zone) = node.zone() {
                let id = found.zones.entry(zone.to_owned()).or_default();
                *id = id.take().or_else(|| node.label(ZONE_ID).map(str::to_owned));
            }
            *found.eni_configs.entry(selection(&node, aws_node).name).or_default() += 1;
        }
        Ok(found)
    }

    /// Returns the number of nodes that select an ENIConfig.
    pub(super) fn of(&self, eni_config: &str) -> u32 {
        self.eni_configs.get(eni_config).copied().unwrap_or_default()
    }

    /// Adds the zones of the nodes that `zones` does not contain, such as a Local Zone. All nodes are in the
    /// VPC of the cluster.
    pub(super) fn add_zones(&self, zones: &mut Vec<NodeZone>) {
        let vpc = zones.iter().find_map(|zone| zone.vpc.clone());
        for (name, id) in &self.zones {
            if zones.iter().all(|zone| zone.name != *name) {
                zones.push(NodeZone { name: name.clone(), id: id.clone(), vpc: vpc.clone() });
            }
        }
        zones.sort_by(|one, other| one.name.cmp(&other.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_of_nodes_are_added_once() {
        let zone = |name: &str, id: Option<&str>, vpc: Option<&str>| NodeZone {
            name: name.to_owned(),
            id: id.map(str::to_owned),
            vpc: vpc.map(str::to_owned),
        };
        let local = ("us-west-2-lax-1a".to_owned(), Some("usw2-lax1-az1".to_owned()));
        let known = NodeUse {
            zones: [local, ("us-west-2a".to_owned(), None)].into(),
            ..NodeUse::default()
        };
        let of_cluster = zone("us-west-2a", Some("usw2-az2"), Some("vpc-1"));
        let mut zones = vec![of_cluster.clone()];
        known.add_zones(&mut zones);
        let added = zone("us-west-2-lax-1a", Some("usw2-lax1-az1"), Some("vpc-1"));
        assert_eq!(zones, [added, of_cluster]);
        let mut zones = Vec::new();
        known.add_zones(&mut zones);
        assert_eq!(zones.last(), Some(&zone("us-west-2a", None, None)));
    }
}
