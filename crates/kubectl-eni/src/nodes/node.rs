//! The fields of Nodes and pods that the audit reads. All others are skipped while a response is parsed.

use crate::scope::{NodeScope, OLD_INSTANCE_TYPE, OLD_ZONE, OS};
use eni_core::domain::label::{INSTANCE_TYPE, REGION, ZONE};
use eni_core::domain::quantity::Quantity;
use eni_core::host::COMPUTE_TYPE;
use eni_core::plan::DEFAULT_EVICTION;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The label of the zone ID. The AWS cloud controller manager sets it.
pub(crate) const ZONE_ID: &str = "topology.k8s.aws/zone-id";
/// The label of the Karpenter `NodePool`.
pub(crate) const NODE_POOL: &str = "karpenter.sh/nodepool";

/// The labels that the audit reads on every node.
const LABELS: [&str; 9] = [
    ZONE,
    OLD_ZONE,
    ZONE_ID,
    REGION,
    INSTANCE_TYPE,
    OLD_INSTANCE_TYPE,
    OS,
    NODE_POOL,
    COMPUTE_TYPE,
];

/// A Node as the API server sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct NodeObject {
    metadata: NodeMetadata,
    #[serde(default)]
    spec: NodeSpec,
    #[serde(default)]
    status: NodeStatus,
}

#[derive(Debug, Deserialize)]
struct NodeMetadata {
    name: String,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeSpec {
    #[serde(rename = "providerID")]
    provider_id: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeStatus {
    #[serde(default)]
    capacity: BTreeMap<String, String>,
    #[serde(default)]
    allocatable: BTreeMap<String, String>,
    #[serde(default)]
    node_info: NodeInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeInfo {
    #[serde(default)]
    os_image: String,
}

/// What the audit needs of a Node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub name: String,
    /// The labels that the audit reads.
    pub labels: BTreeMap<String, String>,
    /// The annotation that can select the ENIConfig.
    pub annotations: BTreeMap<String, String>,
    /// `spec.providerID`, such as `aws:///us-west-2a/i-0123456789abcdef0`.
    pub provider_id: Option<String>,
    /// Whether the node runs Bottlerocket.
    pub is_bottlerocket: bool,
    /// `status.capacity.pods`; `None` if the kubelet has not reported it.
    pub max_pods: Option<u32>,
    /// The memory in bytes that is reserved; `None` if the kubelet has not reported it.
    pub reserved: Option<u64>,
}

impl NodeObject {
    /// Keeps what the audit needs. `labels` and `annotation` are the keys that the CNI of this cluster reads.
    pub(crate) fn reduce(self, labels: &BTreeSet<String>, annotation: &str) -> Node {
        let Self { mut metadata, spec, status } = self;
        metadata.labels.retain(|key, _| LABELS.contains(&key.as_str()) || labels.contains(key));
        metadata.annotations.retain(|key, _| key == annotation);
        let max_pods = quantity(&status.capacity, "pods").map(u32::try_from);
        Node {
            name: metadata.name,
            labels: metadata.labels,
            annotations: metadata.annotations,
            provider_id: spec.provider_id,
            is_bottlerocket: status.node_info.os_image.starts_with("Bottlerocket"),
            max_pods: max_pods.map(|it| it.unwrap_or(u32::MAX)),
            reserved: status.reserved(),
        }
    }
}

impl NodeStatus {
    /// Returns capacity − allocatable − huge pages − the default of the hard eviction threshold: kube-reserved
    /// and system-reserved.
    ///
    /// Source: `ReadyAllocatable`, `pkg/kubelet/nodestatus/setters.go`, kubernetes/kubernetes.
    fn reserved(&self) -> Option<u64> {
        let capacity = quantity(&self.capacity, "memory")?;
        let allocatable = quantity(&self.allocatable, "memory")?;
        let huge_pages = self.allocatable.keys().filter(|key| key.starts_with("hugepages-"));
        let huge_pages: u64 = huge_pages
            .filter_map(|key| quantity(&self.allocatable, key))
            .fold(0, u64::saturating_add);
        let withheld = capacity.saturating_sub(allocatable).saturating_sub(huge_pages);
        Some(withheld.saturating_sub(DEFAULT_EVICTION))
    }
}

fn quantity(of: &BTreeMap<String, String>, resource: &str) -> Option<u64> {
    of.get(resource)?.parse::<Quantity>().ok().map(|it| it.bytes())
}

impl Node {
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    pub(crate) fn scope(&self) -> NodeScope<'_> {
        NodeScope { labels: &self.labels, provider_id: self.provider_id.as_deref() }
    }

    /// Returns the name of the zone: from the labels, or else from `spec.providerID`.
    pub(crate) fn zone(&self) -> Option<&str> {
        self.scope().zone()
    }

    pub(crate) fn instance_type(&self) -> Option<&str> {
        self.scope().instance_type()
    }

    /// Returns whether Karpenter launched the node.
    pub(crate) fn is_of_karpenter(&self) -> bool {
        self.labels.contains_key(NODE_POOL)
    }
}

/// A pod as the API server sends it. The request selects pods that are assigned to a node and have not ended.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct PodObject {
    #[serde(default)]
    spec: PodSpec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    #[serde(default)]
    node_name: String,
    #[serde(default)]
    host_network: bool,
}

