//! The CNI of a cluster, for programs that do not run on a node.

use super::{ApiServer, AwsNodeError};
use eni_core::domain::aws_node::AwsNode;
use std::collections::BTreeMap;

/// The VPC CNI of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterCni {
    /// The configuration.
    pub aws_node: AwsNode,
    /// The node selector of the DaemonSet. The CNI runs only on nodes with these labels.
    pub node_selector: BTreeMap<String, String>,
}

impl ApiServer {
    /// Returns the configuration of the CNI, and which nodes run it.
    pub async fn cluster_cni(&self) -> Result<ClusterCni, AwsNodeError> {
        let daemon_set = match self.daemon_set().await {
            Ok(daemon_set) => daemon_set,
            Err(error) => return Err(self.beside_other_cni(error).await),
        };
        let selector = &daemon_set.data["spec"]["template"]["spec"]["nodeSelector"];
        let label = |(key, value): (&String, &serde_json::Value)| {
            Some((key.clone(), value.as_str()?.to_owned()))
        };
        let node_selector = selector.as_object().into_iter().flatten().filter_map(label).collect();
        Ok(ClusterCni { aws_node: self.configuration(&daemon_set).await?, node_selector })
    }
}
