//! An example cluster for commands that read a whole cluster: 3 zones and 40 nodes. Six nodes are wrong, each in
//! another way, and one pod subnet is full.
//!
//! The CNI uses custom networking, with one ENIConfig for each zone.

use crate::ec2::Subnet;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The name of the EKS cluster.
pub const NAME: &str = "prod";
/// The ARN of the EKS cluster, from which its name and region can be read.
pub const ARN: &str = "arn:aws:eks:us-west-2:111122223333:cluster/prod";
/// The role of aws-node.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/prod-aws-node";
/// The security group of the pods.
pub const SECURITY_GROUP: &str = "sg-0123456789abcdef0";

/// The label that the CNI reads the name of the ENIConfig from.
const ZONE: &str = "topology.kubernetes.io/zone";
/// The annotation that takes precedence over the label.
const ENI_CONFIG: &str = "k8s.amazonaws.com/eniConfig";
const VPC: &str = "vpc-0123456789abcdef0";

/// An instance type: its name, the number of vCPUs, its memory in MiB, and max-pods with custom networking.
struct Type(&'static str, &'static str, u32, u32);

const TYPES: [Type; 3] = [
    Type("m5.large", "2", 7_807, 20),
    Type("t3.medium", "2", 3_836, 12),
    Type("c5.xlarge", "4", 7_644, 44),
];

/// A zone: its letter, the number of its nodes, and the CIDR block of the subnet for its pods.
const ZONES: [(char, u32, &str); 3] =
    [('a', 15, "100.64.0.0/22"), ('b', 14, "100.64.4.0/23"), ('c', 11, "100.64.8.0/25")];

/// What is wrong with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// max-pods includes the primary network interface.
    MaxPodsTooHigh,
    /// An annotation selects an ENIConfig that does not exist.
    NoEniConfig,
    /// An annotation selects the ENIConfig without a subnet.
    NoPodSubnet,
    /// An annotation selects the ENIConfig of another zone.
    OtherZone,
    /// The zone label is missing.
    NoZoneLabel,
    /// The reserved memory is for 4 pods.
    ReserveTooSmall,
}

/// Returns the wrong nodes by name.
#[must_use]
pub fn wrong_nodes() -> BTreeMap<String, Fault> {
    [
        ('a', 2, Fault::MaxPodsTooHigh),
        ('a', 7, Fault::OtherZone),
        ('b', 3, Fault::NoEniConfig),
        ('b', 8, Fault::ReserveTooSmall),
        ('b', 11, Fault::NoPodSubnet),
        ('c', 5, Fault::NoZoneLabel),
    ]
    .map(|(zone, number, fault)| (node_name(zone, number), fault))
    .into()
}

/// Returns the objects of the Kubernetes API: nodes, pods, ENIConfigs, and the DaemonSet and the service account of
/// the CNI.
#[must_use]
pub fn objects() -> Vec<Value> {
    let mut objects = vec![aws_node(), service_account()];
    objects.extend(eni_configs());
    let wrong = wrong_nodes();
    for (zone, count, _) in ZONES {
        for number in 0..count {
            let name = node_name(zone, number);
            let fault = wrong.get(&name).copied();
            objects.push(node(&name, zone, number, fault));
            objects.extend(pods(&name, number));
        }
    }
    objects
}

/// Returns the subnets of the nodes, with their security group's VPC, and then those of the pods.
#[must_use]
pub fn subnets() -> Vec<Subnet> {
    let nodes = ZONES.iter().zip(0..).map(|((zone, ..), index)| {
        subnet(*zone, index, "0", &format!("10.0.{index}.0/24"), "nodes", &[])
    });
    let pods = ZONES.iter().zip(0..).map(|((zone, nodes, cidr), index)| {
        let used = used_addresses(cidr, *nodes, *zone == 'c');
        subnet(*zone, index, "1", cidr, "pods", &used)
    });
    nodes.chain(pods).collect()
}

