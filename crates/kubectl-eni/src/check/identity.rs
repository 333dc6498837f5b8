//! The AWS identity of aws-node: the IAM role of its service account, or else that of the nodes.
//!
//! An association of EKS Pod Identity takes precedence over the annotation for IRSA (IAM roles for service
//! accounts). Source: `buildPodPatchConfig`, `pkg/handler/handler.go`, aws/amazon-eks-pod-identity-webhook.

use super::daemon_set::NAMESPACE;
use super::role_arn::RoleArn;
use super::{REQUESTS, node_roles, policy};
use crate::aws::{Association, AwsOptions, Iam, association};
use crate::cluster::{ApiError, Cluster};
use eni_bootstrap::adapter::aws::call::CallError;
use eni_bootstrap::adapter::{Context, Deadline};
use eni_core::diagnostic::{Code, Diagnostic, Severity};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice as _, one_line};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::Api;
use std::collections::BTreeMap;

/// The annotation for IRSA.
const ANNOTATION: &str = "eks.amazonaws.com/role-arn";

/// The inputs of the check.
pub(super) struct IdentityCheck<'a> {
    pub cluster: &'a Cluster,
    pub context: &'a Context,
    pub aws: &'a AwsOptions,
    pub region: &'a Region,
    /// `None` if the configuration of the CNI cannot be read.
    pub aws_node: Option<&'a AwsNode>,
    /// The service account of the DaemonSet.
    pub service_account: &'a str,
    /// The node selector of the DaemonSet.
    pub node_selector: &'a BTreeMap<String, String>,
    /// The roles of the nodes, if the user has specified them.
    pub node_roles: &'a [RoleArn],
}

