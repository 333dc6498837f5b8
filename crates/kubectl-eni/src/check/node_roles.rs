//! The IAM roles of the nodes, from the instance profiles of some nodes.

use super::REQUESTS;
use super::identity::IdentityCheck;
use super::role_arn::RoleArn;
use crate::aws::{Iam, instance_profiles};
use crate::cluster::ApiError;
use crate::scope::NodeScope;
use eni_bootstrap::adapter::Deadline;
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::failure::one_line;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, ListParams};
use std::collections::{BTreeMap, BTreeSet};

/// The number of nodes in one page of the list.
const PAGE: u32 = 500;
/// The labels of nodes that have the same role if the value is the same.
const GROUPS: [&str; 3] = [
    "eks.amazonaws.com/nodegroup",
    "karpenter.k8s.aws/ec2nodeclass",
    "alpha.eksctl.io/nodegroup-name",
];

/// Returns the roles of all nodes without duplicates. The error is the skipped check.
pub(super) async fn find(
    check: &IdentityCheck<'_>,
    iam: Result<&Iam, &str>,
) -> Result<Vec<RoleArn>, Diagnostic> {
    let instances = instances(check).await.map_err(|error| unknown(&one_line(&error)))?;
    if instances.is_empty() {
        return Err(unknown("the cluster has no node with an EC2 instance ID"));
    }
    let deadline = Deadline::after(REQUESTS);
    let profiles = instance_profiles(check.context, check.region, &instances, deadline);
    let profiles = Box::pin(profiles).await.map_err(|error| unknown(&one_line(&error)))?;
    let iam = iam.map_err(unknown)?;
    let mut roles = BTreeSet::new();
    for profile in &profiles {
        let name = profile.rsplit('/').next().unwrap_or_default();
        let role = Box::pin(iam.role_of_instance_profile(name, deadline)).await;
        if let Some(role) = role.map_err(|error| unknown(&one_line(&error)))? {
            roles.insert(role.parse().map_err(|error| unknown(&one_line(&error)))?);
        }
    }
    if roles.is_empty() {
        return Err(unknown("no node has an instance profile with a role"));
    }
    Ok(roles.into_iter().collect())
}

fn unknown(reason: &str) -> Diagnostic {
    let help = "add the role: `--node-role ARN`".to_owned();
    Diagnostic::skipped(
        Code::AwsNodeRoleUnknown,
        format!("the node role is unknown: {reason}"),
        Some(help),
    )
}

/// Returns the instance IDs of one node of each group, and those of all nodes without a group. Nodes without
/// aws-node, such as those of EKS Auto Mode, have roles that need no permissions of the CNI.
async fn instances(check: &IdentityCheck<'_>) -> Result<Vec<String>, ApiError> {
    let nodes: Api<Node> = Api::all(check.cluster.client.clone());
    let mut instances = Instances::default();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = nodes.list(&page).await.map_err(ApiError::of("list nodes"))?;
        list.items.iter().for_each(|node| instances.add(node, check.node_selector));
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => return Ok(instances.0.into_values().collect()),
        }
    }
}

/// An instance ID for each group. A node without a group is a group.
#[derive(Debug, Default)]
struct Instances(BTreeMap<(&'static str, String), String>);

impl Instances {
    fn add(&mut self, node: &Node, selector: &BTreeMap<String, String>) {
        let provider_id = node.spec.as_ref().and_then(|it| it.provider_id.as_deref());
        let (labels, unlabelled) = (node.metadata.labels.as_ref(), BTreeMap::new());
        let scope = NodeScope { labels: labels.unwrap_or(&unlabelled), provider_id };
        let Some(id) = scope.instance().filter(|_| scope.out_of_scope(selector).is_none()) else {
            return;
        };
        let group = GROUPS.iter().find_map(|key| Some((*key, labels?.get(*key)?.clone())));
        self.0.entry(group.unwrap_or_else(|| ("", id.to_owned()))).or_insert_with(|| id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_instance_of_each_group_is_enough() {
        let mut instances = Instances::default();
        let nodes = [
            ("aws:///us-west-2a/i-1", json!({ GROUPS[0]: "blue" })),
            ("aws:///us-west-2b/i-2", json!({ GROUPS[0]: "blue" })),
            ("aws:///us-west-2b/i-3", json!({ GROUPS[1]: "blue" })),
            ("aws:///us-west-2b/i-4", json!({})),
            ("aws:///us-west-2b/i-5", json!({ "other": "blue" })),
            ("aws:///us-west-2b/fargate-ip-10-0-0-1", json!({})),
            ("eks-hybrid:///us-west-2/prod/mi-6", json!({})),
            ("", json!({})),
        ];
        for (provider_id, labels) in nodes {
            let node = json!({
                "metadata": { "labels": labels }, "spec": { "providerID": provider_id },
            });
            instances.add(&serde_json::from_value(node).unwrap(), &BTreeMap::new());
        }
        let ids: BTreeSet<&str> = instances.0.values().map(String::as_str).collect();
        assert_eq!(ids, ["i-1", "i-3", "i-4", "i-5"].into());
    }

    #[test]
    fn nodes_without_aws_node_are_ignored() {
        let mut instances = Instances::default();
        let selector = [("cni".to_owned(), "aws".to_owned())].into();
        for (id, labels) in [
            ("i-1", json!({ "cni": "aws" })),
            ("i-2", json!({ "cni": "cilium" })),
            ("i-3", json!({ "cni": "aws", "eks.amazonaws.com/compute-type": "auto" })),
            ("i-4", json!({ "cni": "aws", "kubernetes.io/os": "windows" })),
        ] {
            let node = json!({
                "metadata": { "labels": labels },
                "spec": { "providerID": format!("aws:///us-west-2a/{id}") },
            });
            instances.add(&serde_json::from_value(node).unwrap(), &selector);
        }
        assert_eq!(instances.0.into_values().collect::<Vec<_>>(), ["i-1"]);
    }
}
