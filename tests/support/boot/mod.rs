//! The nodes that are booted, their clusters, and what a boot did.

pub mod kubelet;
pub mod launched;
pub mod machine;
pub mod node;
pub mod order;

use crate::real::real_cluster::ready_cluster;
use crate::support::real_parts::{Cluster, MetadataMock, instance, metadata_mock};
use machine::Machine;
use node::{Family, Node};
use order::Order;
use serde_json::json;

/// The labels that every node here is to have, the one that carries the ENIConfig's name included.
pub const LABELS: &str = "k8s.amazonaws.com/eniConfig=us-west-2a,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a";

/// Marks the instant before the ENIConfig of a node that waits for it is created.
pub const CREATED: &str = "eniconfig-is-created-by-the-test.service";

/// A node that has not booted yet, its instance's metadata and its cluster, which has no ENIConfig.
#[derive(Debug)]
pub struct Site {
    /// Its disk.
    pub node: Node,
    _imds: MetadataMock,
    pub cluster: Cluster,
}

impl Site {
    /// A c5.large, whose pods' subnet is to be that of the ENIConfig us-west-2a: 20 pods.
    pub fn new(case: &str, family: Family) -> Option<Self> {
        Self::of(Node::new(case, family)?, family)
    }

    /// The same for a node of `family`.
    pub fn of(node: Node, family: Family) -> Option<Self> {
        let cluster = ready_cluster()?;
        let imds = metadata_mock(instance("c5.large", "us-west-2a", user_data(&cluster, family)))?;
        node.use_imds(&imds);
        Some(Self { node, _imds: imds, cluster })
    }

    /// What the node waits for.
    pub fn create_eni_config(&self) {
        self.cluster.eni_config(
            "us-west-2a",
            json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }),
        );
    }

    /// The same while `machine` waits for it, to the end of its boot. Fails unless the kubelet was
    /// kept waiting until then, by the instants that the node itself has recorded.
    pub fn create_late(&self, machine: &Machine) -> Order {
        machine.console_until("wait: ENIConfig us-west-2a not found; retrying");
        let waiting = machine.order();
        let unit = waiting.unit("eni-bootstrap.service");
        assert_eq!((unit.state.as_str(), unit.done), ("activating", None), "{waiting}");
        waiting.never_started("nodeadm-run.service");
        waiting.never_started("kubelet.service");
        machine.mark(CREATED);
        self.create_eni_config();
        machine.booted();
        let order = machine.order();
        let said = |text| machine.said("eni-bootstrap", text);
        let (absent, there) = (
            said("wait: ENIConfig us-west-2a not found; retrying"),
            said("wait: ENIConfig us-west-2a found after "),
        );
        let created = order.unit(CREATED).done.unwrap();
        assert!(
            absent <= created && created <= there,
            "not there at {absent:?}, created at {created:?}, there at {there:?}:\n{order}"
        );
        order.was_done(&[CREATED, "eni-bootstrap.service"]);
        for kept_back in ["nodeadm-run.service", "kubelet.service"] {
            order.was(&[CREATED, kept_back]);
            order.was(&["eni-bootstrap.service", kept_back]);
        }
        order
    }
}

/// What the instance was launched with: on AL2023 a `NodeConfig` with a figure and a label of its
/// own, as a managed node group's.
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
    }
}