/// Returns the ids of the subnets of the nodes, which EKS returns for the cluster.
#[must_use]
pub fn cluster_subnets() -> Vec<String> {
    ZONES.iter().map(|(zone, ..)| subnet_id(*zone, "0")).collect()
}

fn subnet_id(zone: char, kind: &str) -> String {
    format!("subnet-0{zone}{kind}0123456789abcd")
}

fn subnet(zone: char, index: u32, kind: &str, cidr: &str, role: &str, used: &[String]) -> Subnet {
    let length: u32 = cidr.rsplit('/').next().and_then(|it| it.parse().ok()).unwrap_or(24);
    // AWS reserves 5 addresses in each subnet.
    let free = (1 << (32 - length)) - 5 - u32::try_from(used.len()).unwrap_or(0);
    let tags =
        [("Name", format!("{NAME}-{role}-us-west-2{zone}")), ("eni-bootstrap/role", role.into())];
    Subnet {
        id: subnet_id(zone, kind),
        vpc: VPC.to_owned(),
        zone: format!("us-west-2{zone}"),
        zone_id: format!("usw2-az{}", index + 1),
        cidr: cidr.to_owned(),
        free_addresses: free,
        tags: tags.map(|(key, value)| (key.to_owned(), value)).into(),
        used: used.to_vec(),
    }
}

/// Returns the addresses in use: 10 for each node, with gaps, or all of them.
fn used_addresses(cidr: &str, nodes: u32, is_full: bool) -> Vec<String> {
    let (first, length) = cidr.split_once('/').unwrap_or((cidr, "24"));
    let first: u32 = first.parse::<std::net::Ipv4Addr>().map_or(0, u32::from);
    let usable = (1 << (32 - length.parse::<u32>().unwrap_or(24))) - 5;
    let of_node = |node| (0..10).map(move |number| 24 * node + 2 * number);
    let offsets: Vec<u32> =
        if is_full { (0..usable).collect() } else { (0..nodes).flat_map(of_node).collect() };
    // AWS reserves the first 4 addresses.
    let address = |offset| std::net::Ipv4Addr::from(first + 4 + offset).to_string();
    offsets.into_iter().map(address).collect()
}

fn node_name(zone: char, number: u32) -> String {
    let network = u32::from(zone) - u32::from('a');
    format!("ip-10-0-{network}-{}.us-west-2.compute.internal", 10 + number)
}

fn node(name: &str, zone: char, number: u32, fault: Option<Fault>) -> Value {
    let Type(instance_type, cpus, memory, max_pods) = &TYPES[number as usize % TYPES.len()];
    let mut labels = json!({
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "node.kubernetes.io/instance-type": instance_type,
        "topology.kubernetes.io/region": "us-west-2",
        ZONE: format!("us-west-2{zone}"),
    });
    let mut annotations = json!({});
    let (mut pods, mut reserved) = (*max_pods, 255 + 11 * max_pods);
    match fault {
        None => {}
        Some(Fault::MaxPodsTooHigh) => {
            // c5.xlarge: 4 network interfaces with 14 addresses for pods, and 2 pods on the host network.
            pods = 58;
            reserved = 255 + 11 * pods;
        }
        Some(Fault::NoEniConfig) => annotations[ENI_CONFIG] = json!("spare"),
        Some(Fault::NoPodSubnet) => annotations[ENI_CONFIG] = json!("legacy"),
        Some(Fault::OtherZone) => annotations[ENI_CONFIG] = json!("us-west-2b"),
        Some(Fault::NoZoneLabel) => {
            labels.as_object_mut().expect("an object").remove(ZONE);
        }
        Some(Fault::ReserveTooSmall) => reserved = 255 + 11 * 4,
    }
    // The kubelet also reserves 100 MiB for its hard eviction threshold.
    let allocatable = memory - reserved - 100;
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "uid": format!("00000000-0000-4000-8000-0000000{:02x}{number:03}", u32::from(zone)),
            "creationTimestamp": "2026-11-01T00:00:00Z",
            "resourceVersion": "1",
            "labels": labels,
            "annotations": annotations,
        },
        "spec": { "providerID": format!("aws:///us-west-2{zone}/i-0{:02x}{number:014}", u32::from(zone)) },
        "status": {
            "capacity": { "cpu": cpus, "memory": format!("{}Ki", memory * 1024), "pods": pods.to_string() },
            "allocatable": { "cpu": cpus, "memory": format!("{}Ki", allocatable * 1024), "pods": pods.to_string() },
            "conditions": [{ "type": "Ready", "status": "True" }],
            "nodeInfo": { "kubeletVersion": "v1.34.2-eks-ecaa3a6", "operatingSystem": "linux", "architecture": "amd64", "osImage": "Amazon Linux 2023" },
        },
    })
}

