//! The pods of a node that have addresses.

use super::{ApiServer, KubernetesError, resource};
use kube::api::{Api, DynamicObject, ListParams};
use tracing::debug;

/// The annotation of a pod whose address belongs to a branch network interface.
///
/// Source: `pkg/config/type.go`, aws/amazon-vpc-resource-controller-k8s.
const BRANCH_INTERFACE: &str = "vpc.amazonaws.com/pod-eni";

impl ApiServer {
    /// Returns the number of pods of a node that have an address from a network interface of the CNI.
    pub(crate) async fn pods_with_addresses(&self, node: &str) -> Result<usize, KubernetesError> {
        debug!("kubernetes: LIST pods, spec.nodeName={node}");
        let pods: Api<DynamicObject> =
            Api::all_with(self.credentials.client().await?, &resource("", "v1", "Pod", "pods"));
        // Served from the watch cache, as for a kubelet: many nodes may start at the same time.
        let params = ListParams::default().fields(&format!("spec.nodeName={node}")).match_any();
        match self.attempt(pods.list(&params)).await? {
            Ok(list) => Ok(list.iter().filter(|pod| has_address(pod)).count()),
            Err(error) => Err(self.classified(error)),
        }
    }
}

/// Returns whether the CNI assigned an address to the pod, and the pod has not ended.
fn has_address(pod: &DynamicObject) -> bool {
    let (spec, status) = (&pod.data["spec"], &pod.data["status"]);
    let uses_host_network = spec["hostNetwork"].as_bool().unwrap_or(false);
    let has_ended = matches!(status["phase"].as_str(), Some("Succeeded" | "Failed"));
    let has_branch = pod.metadata.annotations.iter().flatten().any(|it| it.0 == BRANCH_INTERFACE);
    let address = status["podIP"].as_str().unwrap_or_default();
    !address.is_empty() && !uses_host_network && !has_ended && !has_branch
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn only_a_running_pod_with_an_address_of_the_cni_counts() {
        let has_address = |spec: Value, status: Value, annotations: Value| {
            let pod = json!({
                "metadata": { "annotations": annotations }, "spec": spec, "status": status,
            });
            has_address(&serde_json::from_value(pod).unwrap())
        };
        let address = || json!({ "phase": "Running", "podIP": "10.0.4.5" });
        assert!(has_address(json!({}), address(), json!(null)));
        assert!(!has_address(json!({ "hostNetwork": true }), address(), json!(null)));
        assert!(!has_address(json!({}), address(), json!({ "vpc.amazonaws.com/pod-eni": "[]" })));
        assert!(!has_address(json!({}), json!({ "phase": "Pending" }), json!(null)));
        let ended = json!({ "phase": "Succeeded", "podIP": "10.0.4.5" });
        assert!(!has_address(json!({}), ended, json!(null)));
    }
}
