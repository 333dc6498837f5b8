//! Recognizes a cluster that uses another CNI instead of the Amazon VPC CNI.

use super::{ApiServer, AwsNodeError, Environment, KubernetesError, resource};
use crate::adapter::Transient as _;
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::failure::one_line;
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

/// What this machine contains about its node, without the Node object.
#[derive(Clone, Debug, Default)]
pub struct LocalNode {
    /// The labels that the kubelet sets. A registered node may have others.
    pub labels: Environment,
    /// Whether the last run on this instance succeeded with the CNI configuration of this cluster.
    pub has_used_cni: bool,
}

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

impl OtherCni {
    /// Returns a warning if `node` has used the Amazon VPC CNI, and otherwise this error. `reason` states
    /// why the labels of the Node object cannot be read.
    fn declined_unless_used(
        self,
        node: &LocalNode,
        reason: &str,
    ) -> Result<Option<Diagnostic>, AwsNodeError> {
        if !node.has_used_cni {
            return Err(self.into());
        }
        let Self { label, value, .. } = &self;
        Ok(Some(Diagnostic::warning(
            Code::NodeLabelsUnreadable,
            format!(
                "the nodeSelector of DaemonSet aws-node requires label {label}={value}, and the labels of this node cannot be read ({reason}); continuing, because the last run on this instance succeeded with the Amazon VPC CNI"
            ),
            self.label_help(),
        )))
    }

    /// Returns the instruction to set the label.
    pub(super) fn label_help(&self) -> String {
        let Self { label, value, .. } = self;
        format!("add the label to the settings: `labels = {{ \"{label}\" = \"{value}\" }}`")
    }
}

impl ApiServer {
    /// Checks that the nodeSelector of aws-node does not belong to another CNI. Returns a warning if the
    /// labels of the Node object cannot be read, and `node` has used the CNI.
    pub(super) async fn check_selector(
        &self,
        daemon_set: &DynamicObject,
        node: &LocalNode,
    ) -> Result<Option<Diagnostic>, AwsNodeError> {
        let Some(other) = excluded_by(daemon_set, &node.labels) else { return Ok(None) };
        let registered = match self.node_name().await {
            Ok(Some(name)) => self.node(name).await,
            Ok(None) => {
                return other
                    .declined_unless_used(node, "the credentials do not belong to a kubelet");
            }
            Err(error) => Err(error),
        };
        match registered {
            Ok(Some(node)) if excluded_by(daemon_set, &node.labels).is_none() => Ok(None),
            // A node that registers for the first time, or again, has only the labels of its kubelet.
            Ok(_) => Err(other.into()),
            // Without this object, a labelled node would be declined.
            Err(error) if error.is_transient() => Err(error.into()),
            Err(error) => other.declined_unless_used(node, &one_line(&error)),
        }
    }

    /// Adds the DaemonSet of another CNI to an error that states that there is no aws-node.
    pub async fn beside_other_cni(&self, error: AwsNodeError) -> AwsNodeError {
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
