//! An example cluster for commands that read a whole cluster: the 40 nodes of [`fleet`] in three zones, of which 6
//! are wrong, and the subnets of their pods, of which one is full.
//!
//! The CNI uses custom networking, with one ENIConfig for each zone.

use crate::ec2::Subnet;
use crate::fleet;
use serde_json::{Value, json};

/// The name of the EKS cluster.
pub const NAME: &str = "prod";
/// The ARN of the EKS cluster, from which its name and region can be read.
pub const ARN: &str = "arn:aws:eks:us-west-2:111122223333:cluster/prod";
/// The role of aws-node.
pub const ROLE: &str = "arn:aws:iam::111122223333:role/prod-aws-node";
/// The security group of the pods.
pub const SECURITY_GROUP: &str = "sg-0123456789abcdef0";

const VPC: &str = "vpc-0123456789abcdef0";

/// The CIDR blocks of the subnets for the pods in each zone.
const POD_CIDRS: [&str; 3] = ["100.64.0.0/22", "100.64.4.0/23", "100.64.8.0/25"];

/// Returns the objects of the Kubernetes API: nodes, pods, ENIConfigs, and the DaemonSet and the service account of
/// the CNI.
#[must_use]
pub fn objects() -> Vec<Value> {
    let mut objects = vec![aws_node(), service_account()];
    let subnets = [0, 1, 2].map(|zone| subnet_id(zone, POD));
    for mut eni_config in fleet::eni_configs([&subnets[0], &subnets[1], &subnets[2]]) {
        eni_config["spec"]["securityGroups"] = json!([SECURITY_GROUP]);
        objects.push(eni_config);
    }
    for node in fleet::nodes() {
        objects.push(node.object());
        objects.extend(node.pods(3 + node.number % 5).into_iter().map(running));
    }
    objects
}

/// Returns the pod with the phase that the kubelet reports.
fn running(mut pod: Value) -> Value {
    pod["status"] = json!({ "phase": "Running" });
    pod
}

const NODE: char = '0';
const POD: char = '1';

/// Returns the subnets of the nodes, and then those of the pods.
#[must_use]
pub fn subnets() -> Vec<Subnet> {
    let nodes = (0..3).map(|zone| subnet(zone, NODE, &format!("10.0.{zone}.0/24"), Vec::new()));
    let pods = (0..3).zip(POD_CIDRS).map(|(zone, cidr)| {
        let used = used_addresses(cidr, 13, zone == 2);
        subnet(zone, POD, cidr, used)
    });
    nodes.chain(pods).collect()
}

/// Returns the ids of the subnets of the nodes, which EKS returns for the cluster.
#[must_use]
pub fn cluster_subnets() -> Vec<String> {
    (0..3).map(|zone| subnet_id(zone, NODE)).collect()
}

/// Returns the id of a subnet in the zone with this index.
fn subnet_id(zone: usize, kind: char) -> String {
    let zone = ['a', 'b', 'c'][zone];
    format!("subnet-0{zone}{kind}0123456789abcd")
}

fn subnet(zone: usize, kind: char, cidr: &str, used: Vec<String>) -> Subnet {
    let role = if kind == POD { "pods" } else { "nodes" };
    let name = fleet::ZONES[zone];
    let tags = [("Name", format!("{NAME}-{role}-{name}")), ("eni-bootstrap/role", role.to_owned())];
    Subnet {
        id: subnet_id(zone, kind),
        vpc: VPC.to_owned(),
        zone: name.to_owned(),
        zone_id: format!("usw2-az{}", zone + 1),
        cidr: cidr.to_owned(),
        free_addresses: usable(cidr) - u32::try_from(used.len()).expect("a small subnet"),
        tags: tags.map(|(key, value)| (key.to_owned(), value)).into(),
        used,
    }
}

/// Returns the number of addresses without the 5 that AWS reserves.
fn usable(cidr: &str) -> u32 {
    let length: u32 = cidr.rsplit('/').next().and_then(|it| it.parse().ok()).expect("a CIDR block");
    (1 << (32 - length)) - 5
}

/// Returns the addresses in use: 10 for each node, with gaps, or all of them.
fn used_addresses(cidr: &str, nodes: u32, is_full: bool) -> Vec<String> {
    let first = cidr.split('/').next().and_then(|it| it.parse::<std::net::Ipv4Addr>().ok());
    let first = first.map(u32::from).expect("a CIDR block");
    let of_node = |node| (0..10).map(move |number| 24 * node + 2 * number);
    let offsets: Vec<u32> =
        if is_full { (0..usable(cidr)).collect() } else { (0..nodes).flat_map(of_node).collect() };
    // AWS reserves the first 4 addresses.
    let address = |offset| std::net::Ipv4Addr::from(first + 4 + offset).to_string();
    offsets.into_iter().map(address).collect()
}

fn aws_node() -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": { "name": "aws-node", "namespace": "kube-system" },
        "spec": { "template": { "spec": { "serviceAccountName": "aws-node", "containers": [{
            "name": "aws-node",
            "image": crate::aws_node::image("v1.20.4-eksbuild.1"),
            "env": fleet::environment(),
        }]}}},
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
        let free: Vec<u32> = subnets().iter().map(|it| it.free_addresses).collect();
        assert_eq!(free, [251, 251, 251, 889, 377, 0]);
        for subnet in subnets() {
            let distinct: BTreeSet<&String> = subnet.used.iter().collect();
            assert_eq!(distinct.len(), subnet.used.len(), "{}", subnet.id);
        }
    }
}
