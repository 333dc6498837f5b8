//! Which subnets serve pods, and for what the CNI uses them.

use super::nodes::Nodes;
use crate::capacity::zone::Role;
use crate::scope::OLD_ZONE;
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni_version::CniVersion;
use eni_core::domain::label::ZONE;
use eni_core::domain::subnet_tags::{excluding_tag, is_discovered};
use eni_core::facts::Subnet;
use std::collections::{BTreeMap, BTreeSet};

/// A subnet that serves pods, or the primary network interfaces of nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PodSubnet {
    pub subnet: Subnet,
    pub role: Role,
    pub used_by: String,
}

/// The pod subnets, and what is unknown about them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct PodSubnets {
    pub subnets: Vec<PodSubnet>,
    pub skipped: Vec<String>,
    /// What is known and not counted.
    pub notes: Vec<String>,
}

/// Returns the subnets of the ENIConfigs that nodes select. `subnet_ids` has the subnet of each ENIConfig by its
/// name. Several ENIConfigs may share a subnet.
pub(super) fn of_eni_configs(
    subnet_ids: &BTreeMap<String, String>,
    subnets: Vec<Subnet>,
    nodes: &Nodes,
    aws_node: &AwsNode,
) -> PodSubnets {
    let mut found = PodSubnets::default();
    for (name, id) in subnet_ids {
        if id.is_empty() {
            found.skipped.push(format!("ENIConfig {name} has no subnet"));
        } else if !subnets.iter().any(|subnet| subnet.id == *id) {
            found.skipped.push(format!("ENIConfig {name}: {id} not found in EC2"));
        }
    }
    let with_names: Vec<(Subnet, Vec<&str>)> = subnets
        .into_iter()
        .map(|subnet| {
            let users = subnet_ids.iter().filter(|(_, id)| **id == subnet.id);
            let names = users.map(|(name, _)| name.as_str()).collect();
            (subnet, names)
        })
        .collect();
    let is_by_zone = [ZONE, OLD_ZONE].contains(&aws_node.eni_config_label.as_str());
    let by_node = |zone: &str, name: &str| {
        nodes.all.iter().any(|node| node.zone == zone && node.eni_config == name)
    };
    let of_nodes = with_names
        .iter()
        .filter(|(subnet, names)| names.iter().any(|name| by_node(&subnet.zone, name)));
    let zones_with_nodes: BTreeSet<String> =
        of_nodes.map(|(subnet, _)| subnet.zone.clone()).collect();
    for (subnet, names) in with_names {
        // No node of the zone selects an existing ENIConfig: new nodes may select any of them.
        let is_any = !is_by_zone && !zones_with_nodes.contains(&subnet.zone);
        let is_selected =
            |name: &&str| (is_by_zone && **name == *subnet.zone) || by_node(&subnet.zone, name);
        if !is_any && !names.iter().any(is_selected) {
            let note = |name: &&str| {
                format!(
                    "ENIConfig {name} ({}) is not selected by a node, not counted above",
                    subnet.id
                )
            };
            found.notes.extend(names.iter().map(note));
            continue;
        }
        let used_by = match names.len() {
            1 => format!("ENIConfig {}", names.concat()),
            _ => format!("ENIConfigs {}", names.join(", ")),
        };
        found.subnets.push(PodSubnet { subnet, role: Role::EniConfig, used_by });
    }
    found
}

/// Returns whether ipamd looks for other subnets by their tags.
pub(super) fn discovers(aws_node: &AwsNode) -> bool {
    aws_node.subnet_discovery && aws_node.cni.may_be_since(CniVersion::SUBNET_DISCOVERY)
}

