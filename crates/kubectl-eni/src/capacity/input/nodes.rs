//! The nodes of the cluster: zone, instance type, instance and address.

use crate::cluster::ApiError;
use crate::scope::NodeScope;
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::eni_config;
use eni_core::domain::label::{INSTANCE_TYPE, ZONE};
use eni_core::domain::plural::counted;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, ApiResource, ListParams, Object};
use kube::{Client, ResourceExt as _};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Nodes in one response of the API server.
const PAGE: u32 = 500;

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
    /// The name of the ENIConfig that the CNI selects with custom networking.
    pub eni_config: String,
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

    /// Adds a node. `selector` is the node selector of the aws-node DaemonSet.
    fn add(
        &mut self,
        node: &Object<Spec, Status>,
        selector: &BTreeMap<String, String>,
        aws_node: &AwsNode,
    ) {
        let provider_id = node.spec.provider_id.as_deref();
        let scope = NodeScope { labels: node.labels(), provider_id };
        if scope.out_of_scope(selector).is_some() {
            self.ignored += 1;
            return;
        }
        let instance_type = scope.instance_type().filter(|it| !it.is_empty());
        let Some((zone, instance_type)) = scope.zone().zip(instance_type) else {
            self.unlabelled += 1;
            return;
        };
        let addresses = node.status.iter().flat_map(|status| &status.addresses);
        let selection = eni_config::select(
            aws_node.cni.reads_external_label(),
            (&aws_node.eni_config_label, |key: &str| node.labels().get(key).cloned()),
            (&aws_node.eni_config_annotation, |key: &str| node.annotations().get(key).cloned()),
        );
        let mut internal = addresses.filter(|address| address.kind == "InternalIP");
        self.all.push(NodeFacts {
            zone: zone.to_owned(),
            instance_type: instance_type.to_owned(),
            eni_config: selection.name,
            instance: scope.instance().map(str::to_owned),
            address: internal.find_map(|address| address.address.parse().ok()),
        });
    }
}

/// Returns all nodes, from all pages. `selector` is the node selector of the aws-node DaemonSet.
pub(super) async fn nodes(
    client: &Client,
    selector: &BTreeMap<String, String>,
    aws_node: &AwsNode,
) -> Result<Nodes, ApiError> {
    let kind = ApiResource::erase::<Node>(&());
    let api: Api<Object<Spec, Status>> = Api::all_with(client.clone(), &kind);
    let mut nodes = Nodes::default();
    let mut params = ListParams::default().limit(PAGE);
    loop {
        let page = api.list(&params).await.map_err(ApiError::of("list nodes"))?;
        for node in &page.items {
            nodes.add(node, selector, aws_node);
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
    use crate::scope::{OLD_INSTANCE_TYPE, OLD_ZONE, OS};
    use eni_core::domain::eni_config::DEFAULT_LABEL;
    use eni_core::host::COMPUTE_TYPE;
    use serde_json::{Value, json};

    const ENABLED: &str = "io.cilium/aws-node-enabled";

    fn nodes_of(objects: Vec<Value>) -> Nodes {
        let selector = [(ENABLED.to_owned(), "true".to_owned())].into();
        let aws_node = AwsNode::read(&BTreeMap::new(), "amazon-k8s-cni:v1.23.2");
        let mut nodes = Nodes::default();
        for object in objects {
            nodes.add(&serde_json::from_value(object).unwrap(), &selector, &aws_node);
        }
        nodes
    }

    fn node(provider_id: &str, labels: &Value) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": { "name": "a", "labels": labels },
            "spec": { "providerID": provider_id },
            "status": { "addresses": [
                { "type": "Hostname", "address": "a" },
                { "type": "InternalIP", "address": "10.0.0.9" },
            ] },
        })
    }

    const AWS: &str = "aws:///us-west-2a/i-0a";

    #[test]
    fn only_nodes_with_the_cni_count() {
        let labels = |os: &str, kind: &str, enabled: &str| json!({ ZONE: "us-west-2a", INSTANCE_TYPE: "m5.large", OS: os, COMPUTE_TYPE: kind, ENABLED: enabled });
        let nodes = nodes_of(vec![
            node(AWS, &labels("linux", "ec2", "true")),
            node(AWS, &labels("windows", "", "true")),
            node(AWS, &labels("linux", "fargate", "true")),
            node(AWS, &labels("linux", "hybrid", "true")),
            node(AWS, &labels("linux", "ec2", "false")),
            node("kind://a", &labels("linux", "ec2", "true")),
            node(AWS, &json!({ ZONE: "us-west-2a", ENABLED: "true" })),
            node(AWS, &json!({ ZONE: "", INSTANCE_TYPE: "m5.large", ENABLED: "true" })),
        ]);
        let only = NodeFacts {
            zone: "us-west-2a".into(),
            instance_type: "m5.large".into(),
            eni_config: "default".into(),
            instance: Some("i-0a".into()),
            address: Some(Ipv4Addr::new(10, 0, 0, 9)),
        };
        assert_eq!(nodes, Nodes { all: vec![only], ignored: 5, unlabelled: 2 });
        assert_eq!(nodes.types_in("us-west-2a"), [("m5.large".to_owned(), 1)].into());
        assert_eq!(
            nodes.skipped().unwrap(),
            "2 nodes without the label topology.kubernetes.io/zone or node.kubernetes.io/instance-type"
        );
    }

    #[test]
    fn the_annotation_selects_the_eni_config_before_the_label() {
        let labels = json!({
            ZONE: "us-west-2a", INSTANCE_TYPE: "m5.large", ENABLED: "true", DEFAULT_LABEL: "blue",
        });
        let by_label = node(AWS, &labels);
        let mut by_annotation = by_label.clone();
        by_annotation["metadata"]["annotations"] = json!({ DEFAULT_LABEL: "green" });
        let nodes = nodes_of(vec![by_label, by_annotation]);
        let names: Vec<&str> = nodes.all.iter().map(|node| node.eni_config.as_str()).collect();
        assert_eq!(names, ["blue", "green"]);
    }

    #[test]
    fn old_labels_and_the_provider_id_are_used() {
        let old = json!({ OLD_ZONE: "us-west-2b", OLD_INSTANCE_TYPE: "m5.large", ENABLED: "true" });
        let of_provider = json!({ INSTANCE_TYPE: "m5.large", ENABLED: "true" });
        let nodes = nodes_of(vec![node(AWS, &old), node(AWS, &of_provider)]);
        let zones: Vec<&str> = nodes.all.iter().map(|node| node.zone.as_str()).collect();
        assert_eq!(zones, ["us-west-2b", "us-west-2a"]);
    }
}
