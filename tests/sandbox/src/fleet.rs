//! The nodes and pods of a cluster with custom networking, as objects of the Kubernetes API: 40 nodes in three
//! zones, of which 6 are wrong, each in another way.

use serde_json::{Value, json};

/// The zones with an ENIConfig.
pub const ZONES: [&str; 3] = ["us-west-2a", "us-west-2b", "us-west-2c"];

/// The wrong nodes: the number of the node, and the verdict of `kubectl eni nodes`.
pub const WRONG: [(u32, &str); 6] = [
    (35, "max-pods-too-high"),
    (36, "no-eni-config"),
    (37, "no-pod-subnet"),
    (38, "other-zone"),
    (39, "no-zone-label"),
    (40, "reserve-too-small"),
];

/// The eviction threshold of the kubelet in MiB.
const EVICTION: u32 = 100;

/// A node of the fleet.
#[derive(Clone, Debug)]
pub struct FleetNode {
    /// From 1. Part of the name and of the instance ID.
    pub number: u32,
    pub instance_type: &'static str,
    /// The memory of the instance type in MiB.
    pub memory: u32,
    pub zone: &'static str,
    pub max_pods: u32,
    /// kube-reserved memory in MiB.
    pub reserved: u32,
    /// Further labels. An empty value removes the label.
    pub labels: Vec<(&'static str, &'static str)>,
    pub annotations: Vec<(&'static str, &'static str)>,
    pub os_image: &'static str,
}

impl FleetNode {
    /// Returns a node with the values that eni-bootstrap configures.
    #[must_use]
    pub fn new(number: u32, instance_type: &'static str) -> Self {
        let (memory, max_pods) = match instance_type {
            "m5.large" => (7_724, 20),
            "m5.xlarge" => (15_652, 44),
            "c5.4xlarge" => (30_888, 110),
            "m5.24xlarge" => (381_204, 250),
            other => panic!("no values for {other}"),
        };
        Self {
            number,
            instance_type,
            memory,
            zone: ZONES[number as usize % ZONES.len()],
            max_pods,
            reserved: 255 + 11 * max_pods,
            labels: Vec::new(),
            annotations: Vec::new(),
            os_image: "Amazon Linux 2023.9.20260101",
        }
    }

    fn label(mut self, key: &'static str, value: &'static str) -> Self {
        self.labels.push((key, value));
        self
    }

    /// Returns the name of the Node.
    #[must_use]
    pub fn name(&self) -> String {
        let [_, _, high, low] = self.number.to_be_bytes();
        format!("ip-10-0-{high}-{low}.us-west-2.compute.internal")
    }

    /// Returns the Node object with its status.
    #[must_use]
    pub fn object(&self) -> Value {
        let Self { instance_type, zone, max_pods, .. } = self;
        let mut labels = json!({
            "kubernetes.io/os": "linux",
            "kubernetes.io/arch": "amd64",
            "kubernetes.io/hostname": self.name(),
            "node.kubernetes.io/instance-type": instance_type,
            "topology.kubernetes.io/region": "us-west-2",
            "topology.kubernetes.io/zone": zone,
        });
        for (key, value) in &self.labels {
            match *value {
                "" => drop(labels.as_object_mut().unwrap().remove(*key)),
                value => labels[key] = value.into(),
            }
        }
        let annotations: serde_json::Map<_, _> =
            self.annotations.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        let allocatable = self.memory - self.reserved - EVICTION;
        json!({
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": { "name": self.name(), "labels": labels, "annotations": annotations },
            "spec": { "providerID": format!("aws:///{zone}/i-{:017x}", self.number) },
            "status": {
                "capacity": {
                    "cpu": "2",
                    "ephemeral-storage": "83873772Ki",
                    "hugepages-2Mi": "0",
                    "memory": format!("{}Ki", self.memory << 10),
                    "pods": max_pods.to_string(),
                },
                "allocatable": {
                    "cpu": "1930m",
                    "ephemeral-storage": "76224326324",
                    "hugepages-2Mi": "0",
                    "memory": format!("{}Ki", allocatable << 10),
                    "pods": max_pods.to_string(),
                },
                "conditions": [{
                    "type": "Ready", "status": "True", "reason": "KubeletReady",
                    "message": "kubelet is posting ready status",
                    "lastHeartbeatTime": "2026-11-22T12:00:00Z",
                    "lastTransitionTime": "2026-11-22T12:00:00Z",
                }],
                "nodeInfo": {
                    "architecture": "amd64", "bootID": "b", "containerRuntimeVersion": "containerd://2.1.4",
                    "kernelVersion": "6.12.40", "kubeProxyVersion": "", "kubeletVersion": "v1.34.1-eks-1",
                    "machineID": "m", "operatingSystem": "linux", "osImage": self.os_image,
                    "systemUUID": "s",
                },
            },
        })
    }