/// Returns the subnets of the nodes among `subnets`, those of the VPC, and those that subnet discovery finds
/// in the zones of the nodes.
pub(super) fn of_nodes(nodes: &Nodes, subnets: &[Subnet], aws_node: &AwsNode) -> PodSubnets {
    let cluster = aws_node.cluster_name.as_deref();
    let mut found = PodSubnets::default();
    let mut unknown = 0_u32;
    let mut with_nodes: Vec<&str> = Vec::new();
    for node in &nodes.all {
        let is_own = |subnet: &&Subnet| {
            let cidr = subnet.cidr.zip(node.address);
            subnet.zone == node.zone && cidr.is_some_and(|(cidr, address)| cidr.contains(&address))
        };
        match subnets.iter().find(is_own) {
            Some(subnet) => with_nodes.push(&subnet.id),
            None => unknown += 1,
        }
    }
    if unknown > 0 {
        let nodes = eni_core::domain::plural::counted(unknown, "node");
        found.skipped.push(format!("{nodes} with an internal IP in no subnet of the VPC"));
    }
    let has_nodes = |zone: &str| nodes.all.iter().any(|node| node.zone == zone);
    let is_elsewhere = |subnet: &Subnet| {
        discovers(aws_node) && is_discovered(&subnet.tags, cluster) && has_nodes(&subnet.zone)
    };
    for subnet in subnets {
        let is_home = with_nodes.contains(&subnet.id.as_str());
        let excluded = (aws_node.cni.may_be_since(CniVersion::SUBNET_EXCLUSION))
            .then(|| excluding_tag(&subnet.tags, cluster))
            .flatten();
        let mut others = subnets.iter().filter(|it| it.zone == subnet.zone && it.id != subnet.id);
        let (role, used_by) = match excluded {
            _ if !is_home && is_elsewhere(subnet) => (Role::Discovered, "subnet discovery"),
            _ if !is_home => continue,
            None => (Role::Node, "nodes"),
            Some(_) if discovers(aws_node) && others.any(is_elsewhere) => {
                (Role::ExcludedNode, "nodes, excluded from pods")
            }
            Some(tag) => {
                let id = &subnet.id;
                found.skipped.push(format!(
                    "{id}: tag {tag} excludes it from pods, and the CNI creates no network interfaces elsewhere"
                ));
                continue;
            }
        };
        let used_by = used_by.to_owned();
        found.subnets.push(PodSubnet { subnet: subnet.clone(), role, used_by });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capacity::input::nodes::NodeFacts;

    fn subnet(id: &str, cidr: &str, tag: Option<&str>) -> Subnet {
        let tags = tag.map(|value| ("kubernetes.io/role/cni".to_owned(), value.to_owned()));
        Subnet {
            id: id.into(),
            zone: "us-west-2a".into(),
            zone_id: "usw2-az1".into(),
            vpc: "vpc-1".into(),
            cidr: Some(cidr.parse().unwrap()),
            free_addresses: 251,
            tags: tags.into_iter().collect(),
        }
    }

    fn node(address: &str) -> NodeFacts {
        NodeFacts {
            zone: "us-west-2a".into(),
            instance_type: "m5.large".into(),
            eni_config: "blue".into(),
            instance: None,
            address: Some(address.parse().unwrap()),
        }
    }

    fn aws_node(version: &str, variables: &[(&str, &str)]) -> AwsNode {
        let environment =
            variables.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        AwsNode::read(&environment, &format!("amazon-k8s-cni:{version}"))
    }

    /// Returns the roles of the subnets, and what is unknown.
    fn roles(subnets: &[Subnet], aws_node: &AwsNode) -> (Vec<(String, Role)>, Vec<String>) {
        let nodes = Nodes { all: vec![node("10.0.0.9")], ..Nodes::default() };
        let found = of_nodes(&nodes, subnets, aws_node);
        let roles = found.subnets.into_iter().map(|it| (it.subnet.id, it.role)).collect();
        (roles, found.skipped)
    }

    #[test]
    fn eni_configs_may_share_a_subnet() {
        let ids = [("a", "subnet-1"), ("b", "subnet-1"), ("c", ""), ("d", "subnet-2")];
        let ids = ids.map(|(name, id)| (name.to_owned(), id.to_owned())).into();
        let subnets = vec![subnet("subnet-1", "10.0.0.0/24", None)];
        let found = of_eni_configs(&ids, subnets, &Nodes::default(), &aws_node("v1.23.2", &[]));
        assert_eq!(found.subnets.len(), 1);
        assert_eq!(found.subnets[0].used_by, "ENIConfigs a, b");
        let skipped = ["ENIConfig c has no subnet", "ENIConfig d: subnet-2 not found in EC2"];
        assert_eq!(found.skipped, skipped);
    }

    #[test]
    fn only_selected_eni_configs_count() {
        let ids = [("blue", "subnet-1"), ("green", "subnet-2"), ("us-west-2a", "subnet-3")];
        let ids = ids.map(|(name, id)| (name.to_owned(), id.to_owned())).into();
        let counted = |nodes: Vec<NodeFacts>, aws_node: &AwsNode| {
            let subnets = ["subnet-1", "subnet-2", "subnet-3"];
            let subnets = subnets.map(|id| subnet(id, "10.0.0.0/24", None)).to_vec();
            let nodes = Nodes { all: nodes, ..Nodes::default() };
            let found = of_eni_configs(&ids, subnets, &nodes, aws_node);
            let counted: Vec<String> = found.subnets.into_iter().map(|it| it.subnet.id).collect();
            (counted.join(" "), found.notes, found.skipped)
        };
        let note = |name: &str, id: &str| {
            format!("ENIConfig {name} ({id}) is not selected by a node, not counted above")
        };
        let by_zone = aws_node("v1.23.2", &[("ENI_CONFIG_LABEL_DEF", ZONE)]);
        let notes = vec![note("blue", "subnet-1"), note("green", "subnet-2")];
        let expected = ("subnet-3".to_owned(), notes, vec![]);
        assert_eq!(counted(Vec::new(), &by_zone), expected);
        let by_node = aws_node("v1.23.2", &[]);
        let notes = vec![note("green", "subnet-2"), note("us-west-2a", "subnet-3")];
        let expected = ("subnet-1".to_owned(), notes, vec![]);
        assert_eq!(counted(vec![node("10.0.0.9")], &by_node), expected);
        let all = ("subnet-1 subnet-2 subnet-3".to_owned(), vec![], vec![]);
        assert_eq!(counted(Vec::new(), &by_node), all, "no node runs in the zone");
    }

    #[test]
    fn tags_decide_without_custom_networking() {
        let home = |tag| subnet("subnet-1", "10.0.0.0/24", tag);
        let other = |tag| subnet("subnet-2", "10.0.1.0/24", tag);
        let role = |id: &str, role| (id.to_owned(), role);
        let current = aws_node("v1.23.2", &[]);
        assert_eq!(
            roles(&[home(None), other(None)], &current),
            (vec![role("subnet-1", Role::Node)], vec![])
        );
        assert_eq!(
            roles(&[home(None), other(Some("1"))], &current).0,
            [role("subnet-1", Role::Node), role("subnet-2", Role::Discovered)]
        );
        let both = [home(Some("0")), other(Some("1"))];
        assert_eq!(
            roles(&both, &current).0,
            [role("subnet-1", Role::ExcludedNode), role("subnet-2", Role::Discovered)]
        );
        assert_eq!(roles(&both, &aws_node("v1.20.0", &[])).0[0], role("subnet-1", Role::Node));
        let off = aws_node("v1.20.0", &[("ENABLE_SUBNET_DISCOVERY", "false")]);
        assert_eq!(roles(&both, &off).0, [role("subnet-1", Role::Node)]);
        let skipped = "subnet-1: tag kubernetes.io/role/cni=0 excludes it from pods, and the CNI creates no network interfaces elsewhere";
        assert_eq!(
            roles(&[home(Some("0")), other(None)], &current),
            (vec![], vec![skipped.to_owned()])
        );
    }

    #[test]
    fn a_node_outside_of_the_vpc_is_reported() {
        let elsewhere = subnet("subnet-1", "10.9.0.0/24", None);
        assert_eq!(
            roles(&[elsewhere], &aws_node("v1.23.2", &[])),
            (vec![], vec!["1 node with an internal IP in no subnet of the VPC".to_owned()])
        );
    }
}
