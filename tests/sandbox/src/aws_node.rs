//! The aws-node DaemonSet of the simulated cluster.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// The aws-node DaemonSet.
pub(crate) struct AwsNode {
    /// The environment; `None` if the DaemonSet does not exist.
    pub environment: Option<Vec<(String, String)>>,
    /// The container image.
    pub image: String,
}

/// The CNI is configured for custom networking.
impl Default for AwsNode {
    fn default() -> Self {
        let name = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG".to_owned();
        let image = image("v1.20.4-eksbuild.1");
        Self { environment: Some(vec![(name, "true".to_owned())]), image }
    }
}

/// Returns the image of the VPC CNI with this tag, as EKS installs it.
pub(crate) fn image(tag: &str) -> String {
    format!("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:{tag}")
}

impl AwsNode {
    /// Returns the object with a node selector; `None` if it does not exist.
    pub fn daemon_set(&self, node_selector: &BTreeMap<String, String>) -> Option<Value> {
        let variable = |(name, value): &(String, String)| json!({ "name": name, "value": value });
        let environment: Vec<Value> = self.environment.as_ref()?.iter().map(variable).collect();
        Some(json!({
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": { "name": "aws-node", "namespace": "kube-system" },
            "spec": { "template": { "spec": { "nodeSelector": node_selector, "containers": [
                { "name": "aws-node", "image": self.image, "env": environment },
                { "name": "aws-eks-nodeagent", "env": [] },
            ]}}},
        }))
    }
}
