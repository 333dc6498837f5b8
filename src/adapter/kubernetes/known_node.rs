//! This node as the cluster knows it: who the API server says we are, and whether it is cordoned.

use super::{ATTEMPT, ApiServer, KubernetesError, resource, within};
use kube::api::{Api, DynamicObject, PostParams};
use std::collections::BTreeMap;
use tracing::debug;

/// The kubelet's own user names begin so.
const NODE: &str = "system:node:";

/// A node that has registered before: its instance has been restarted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownNode {
    /// Its labels; a kubelet that registers again does not change them.
    pub labels: BTreeMap<String, String>,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Whether it takes no new pods.
    pub is_cordoned: bool,
}

impl ApiServer {
    /// This node, where it is in the cluster already; `None` where it is not, or where we are
    /// nobody's kubelet.
    pub async fn known_node(&self) -> Result<Option<KnownNode>, KubernetesError> {
        let Some(name) = self.node_name().await? else { return Ok(None) };
        debug!("kubernetes: GET nodes/{name}");
        let nodes = Api::all_with(self.client.clone(), &resource("", "v1", "Node", "nodes"));
        let node = self.get(&nodes, &name).await?;
        Ok(node.map(|node| KnownNode {
            is_cordoned: node.data["spec"]["unschedulable"].as_bool().unwrap_or(false),
            labels: node.metadata.labels.unwrap_or_default(),
            annotations: node.metadata.annotations.unwrap_or_default(),
        }))
    }

    /// The name under which this identity's kubelet registers.
    async fn node_name(&self) -> Result<Option<String>, KubernetesError> {
        debug!("kubernetes: POST selfsubjectreviews");
        let kind =
            resource("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews");
        let reviews = Api::<DynamicObject>::all_with(self.client.clone(), &kind);
        let mut question = DynamicObject::new("", &kind);
        question.metadata.name = None;
        let answer =
            match within(ATTEMPT, reviews.create(&PostParams::default(), &question)).await? {
                Ok(answer) => answer,
                Err(error) => match self.classified(error).await {
                    // Kubernetes before 1.28 does not say who we are.
                    KubernetesError::NoResourceType => return Ok(None),
                    other => return Err(other),
                },
            };
        let user = answer.data["status"]["userInfo"]["username"].as_str();
        Ok(user.and_then(|user| user.strip_prefix(NODE)).map(str::to_owned))
    }
}
