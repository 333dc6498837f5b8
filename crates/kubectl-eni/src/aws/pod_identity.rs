//! The associations of EKS Pod Identity.

use aws_sdk_eks::Client;
use eni_bootstrap::adapter::aws::call::{CallError, call};
use eni_bootstrap::adapter::{Context, Deadline, aws};
use eni_core::domain::zone::Region;

/// The association of a service account with an IAM role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Association {
    /// The ARN of the role whose permissions the pods have: the target role, if the association has one.
    pub role: String,
    /// Whether a session policy restricts the permissions of the role.
    pub has_session_policy: bool,
}

/// Returns the association of `service_account` in `namespace`; `None` if it does not exist.
pub(crate) async fn association(
    context: &Context,
    region: &Region,
    cluster: &str,
    (namespace, service_account): (&str, &str),
    deadline: Deadline,
) -> Result<Option<Association>, CallError> {
    let shared = aws::sdk_config(context, region).await?;
    let mut config = aws_sdk_eks::config::Builder::from(&shared);
    config.set_endpoint_url(aws::endpoint_url(context.eks_endpoint.as_deref(), &shared));
    let client = Client::from_conf(config.build());
    let request = client
        .list_pod_identity_associations()
        .cluster_name(cluster)
        .namespace(namespace)
        .service_account(service_account);
    let listed = call("eks:ListPodIdentityAssociations", deadline, request.send()).await?;
    // A service account has at most one association.
    let Some(id) = listed.associations().iter().find_map(|it| it.association_id()) else {
        return Ok(None);
    };
    let request = client.describe_pod_identity_association().cluster_name(cluster);
    let request = request.association_id(id);
    let described = call("eks:DescribePodIdentityAssociation", deadline, request.send()).await?;
    Ok(described.association().and_then(|it| {
        Some(Association {
            role: it.target_role_arn().or(it.role_arn())?.to_owned(),
            has_session_policy: it.policy().is_some(),
        })
    }))
}
