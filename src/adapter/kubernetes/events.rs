//! Events about this node, which `kubectl get events` shows even if the node never registers.

use super::{ApiServer, KubernetesError, resource};
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::json;
use std::time::SystemTime;
use tracing::debug;

/// The name of the program in an Event.
const COMPONENT: &str = "eni-bootstrap";
/// The namespace of Events about objects without a namespace, such as nodes.
const NAMESPACE: &str = "default";
/// The maximum length of the message in bytes.
///
/// Source: `NoteLengthLimit` in `pkg/apis/core/validation/events.go`, Kubernetes.
const MAX_MESSAGE: usize = 1024;

impl ApiServer {
    /// Creates an Event of type Warning about the Node object of this instance, which need not exist. Returns
    /// the name of the node; `None` if the credentials do not belong to a kubelet.
    ///
    /// The node authorizer allows kubelets to create Events.
    pub(crate) async fn create_node_event(
        &self,
        reason: &str,
        message: &str,
    ) -> Result<Option<String>, KubernetesError> {
        let Some(node) = self.node_name().await? else { return Ok(None) };
        debug!("kubernetes: POST events, reason {reason}");
        let kind = resource("", "v1", "Event", "events");
        let client = self.credentials.client().await?;
        let events = Api::<DynamicObject>::namespaced_with(client, NAMESPACE, &kind);
        let time = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        let mut event = DynamicObject::new("", &kind).data(json!({
            // As the kubelet does: the uid of a node that may not exist is its name.
            "involvedObject": { "apiVersion": "v1", "kind": "Node", "name": node, "uid": node },
            "reason": reason,
            "message": &message[..message.floor_char_boundary(MAX_MESSAGE)],
            "type": "Warning",
            "source": { "component": COMPONENT, "host": node },
            "reportingComponent": COMPONENT,
            "reportingInstance": node,
            "firstTimestamp": time,
            "lastTimestamp": time,
            "count": 1,
        }));
        event.metadata.name = None;
        event.metadata.generate_name = Some(format!("{node}."));
        match self.attempt(events.create(&PostParams::default(), &event)).await? {
            Ok(_) => Ok(Some(node)),
            Err(error) => Err(self.classified(error)),
        }
    }
}