/// Returns the pods of a node: two on the host network, and some with an address of the CNI.
fn pods(node: &str, number: u32) -> Vec<Value> {
    let host = ["aws-node", "kube-proxy"].map(|name| ("kube-system", name.to_owned(), true));
    let others = (0..3 + number % 5).map(|index| ("shop", format!("web-{index}"), false));
    host.into_iter()
        .chain(others)
        .map(|(namespace, name, on_host)| {
            let name = format!("{name}-{}", node.split('.').next().unwrap_or_default());
            json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": { "name": name, "namespace": namespace },
                "spec": { "nodeName": node, "hostNetwork": on_host, "containers": [{ "name": "main", "image": "web" }] },
                "status": { "phase": "Running" },
            })
        })
        .collect()
}

fn eni_configs() -> Vec<Value> {
    let eni_config = |name: &str, spec: Value| {
        json!({
            "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
            "kind": "ENIConfig",
            "metadata": { "name": name, "generation": 1, "resourceVersion": "1" },
            "spec": spec,
        })
    };
    let mut eni_configs: Vec<Value> = ZONES
        .iter()
        .map(|(zone, ..)| {
            let spec =
                json!({ "subnet": subnet_id(*zone, "1"), "securityGroups": [SECURITY_GROUP] });
            eni_config(&format!("us-west-2{zone}"), spec)
        })
        .collect();
    eni_configs.push(eni_config("legacy", json!({ "securityGroups": [SECURITY_GROUP] })));
    eni_configs
}

fn aws_node() -> Value {
    let environment = [
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENI_CONFIG_LABEL_DEF", ZONE),
        ("WARM_ENI_TARGET", "1"),
    ];
    let environment = environment.map(|(name, value)| json!({ "name": name, "value": value }));
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": { "name": "aws-node", "namespace": "kube-system" },
        "spec": { "template": { "spec": { "serviceAccountName": "aws-node", "containers": [
            { "name": "aws-node", "image": crate::aws_node::image("v1.20.4-eksbuild.1"), "env": environment },
        ]}}},
    })
}

fn service_account() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            "name": "aws-node",
            "namespace": "kube-system",
            "annotations": { "eks.amazonaws.com/role-arn": ROLE },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_cluster_has_40_nodes_and_one_full_subnet() {
        let of_kind = |kind: &str| objects().iter().filter(|it| it["kind"] == kind).count();
        assert_eq!(["Node", "ENIConfig", "DaemonSet"].map(of_kind), [40, 4, 1]);
        assert_eq!(wrong_nodes().len(), 6);
        let names: BTreeSet<String> =
            objects().iter().map(|it| it["metadata"]["name"].to_string()).collect();
        assert!(wrong_nodes().keys().all(|name| names.contains(&json!(name).to_string())));
        let free: Vec<u32> = subnets().iter().map(|it| it.free_addresses).collect();
        assert_eq!(free, [251, 251, 251, 869, 367, 0]);
        for subnet in subnets() {
            let distinct: BTreeSet<&String> = subnet.used.iter().collect();
            assert_eq!(distinct.len(), subnet.used.len(), "{}", subnet.id);
        }
    }
}
