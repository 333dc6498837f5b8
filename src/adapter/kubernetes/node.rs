//! This node as the cluster knows it: who the API server says we are, and whether it is cordoned.

use super::{ATTEMPT, ApiServer, KubernetesError, resource, within};
use kube::api::{Api, DynamicObject, PostParams};
use tracing::debug;

/// The kubelet's own user names begin so.
const NODE: &str = "system:node:";

impl ApiServer {
    /// Whether this node is in the cluster already and cordoned; `None` where it is not there, or
    /// where we are nobody's kubelet.
    pub async fn is_cordoned(&self) -> Result<Option<bool>, KubernetesError> {
        let Some(name) = self.node_name().await? else { return Ok(None) };
        debug!("kubernetes: GET nodes/{name}");
        let nodes = Api::all_with(self.client.clone(), &resource("", "v1", "Node", "nodes"));
        let node = self.get(&nodes, &name).await?;
        let unschedulable =
            |node: DynamicObject| node.data["spec"]["unschedulable"].as_bool().unwrap_or(false);
        Ok(node.map(unschedulable))
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
