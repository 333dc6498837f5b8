//! The aws-node DaemonSet: the configuration of the CNI, and its service account.

use crate::cluster::{ApiError, Cluster};
use eni_bootstrap::adapter::kubernetes::ApiServer;
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cni_version::CniVersion;
use eni_core::failure::one_line;
use k8s_openapi::api::apps::v1::DaemonSet;
use kube::api::Api;
use std::collections::BTreeMap;

/// The namespace of the DaemonSet and of its service account.
pub(super) const NAMESPACE: &str = "kube-system";
const NAME: &str = "aws-node";

/// What is known about the DaemonSet.
#[derive(Debug)]
pub(super) struct DaemonSetState {
    /// The configuration of the CNI; `None` if it cannot be read.
    pub aws_node: Option<AwsNode>,
    /// The name of the service account; `None` if the DaemonSet cannot be read.
    pub service_account: Option<String>,
    /// The node selector of the DaemonSet. The CNI runs only on nodes with these labels.
    pub node_selector: BTreeMap<String, String>,
    /// The problems of the configuration, or why it cannot be read.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the DaemonSet. `version` replaces the version in the tag of its image.
///
/// # Errors
/// Returns an error if the API server is unreachable or rejects the credentials.
pub(super) async fn read(
    cluster: &Cluster,
    api: &ApiServer,
    version: Option<CniVersion>,
) -> Result<DaemonSetState, ApiError> {
    let daemon_sets: Api<DaemonSet> = Api::namespaced(cluster.client.clone(), NAMESPACE);
    let action = format!("get DaemonSet {NAME} in namespace {NAMESPACE}");
    let daemon_set = daemon_sets.get_opt(NAME).await.map_err(ApiError::of(action));
    let daemon_set = match daemon_set {
        Ok(daemon_set) => daemon_set,
        Err(error) if error.status() == Some(403) => None,
        Err(error) => return Err(error),
    };
    let service_account = daemon_set.as_ref().map(service_account);
    let pod = daemon_set.and_then(|it| it.spec.template.spec);
    let node_selector = pod.and_then(|it| it.node_selector).unwrap_or_default();
    Ok(match api.cluster_cni(&[]).await {
        Ok(cni) => {
            let mut aws_node = cni.aws_node;
            aws_node.cni.version = version.or(aws_node.cni.version);
            let diagnostics = aws_node.diagnostics.clone();
            DaemonSetState { aws_node: Some(aws_node), service_account, node_selector, diagnostics }
        }
        Err(error) => {
            let skipped = Diagnostic::skipped(Code::CniUnreadable, one_line(&error), None);
            DaemonSetState {
                aws_node: None,
                service_account,
                node_selector,
                diagnostics: vec![skipped],
            }
        }
    })
}

/// Returns the name of the service account of the pods.
fn service_account(daemon_set: &DaemonSet) -> String {
    let pod = daemon_set.spec.template.spec.as_ref();
    let name = pod.and_then(|it| it.service_account_name.as_ref().or(it.service_account.as_ref()));
    name.map_or("default", String::as_str).to_owned()
}

/// Returns whether the CNI uses ENIConfigs. A cluster without custom networking needs none, but if it has
/// some, they have no effect. `is_unused` states that it has none.
pub(super) fn usage(aws_node: &AwsNode, is_unused: bool) -> Diagnostic {
    let cni = &aws_node.cni;
    if cni.custom_networking || is_unused {
        return Diagnostic::ok(Code::CniOk, cni.to_string());
    }
    Diagnostic::warning(
        Code::CustomNetworkingOff,
        format!("{cni}; the CNI does not use the ENIConfigs"),
        "run `kubectl -n kube-system set env daemonset aws-node AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true` to use them",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_service_account_is_default_if_the_daemon_set_has_none() {
        let name = |pod: serde_json::Value| {
            let object = json!({ "spec": {
                "selector": {}, "template": { "spec": pod },
            } });
            service_account(&serde_json::from_value(object).unwrap())
        };
        let containers = json!([]);
        assert_eq!(name(json!({ "containers": containers })), "default");
        let pod = json!({ "containers": containers, "serviceAccountName": "aws-node" });
        assert_eq!(name(pod), "aws-node");
        let old = json!({ "containers": containers, "serviceAccount": "cni" });
        assert_eq!(name(old), "cni");
    }
}