    /// Returns `count` pods with an address on this node, and the two of the host network.
    #[must_use]
    pub fn pods(&self, count: u32) -> Vec<Value> {
        let pod = |name: String, host_network: bool| {
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "name": name, "namespace": "default" },
                "spec": {
                    "nodeName": self.name(),
                    "hostNetwork": host_network,
                    "containers": [{ "name": "app", "image": "example.com/app:1" }],
                },
            })
        };
        let system = ["aws-node", "kube-proxy"];
        let system = system.map(|name| pod(format!("{name}-{}", self.number), true));
        let apps = (1..=count).map(|it| pod(format!("app-{}-{it}", self.number), false));
        system.into_iter().chain(apps).collect()
    }
}

/// Returns the environment variables of aws-node.
#[must_use]
pub fn environment() -> Value {
    json!([
        { "name": "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "value": "true" },
        { "name": "ENI_CONFIG_LABEL_DEF", "value": "topology.kubernetes.io/zone" },
    ])
}

/// Returns the ENIConfig of each zone with a subnet of `subnets`, and the ENIConfig `gpu` without a subnet.
#[must_use]
pub fn eni_configs(subnets: [&str; 3]) -> Vec<Value> {
    let named = ZONES.into_iter().zip(subnets).chain([("gpu", "")]);
    let object = |(name, subnet): (&str, &str)| {
        json!({
            "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
            "kind": "ENIConfig",
            "metadata": { "name": name },
            "spec": { "subnet": subnet, "securityGroups": [] },
        })
    };
    named.map(object).collect()
}

/// Returns the nodes: 28 are right, 1 has a lower max-pods, 5 do not run the Amazon VPC CNI, and 6 are wrong.
#[must_use]
pub fn nodes() -> Vec<FleetNode> {
    const COMPUTE_TYPE: &str = "eks.amazonaws.com/compute-type";
    const ENI_CONFIG: &str = "k8s.amazonaws.com/eniConfig";
    let of = |types: [(&'static str, std::ops::RangeInclusive<u32>); 5]| {
        let each = types.into_iter();
        each.flat_map(|(name, numbers)| numbers.map(move |it| FleetNode::new(it, name)))
    };
    let mut nodes: Vec<FleetNode> = of([
        ("m5.large", 1..=12),
        ("m5.xlarge", 13..=18),
        ("c5.4xlarge", 19..=21),
        ("m5.24xlarge", 22..=23),
        ("m5.large", 24..=28),
    ])
    .collect();
    for node in &mut nodes[23..26] {
        // Karpenter plans with 29 pods: all network interfaces.
        node.reserved = 574;
        node.labels.push(("karpenter.sh/nodepool", "default"));
    }
    for node in &mut nodes[26..28] {
        node.os_image = "Bottlerocket OS 1.49.0 (aws-k8s-1.34)";
    }
    // podsPerCore = 4.
    nodes.push(FleetNode { max_pods: 16, reserved: 431, ..FleetNode::new(29, "m5.xlarge") });
    let other = |number| FleetNode::new(number, "m5.large");
    nodes.extend([
        other(30).label(COMPUTE_TYPE, "fargate"),
        other(31).label(COMPUTE_TYPE, "fargate"),
        other(32).label("kubernetes.io/os", "windows"),
        other(33).label(COMPUTE_TYPE, "auto"),
        other(34).label(COMPUTE_TYPE, "hybrid"),
        FleetNode { max_pods: 29, reserved: 574, ..other(35) },
        other(36).label("vpc.amazonaws.com/externalEniConfig", "blue"),
        FleetNode { annotations: vec![(ENI_CONFIG, "gpu")], ..other(37) },
        FleetNode { annotations: vec![(ENI_CONFIG, "us-west-2a")], ..other(38) },
        other(39).label("topology.kubernetes.io/zone", ""),
        FleetNode { reserved: 300, ..FleetNode::new(40, "c5.4xlarge") },
    ]);
    nodes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_has_another_name() {
        let names: std::collections::BTreeSet<String> =
            nodes().iter().map(FleetNode::name).collect();
        assert_eq!(names.len(), 40);
    }
}