impl IdentityCheck<'_> {
    /// Finds the roles of aws-node and checks their policies. Omits checks that depend on a failed one.
    pub(super) async fn diagnostics(&self) -> Vec<Diagnostic> {
        let found = async {
            let annotation = self.annotation().await?;
            Ok((annotation, self.association().await?))
        };
        let (annotation, association) = match found.await {
            Ok(found) => found,
            Err(diagnostic) => return vec![diagnostic],
        };
        let account = self.service_account;
        let iam = Iam::new(self.context, self.aws.iam_endpoint.as_deref(), self.region).await;
        let iam = iam.map_err(|error| one_line(&error));
        let mut diagnostics = Vec::new();
        let mut has_session_policy = false;
        let roles = match (association, annotation) {
            (Some(association), annotation) => {
                let role = match role(&association.role, "the EKS Pod Identity association") {
                    Ok(role) => role,
                    Err(diagnostic) => return vec![diagnostic],
                };
                let text = format!("ServiceAccount {account} uses role {role} (EKS Pod Identity)");
                diagnostics.push(Diagnostic::ok(Code::AwsNodeIdentity, text));
                diagnostics.extend(annotation.and_then(|it| self.ignored(&it, &role)));
                has_session_policy = association.has_session_policy;
                vec![role]
            }
            (None, Some(annotation)) => {
                let role = match role(&annotation, &format!("annotation {ANNOTATION}")) {
                    Ok(role) => role,
                    Err(diagnostic) => return vec![diagnostic],
                };
                let text =
                    format!("ServiceAccount {account} uses role {role} (annotation {ANNOTATION})");
                diagnostics.push(Diagnostic::ok(Code::AwsNodeIdentity, text));
                vec![role]
            }
            (None, None) => {
                let roles = if self.node_roles.is_empty() {
                    node_roles::find(self, iam.as_ref().map_err(String::as_str)).await
                } else {
                    Ok(self.node_roles.to_vec())
                };
                let roles = match roles {
                    Ok(roles) => roles,
                    Err(diagnostic) => return vec![diagnostic],
                };
                diagnostics.extend(roles.iter().map(|role| {
                    let text = format!(
                        "ServiceAccount {account} has no IAM role; aws-node uses the node role {role}"
                    );
                    Diagnostic::ok(Code::AwsNodeIdentity, text)
                }));
                roles
            }
        };
        let Some(aws_node) = self.aws_node else { return diagnostics };
        for role in &roles {
            let iam = iam.as_ref().map_err(String::as_str);
            let checked = policy::check(iam, role, aws_node, self.region).await;
            diagnostics.extend(checked.into_iter().map(|checked| {
                if !has_session_policy || checked.severity != Severity::Ok {
                    return checked;
                }
                let text = "the EKS Pod Identity association has a session policy, which IAM does not simulate";
                let help = "check that the session policy allows the actions of aws-node: `aws eks describe-pod-identity-association`".to_owned();
                Diagnostic::skipped(Code::AwsNodePolicyNotChecked, text, Some(help))
            }));
        }
        diagnostics
    }

    /// Returns the role in the annotation of the service account; `None` if it has none.
    async fn annotation(&self) -> Result<Option<String>, Diagnostic> {
        let name = self.service_account;
        let api: Api<ServiceAccount> = Api::namespaced(self.cluster.client.clone(), NAMESPACE);
        let action = format!("get ServiceAccount {name} in namespace {NAMESPACE}");
        match api.get_opt(name).await.map_err(ApiError::of(action)) {
            Ok(Some(object)) => {
                Ok(object.metadata.annotations.and_then(|mut it| it.remove(ANNOTATION)))
            }
            Ok(None) => Err(Diagnostic::failed(
                Code::ServiceAccountNotFound,
                format!(
                    "ServiceAccount {name} not found in namespace {NAMESPACE}, so no pod of aws-node starts"
                ),
                "install the VPC CNI again, which creates the ServiceAccount, for example `aws eks update-addon --addon-name vpc-cni --resolve-conflicts PRESERVE --cluster-name NAME`",
            )),
            Err(error) => {
                let help = format!(
                    "allow your user to get ServiceAccount {name} in namespace {NAMESPACE}"
                );
                Err(Diagnostic::skipped(Code::AwsNodeRoleUnknown, one_line(&error), Some(help)))
            }
        }
    }

    /// Returns the association of the service account; `None` if it has none.
    async fn association(&self) -> Result<Option<Association>, Diagnostic> {
        let unknown = |reason: String, help: String| {
            Diagnostic::skipped(Code::AwsNodeRoleUnknown, reason, Some(help))
        };
        let Some(cluster) = &self.cluster.identity.name else {
            let reason = "the name of the cluster, which EKS Pod Identity needs, is unknown";
            return Err(unknown(reason.to_owned(), "add `--cluster-name NAME`".to_owned()));
        };
        let account = (NAMESPACE, self.service_account);
        let deadline = Deadline::after(REQUESTS);
        let found = association(self.context, self.region, cluster, account, deadline);
        Box::pin(found).await.map_err(|error| {
            let help = match &error {
                CallError::AccessDenied { .. } => "allow `eks:ListPodIdentityAssociations` and `eks:DescribePodIdentityAssociation` for your AWS identity".to_owned(),
                error => error.help().into_owned(),
            };
            unknown(one_line(&error), help)
        })
    }

    /// Returns the warning about an annotation without effect; `None` if it contains the same role.
    fn ignored(&self, annotation: &str, role: &RoleArn) -> Option<Diagnostic> {
        (annotation != role.to_string()).then(|| {
            let account = self.service_account;
            Diagnostic::warning(
                Code::AwsNodeRoleIgnored,
                format!(
                    "annotation {ANNOTATION}={annotation} has no effect, because EKS Pod Identity takes precedence"
                ),
                format!(
                    "remove the annotation: `kubectl -n {NAMESPACE} annotate serviceaccount {account} {ANNOTATION}-`"
                ),
            )
        })
    }
}

/// Parses the ARN of a role from `source`.
fn role(text: &str, source: &str) -> Result<RoleArn, Diagnostic> {
    text.parse().map_err(|error| {
        Diagnostic::failed(
            Code::AwsNodeRoleInvalid,
            format!("{source} is invalid: {error}"),
            "set it to the ARN of the IAM role of aws-node",
        )
    })
}
