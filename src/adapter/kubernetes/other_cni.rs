//! Recognizes a cluster that uses another CNI instead of the Amazon VPC CNI.

use super::{ApiServer, AwsNodeError, Environment, KubernetesError, resource};
use crate::adapter::Transient as _;
use futures::future::join_all;
use kube::api::{Api, DynamicObject};
use std::collections::BTreeMap;
use tracing::debug;

/// The node selectors that keep aws-node off the nodes of another CNI, with the name of this CNI. No node
/// has such a label by default.
///
/// Source: "Installation using Helm", Cilium documentation. Calico's documentation uses its label for
/// kube-proxy, and installation scripts use it for aws-node in the same way.
const SELECTORS: [(&str, &str); 2] =
    [("io.cilium/aws-node-enabled", "Cilium"), ("non-calico", "Calico")];

/// Each DaemonSet of another CNI, by namespace and name. `rbac.yaml` lets nodes read those in kube-system.
const DAEMON_SETS: [(&str, &str); 6] = [
    ("kube-system", "cilium"),
    ("calico-system", "calico-node"),
    ("kube-system", "calico-node"),
    ("kube-system", "kube-flannel-ds"),
    ("kube-system", "weave-net"),
    ("kube-system", "antrea-agent"),
];

/// A node selector of aws-node that belongs to another CNI, and that this node does not match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this cluster uses {cni} instead of the Amazon VPC CNI: the nodeSelector of DaemonSet aws-node requires label {label}={value}"
)]
pub struct OtherCni {
    /// The name of the CNI.
    pub cni: &'static str,
    /// The key of the label.
    pub label: &'static str,
    /// The value of the label.
    pub value: String,
}

impl ApiServer {
    /// Checks that the nodeSelector of aws-node does not belong to another CNI. `labels` are those that
    /// the kubelet sets; a registered node may have others.
    pub(super) async fn check_selector(
        &self,
        daemon_set: &DynamicObject,
        labels: &Environment,
    ) -> Result<(), AwsNodeError> {
        let Some(other) = excluded_by(daemon_set, labels) else { return Ok(()) };
        match self.known_node().await {
            Ok(Some(node)) if excluded_by(daemon_set, &node.labels).is_none() => Ok(()),
            // Without this object, a labelled node would be declined.
            Err(error) if error.is_transient() => Err(error.into()),
            _ => Err(other.into()),
        }
    }

    /// Adds the DaemonSet of another CNI to an error that states that there is no aws-node.
    pub(crate) async fn beside_other_cni(&self, error: AwsNodeError) -> AwsNodeError {
        match error {
            AwsNodeError::NotFound => {
                let other_cni = Box::pin(self.other_cni()).await;
                other_cni.map_or(AwsNodeError::NotFound, AwsNodeError::NotFoundBeside)
            }
            other => other,
        }
    }

    /// Returns the namespace and the name of another CNI's DaemonSet, such as `kube-system/cilium`. Skips
    /// those that cannot be read, because they only improve an error message.
    async fn other_cni(&self) -> Option<String> {
        let found = DAEMON_SETS.map(async |(namespace, name)| {
            let exists = self.has_daemon_set(namespace, name).await.unwrap_or(false);
            exists.then(|| format!("{namespace}/{name}"))
        });
        join_all(found).await.into_iter().flatten().next()
    }

    async fn has_daemon_set(&self, namespace: &str, name: &str) -> Result<bool, KubernetesError> {
        debug!("kubernetes: GET daemonsets/{name} in {namespace}");
        let kind = resource("apps", "v1", "DaemonSet", "daemonsets");
        let api = Api::namespaced_with(self.credentials.client().await?, namespace, &kind);
        Ok(self.get(&api, name).await?.is_some())
    }
}

/// Returns the selector of another CNI in `daemon_set` that a node with `labels` does not match.
fn excluded_by(daemon_set: &DynamicObject, labels: &BTreeMap<String, String>) -> Option<OtherCni> {
    let selector = &daemon_set.data["spec"]["template"]["spec"]["nodeSelector"];
    SELECTORS.into_iter().find_map(|(label, cni)| {
        let value = selector[label].as_str()?;
        let matches = labels.get(label).is_some_and(|it| it == value);
        (!matches).then(|| OtherCni { cni, label, value: value.to_owned() })
    })
}