/// The pods of a node that have not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct PodCount {
    /// All of them.
    pub running: u32,
    /// Those with their own address, which do not use the network of the host.
    pub with_address: u32,
}

/// The pods by node.
pub(crate) type PodCounts = BTreeMap<String, PodCount>;

/// Adds a page of pods.
pub(crate) fn count(counts: &mut PodCounts, pods: Vec<PodObject>) {
    for PodObject { spec: PodSpec { node_name, host_network } } in pods {
        let count = counts.entry(node_name).or_default();
        count.running += 1;
        count.with_address += u32::from(!host_network);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reduced(object: serde_json::Value) -> Node {
        let object: NodeObject = serde_json::from_value(object).unwrap();
        object.reduce(&BTreeSet::from(["blue".to_owned()]), "note")
    }

    #[test]
    fn only_the_labels_and_the_annotation_that_the_audit_reads_are_kept() {
        let node = reduced(json!({
            "metadata": {
                "name": "a",
                "labels": { "blue": "1", "red": "2", "beta.kubernetes.io/instance-type": "m5.large" },
                "annotations": { "note": "x", "other": "y" },
                "managedFields": [{}],
            },
            "spec": { "providerID": "aws:///us-west-2a/i-1", "podCIDR": "a" },
            "status": { "nodeInfo": { "osImage": "Bottlerocket OS 1.20.0" } },
        }));
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        assert_eq!(node.labels, map(&[("blue", "1"), (OLD_INSTANCE_TYPE, "m5.large")]));
        assert_eq!(node.annotations, map(&[("note", "x")]));
        assert_eq!((node.zone(), node.instance_type()), (Some("us-west-2a"), Some("m5.large")));
        assert_eq!((node.is_bottlerocket, node.max_pods, node.reserved), (true, None, None));
        let provider_id = Some("aws:///$(reboot)/i-1".to_owned());
        assert_eq!(Node { provider_id, ..Node::default() }.zone(), None, "part of a command");
    }

    #[test]
    fn the_reserve_excludes_huge_pages_and_the_eviction_threshold() {
        let node = reduced(json!({
            "metadata": { "name": "a" },
            "status": {
                "capacity": { "pods": "29", "memory": "8000Mi", "hugepages-2Mi": "64Mi" },
                "allocatable": { "memory": "7361Mi", "hugepages-2Mi": "64Mi", "hugepages-1Gi": "0" },
            },
        }));
        assert_eq!((node.max_pods, node.reserved), (Some(29), Some(475 << 20)));
        let without_reserve = reduced(json!({
            "metadata": { "name": "a" },
            "status": { "capacity": { "memory": "1Gi" }, "allocatable": { "memory": "1Gi" } },
        }));
        assert_eq!(without_reserve.reserved, Some(0), "no reserve and no threshold");
    }

    #[test]
    fn a_pod_of_the_host_network_has_no_address() {
        let pods = json!([
            { "spec": { "nodeName": "a", "hostNetwork": true } },
            { "spec": { "nodeName": "a", "containers": [] } },
            { "spec": { "nodeName": "b" } },
        ]);
        let mut counts = PodCounts::new();
        count(&mut counts, serde_json::from_value(pods).unwrap());
        assert_eq!(counts["a"], PodCount { running: 2, with_address: 1 });
        assert_eq!(counts["b"], PodCount { running: 1, with_address: 1 });
    }
}
