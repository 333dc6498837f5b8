//! The nodes of the cluster: zone, instance type, instance and address.

use crate::cluster::ApiError;
use eni_core::domain::plural::counted;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, ApiResource, ListParams, Object};
use kube::{Client, ResourceExt as _};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Nodes in one response of the API server.
const PAGE: u32 = 500;
const ZONE: &str = "topology.kubernetes.io/zone";
const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";
const OPERATING_SYSTEM: &str = "kubernetes.io/os";
/// Set to `auto`, `fargate` or `hybrid` on nodes that have no aws-node pod.
const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";

/// The fields of the specification that this command reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(rename = "providerID")]
    provider_id: Option<String>,
}

/// The fields of the status that this command reads.
#[derive(Clone, Debug, Default, Deserialize)]
struct Status {
    #[serde(default)]
    addresses: Vec<Address>,
}

#[derive(Clone, Debug, Deserialize)]
struct Address {
    #[serde(rename = "type")]
    kind: String,
    address: String,
}

/// A node with the VPC CNI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeFacts {
    pub zone: String,
    pub instance_type: String,
    /// The instance ID, such as `i-0123456789abcdef0`; `None` if the provider ID is not one of AWS.
    pub instance: Option<String>,
    /// The address in the node's own subnet.
    pub address: Option<Ipv4Addr>,
}

/// The nodes of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Nodes {
    pub all: Vec<NodeFacts>,
    /// Nodes on which the VPC CNI does not run.
    pub ignored: u32,
    /// Nodes without the label of the zone or of the instance type.
    pub unlabelled: u32,
}

impl Nodes {
    /// Returns the number of nodes of each instance type in a zone.
    pub(super) fn types_in(&self, zone: &str) -> BTreeMap<String, u32> {
        let mut types = BTreeMap::new();
        for node in self.all.iter().filter(|node| node.zone == zone) {
            *types.entry(node.instance_type.clone()).or_default() += 1;
        }
        types
    }

    /// Returns what is unknown about the nodes.
    pub(super) fn skipped(&self) -> Option<String> {
        (self.unlabelled > 0).then(|| {
            let nodes = counted(self.unlabelled, "node");
            format!("{nodes} without the label {ZONE} or {INSTANCE_TYPE}")
        })
    }

    fn add(&mut self, node: &Object<Spec, Status>) {
        let label = |key: &str| node.labels().get(key).filter(|it| !it.is_empty()).cloned();
        let is_windows = label(OPERATING_SYSTEM).is_some_and(|os| os != "linux");
        if is_windows || label(COMPUTE_TYPE).is_some_and(|kind| kind != "ec2") {
            self.ignored += 1;
            return;
        }
        let Some((zone, instance_type)) = label(ZONE).zip(label(INSTANCE_TYPE)) else {
            self.unlabelled += 1;
            return;
        };
        let id = node.spec.provider_id.as_deref().and_then(|id| id.strip_prefix("aws:///"));
        let instance = id.and_then(|id| id.rsplit('/').next()).filter(|id| id.starts_with("i-"));
        let addresses = node.status.iter().flat_map(|status| &status.addresses);
        let mut internal = addresses.filter(|address| address.kind == "InternalIP");
        self.all.push(NodeFacts {
            zone,
            instance_type,
            instance: instance.map(str::to_owned),
            address: internal.find_map(|address| address.address.parse().ok()),
        });
    }
}

/// Returns all nodes, from all pages.
pub(super) async fn nodes(client: &Client) -> Result<Nodes, ApiError> {
    let kind = ApiResource::erase::<Node>(&());
    let api: Api<Object<Spec, Status>> = Api::all_with(client.clone(), &kind);
    let mut nodes = Nodes::default();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await.map_err(ApiError::of("list nodes"))?;
        for node in &page.items {
            nodes.add(node);
        }
        let next: Option<String> = page.metadata.continue_;
        match next.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(nodes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn nodes_of(objects: Vec<Value>) -> Nodes {
        let mut nodes = Nodes::default();
        for object in objects {
            nodes.add(&serde_json::from_value(object).unwrap());
        }
        nodes
    }

    fn node(labels: &Value) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": { "name": "a", "labels": labels },
            "spec": { "providerID": "aws:///us-west-2a/i-0a" },
            "status": { "addresses": [
                { "type": "Hostname", "address": "a" },
                { "type": "InternalIP", "address": "10.0.0.9" },
            ] },
        })
    }

    #[test]
    fn only_linux_nodes_on_ec2_count() {
        let labels = |zone: &str, os: &str, kind: &str| json!({ ZONE: zone, INSTANCE_TYPE: "m5.large", OPERATING_SYSTEM: os, COMPUTE_TYPE: kind });
        let nodes = nodes_of(vec![
            node(&labels("us-west-2a", "linux", "ec2")),
            node(&labels("us-west-2a", "windows", "")),
            node(&labels("us-west-2a", "linux", "fargate")),
            node(&labels("us-west-2a", "linux", "hybrid")),
            node(&labels("", "linux", "")),
        ]);
        let only = NodeFacts {
            zone: "us-west-2a".into(),
            instance_type: "m5.large".into(),
            instance: Some("i-0a".into()),
            address: Some(Ipv4Addr::new(10, 0, 0, 9)),
        };
        assert_eq!(nodes, Nodes { all: vec![only], ignored: 3, unlabelled: 1 });
        assert_eq!(nodes.types_in("us-west-2a"), [("m5.large".to_owned(), 1)].into());
        assert_eq!(
            nodes.skipped().unwrap(),
            "1 node without the label topology.kubernetes.io/zone or node.kubernetes.io/instance-type"
        );
    }
}
