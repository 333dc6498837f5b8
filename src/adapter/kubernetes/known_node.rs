//! The Node object of this instance, if the node has registered before.

use super::{ApiServer, KubernetesError, resource};
use kube::api::{Api, DynamicObject, PostParams};
use std::collections::BTreeMap;
use tracing::debug;

/// The prefix of a kubelet's user name.
const USER_PREFIX: &str = "system:node:";

/// The Node object of a node that has registered before, such as after a reboot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNode {
    /// The name of the Node object.
    pub name: String,
    /// `spec.providerID`, such as `aws:///us-west-2a/i-0123456789abcdef0`.
    pub provider_id: Option<String>,
    /// The labels. A kubelet that registers again does not change most of them.
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// `spec.unschedulable`.
    pub is_cordoned: bool,
}

impl ApiServer {
    /// Returns this instance's Node object. Returns `None` if the node has not registered yet, or
    /// if the credentials do not belong to a kubelet.
    pub(crate) async fn known_node(&self) -> Result<Option<KnownNode>, KubernetesError> {
        match self.node_name().await? {
            Some(name) => self.node(name).await,
            None => Ok(None),
        }
    }

    /// Returns the Node object `name`; `None` if it does not exist.
    pub(super) async fn node(&self, name: String) -> Result<Option<KnownNode>, KubernetesError> {
        debug!("kubernetes: GET nodes/{name}");
        let nodes =
            Api::all_with(self.credentials.client().await?, &resource("", "v1", "Node", "nodes"));
        let node = self.get(&nodes, &name).await?;
        Ok(node.map(|node| KnownNode {
            name,
            provider_id: node.data["spec"]["providerID"].as_str().map(str::to_owned),
            is_cordoned: node.data["spec"]["unschedulable"].as_bool().unwrap_or(false),
            labels: node.metadata.labels.unwrap_or_default(),
            annotations: node.metadata.annotations.unwrap_or_default(),
        }))
    }

    /// Returns the node name in the user name of the credentials; `None` if they do not belong to a kubelet.
    pub(super) async fn node_name(&self) -> Result<Option<String>, KubernetesError> {
        debug!("kubernetes: POST selfsubjectreviews");
        let kind =
            resource("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews");
        let reviews = Api::<DynamicObject>::all_with(self.credentials.client().await?, &kind);
        let mut review = DynamicObject::new("", &kind);
        review.metadata.name = None;
        let reviewed = match self.attempt(reviews.create(&PostParams::default(), &review)).await? {
            Ok(reviewed) => reviewed,
            Err(error) => match self.classified(error) {
                // SelfSubjectReview exists since Kubernetes 1.28.
                KubernetesError::NoResourceType => return Ok(None),
                other => return Err(other),
            },
        };
        let user = reviewed.data["status"]["userInfo"]["username"].as_str();
        Ok(user.and_then(|user| user.strip_prefix(USER_PREFIX)).map(str::to_owned))
    }
}
