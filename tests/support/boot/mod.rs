//! Nodes that the tests boot, their instance metadata and their clusters.

pub mod download_node;
pub mod kubelet;
pub mod machine;
pub mod node;
pub mod real_kubelet;
pub mod restrictions;
pub mod unit_order;

use crate::real::real_cluster::ready_cluster;
use crate::support::real_parts::{Cluster, MetadataMock, instance, metadata_mock};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubelet::{EffectiveKubelet, Kubelet};
use machine::Machine;
use node::{Family, Node};
use serde_json::json;
use std::fs;
use unit_order::UnitOrder;

/// The labels that eni-bootstrap configures on every [`Fixture`].
pub const LABELS: &str = "k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";

/// The unit that [`Fixture::create_eni_config_late`] starts just before it creates the ENIConfig.
pub const CREATED: &str = "eniconfig-is-created-by-the-test.service";

/// A node that has not booted yet, its instance metadata, and its cluster without an ENIConfig.
#[derive(Debug)]
pub struct Fixture {
    pub node: Node,
    _imds: MetadataMock,
    pub cluster: Cluster,
}

impl Fixture {
    /// Prepares a c5.large of `family` with eni-bootstrap installed and enabled. With custom networking
    /// and the ENIConfig us-west-2a, its max-pods is 20.
    pub fn new(case: &str, family: Family) -> Option<Self> {
        Self::with_node(Node::new(case, family)?, family)
    }

    /// Prepares `node`, whose image is of `family`, as a c5.large.
    pub fn with_node(node: Node, family: Family) -> Option<Self> {
        let cluster = ready_cluster()?;
        let imds = metadata_mock(instance("c5.large", "us-west-2a", user_data(&cluster, family)))?;
        node.use_imds(&imds);
        Some(Self { node, _imds: imds, cluster })
    }

    /// Creates the ENIConfig that the node waits for.
    pub fn create_eni_config(&self) {
        self.cluster.eni_config(
            "us-west-2a",
            json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }),
        );
    }

    /// Creates the ENIConfig while `machine` waits for it, and waits until the boot is complete.
    /// Asserts, by the timestamps of the node, that the kubelet did not start before that.
    pub fn create_eni_config_late(&self, machine: &Machine) -> UnitOrder {
        machine.wait_for_console("wait: ENIConfig us-west-2a not found; retrying");
        let waiting = machine.order();
        let unit = waiting.unit("eni-bootstrap.service");
        assert_eq!((unit.state.as_str(), unit.done), ("activating", None), "{waiting}");
        waiting.assert_never_started("nodeadm-run.service");
        waiting.assert_never_started("kubelet.service");
        machine.mark(CREATED);
        self.create_eni_config();
        machine.wait_until_booted();
        let order = machine.order();
        let logged = |text| machine.first_logged("eni-bootstrap", text);
        let (missing, ready) = (
            logged("wait: ENIConfig us-west-2a not found; retrying"),
            logged("wait: ENIConfig us-west-2a found "),
        );
        let created = order.unit(CREATED).done.unwrap();
        assert!(
            missing <= created && created <= ready,
            "not found at {missing:?}, created at {created:?}, ready at {ready:?}:\n{order}"
        );
        order.assert_completion_order(&[CREATED, "eni-bootstrap.service"]);
        for blocked in ["nodeadm-run.service", "kubelet.service"] {
            order.assert_order(&[CREATED, blocked]);
            order.assert_order(&["eni-bootstrap.service", blocked]);
        }
        order
    }

    /// Boots the node, and waits until the boot is complete and the kubelet has started.
    pub fn boot(&self) -> (Machine, Kubelet) {
        let machine = self.node.boot();
        machine.wait_until_booted();
        let kubelet = Kubelet::started(&machine);
        (machine, kubelet)
    }

    /// Boots an AL2023 node. Asserts that eni-bootstrap ran before nodeadm and configured the kubelet.
    pub fn boot_configured(&self) -> Machine {
        let (machine, kubelet) = self.boot();
        machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
        assert_eq!(kubelet.effective(), EffectiveKubelet::configured());
        machine
    }

    /// Completes the first boot of an AL2 node.
    pub fn complete_al2_bootstrap(&self) {
        complete_al2_bootstrap(&self.node, &self.cluster);
    }
}

/// Writes the files that `bootstrap.sh` leaves on the disk at the end of the first boot of an AL2 node of
/// `cluster`, and enables the kubelet.
pub fn complete_al2_bootstrap(node: &Node, cluster: &Cluster) {
    let image = |path| fs::read_to_string(node.path(path)).unwrap();
    let unit = image("etc/eks/containerd/kubelet-containerd.service");
    node.write("etc/systemd/system/kubelet.service", &unit);
    node.drop_in(
        "kubelet.service",
        "10-kubelet-args",
        "[Service]\nEnvironment='KUBELET_ARGS=--node-ip=10.20.0.10 --v=2'\n",
    );
    node.drop_in(
        "kubelet.service",
        "30-kubelet-extra-args",
        "[Service]\nEnvironment='KUBELET_EXTRA_ARGS=--max-pods=29 --node-labels=team=blue'\n",
    );
    let kubeconfig = image("var/lib/kubelet/kubeconfig")
        .replace("MASTER_ENDPOINT", &cluster.url())
        .replace("CLUSTER_NAME", "real")
        .replace("AWS_REGION", "us-west-2");
    node.write("var/lib/kubelet/kubeconfig", &kubeconfig);
    let authority = BASE64_STANDARD.decode(cluster.ca_base64()).unwrap();
    node.write("etc/kubernetes/pki/ca.crt", &String::from_utf8(authority).unwrap());
    node.systemctl(&["enable", "kubelet.service"]);
}

/// Returns the user data of a node of `family` in `cluster`: on AL2023 a `NodeConfig` that sets
/// max-pods and a label, as a managed node group does; on AL2 a call of `bootstrap.sh`; none for kubeadm.
pub fn user_data(cluster: &Cluster, family: Family) -> String {
    match family {
        Family::Al2023 => format!(
            "{}  kubelet:\n    config:\n      maxPods: 29\n    flags:\n      - --node-labels=team=blue\n",
            cluster.node_config()
        ),
        Family::Al2 => format!(
            "#!/bin/bash\n/etc/eks/bootstrap.sh real --apiserver-endpoint {} --b64-cluster-ca {}\n",
            cluster.url(),
            cluster.ca_base64()
        ),
        Family::Kubeadm => String::new(),
    }
}
