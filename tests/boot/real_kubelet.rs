//! The real kubelet registers a Node with the planned values: `plan` and the Node object agree on max-pods,
//! the reserve and the labels. Each test prints the values of both.

mod competing_configuration;

use crate::real::real_cluster::{self, CUSTOM, env};
use crate::support::boot::real_kubelet::{Host, Image, RealNode, Version};
use crate::support::real_parts::Cluster;
use serde_json::json;
use std::fs;

const PREFIXES: (&str, &str) = ("ENABLE_PREFIX_DELEGATION", "true");
const POD_ENI: (&str, &str) = ("ENABLE_POD_ENI", "true");

/// A mode of the CNI, and an instance type.
#[derive(Clone, Copy, Debug)]
struct Mode {
    name: &'static str,
    /// The variables of the aws-node DaemonSet.
    variables: &'static [(&'static str, &'static str)],
    instance_type: &'static str,
    max_pods: &'static str,
}

const CUSTOM_NETWORKING: Mode = Mode {
    name: "custom networking",
    variables: &[CUSTOM],
    instance_type: "c5.large",
    max_pods: "20",
};
/// The modes besides [`CUSTOM_NETWORKING`]. On a t3.nano, the ceiling of 110 pods does not apply to prefixes.
const MODES: [Mode; 4] = [
    Mode { name: "plain", variables: &[], instance_type: "c5.large", max_pods: "29" },
    Mode {
        name: "prefix delegation",
        variables: &[PREFIXES],
        instance_type: "t3.nano",
        max_pods: "34",
    },
    Mode {
        name: "custom networking, prefixes",
        variables: &[CUSTOM, PREFIXES],
        instance_type: "t3.nano",
        max_pods: "18",
    },
    Mode {
        name: "custom networking, pod ENI",
        variables: &[CUSTOM, POD_ENI],
        instance_type: "c5.large",
        max_pods: "11",
    },
];
/// An empty drop-in directory of the kubelet.
const CONFIG_DIR: &str = "/etc/kubernetes/kubelet/drop-ins";

/// Returns a cluster with custom networking and an ENIConfig for the node.
fn ready_cluster() -> Option<Cluster> {
    let cluster = real_cluster::ready_cluster()?;
    cluster.eni_config("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }));
    Some(cluster)
}

/// Prepares a node in `mode`. Returns it and the name of the case.
fn node<'a>(cluster: &'a Cluster, mode: Mode, image: Image<'a>) -> Option<(RealNode<'a>, String)> {
    cluster.install_cni(env(mode.variables));
    let case = format!("{} {}, {}", image.host.name(), image.version.minor(), mode.name);
    let folder = format!("real_kubelet_{}", case.replace([' ', ',', '='], "_"));
    let node = RealNode::new(&folder, cluster, mode.instance_type, image)?;
    Some((node, case))
}

/// Boots a node in every mode. Boots the last one again as another instance type.
fn assert_every_mode(host: Host) {
    let Some(cluster) = ready_cluster() else { return };
    let image = Image::new(host, Version::V1_34);
    for mode in MODES.into_iter().chain([CUSTOM_NETWORKING]) {
        let Some((mut node, case)) = node(&cluster, mode, image) else { return };
        let first = node.compare(&case);
        first.assert_equal();
        assert_eq!(first.registered("capacity.pods"), mode.max_pods, "{case}");
        if mode.name == CUSTOM_NETWORKING.name {
            node.change_instance_type("m5.xlarge");
            let second = node.compare(&format!("{case}, now m5.xlarge"));
            second.assert_equal();
            assert_eq!(second.registered("capacity.pods"), "44");
        }
    }
}

#[test]
fn node_of_the_nodeadm_host_has_the_planned_values_in_every_mode() {
    assert_every_mode(Host::Nodeadm);
}

#[test]
fn node_of_the_kubelet_dropin_host_has_the_planned_values_in_every_mode() {
    assert_every_mode(Host::KubeletDropin);
}

#[test]
fn node_of_the_kubeadm_host_has_the_planned_values_in_every_mode() {
    assert_every_mode(Host::Kubeadm);
}

#[test]
fn node_of_kubelet_1_36_has_the_planned_values_on_every_host() {
    let Some(cluster) = ready_cluster() else { return };
    for host in Host::ALL {
        let image = Image::new(host, Version::V1_36);
        let Some((mut node, case)) = node(&cluster, CUSTOM_NETWORKING, image) else { return };
        node.compare(&case).assert_equal();
    }
}

/// nodeadm itself passes `--config-dir`.
#[test]
fn node_has_the_planned_values_with_an_empty_config_dir() {
    let Some(cluster) = ready_cluster() else { return };
    let flag = format!("--config-dir={CONFIG_DIR}");
    let flags = [flag.as_str()];
    for host in [Host::KubeletDropin, Host::Kubeadm] {
        for version in [Version::V1_34, Version::V1_36] {
            let image = Image { flags: &flags, ..Image::new(host, version) };
            let mode = Mode { name: "empty --config-dir", ..CUSTOM_NETWORKING };
            let Some((mut node, case)) = node(&cluster, mode, image) else { return };
            fs::create_dir_all(node.node.path(CONFIG_DIR)).unwrap();
            node.compare(&case).assert_equal();
        }
    }
}

/// `podsPerCore` limits the pods of the kubelet. It does not change max-pods.
#[test]
fn pods_per_core_lowers_the_capacity_of_the_node() {
    let Some(cluster) = ready_cluster() else { return };
    // Its max-pods is the ceiling of 110 pods.
    let mode = Mode { name: "podsPerCore 4", instance_type: "c5.4xlarge", ..CUSTOM_NETWORKING };
    for host in Host::ALL {
        let image = Image { config: r#"{ "podsPerCore": 4 }"#, ..Image::new(host, Version::V1_34) };
        let Some((mut node, case)) = node(&cluster, mode, image) else { return };
        let (machine, object) = node.boot_and_register();
        let mut comparison = node.comparison(&case, &machine, &object);
        let cpus: u64 = object["status"]["capacity"]["cpu"].as_str().unwrap().parse().unwrap();
        let planned = node.plan(&machine)["max-pods"].as_u64().unwrap();
        let pods = planned.min(4 * cpus).to_string();
        for name in ["capacity.pods", "allocatable.pods"] {
            comparison.expect(name, &pods);
        }
        comparison.assert_equal();
        node.power_off(machine);
    }
}
