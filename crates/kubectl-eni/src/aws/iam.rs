//! The client of the IAM API.

use aws_sdk_iam::Client;
use aws_sdk_iam::types::{
    ContextEntry, ContextKeyTypeEnum, EvaluationResult, InstanceProfile,
    OrganizationsDecisionDetail, PermissionsBoundaryDecisionDetail, PolicyEvaluationDecisionType,
    ResourceSpecificResult,
};
use eni_bootstrap::adapter::aws::call::{CallError, call};
use eni_bootstrap::adapter::{Context, Deadline, aws};
use eni_core::domain::zone::Region;
use std::collections::BTreeSet;

/// Whether the policies of a role allow an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// No statement allows it.
    ImplicitDeny,
}

/// The result of the simulation of one action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evaluation {
    /// Such as `ec2:DescribeSubnets`.
    pub action: String,
    pub decision: Decision,
    /// The condition keys that the policies use and that the simulation has no value for, without duplicates.
    pub missing_context: BTreeSet<String>,
    /// `false` if a service control policy of the organization denies the action.
    pub allowed_by_organization: bool,
    /// `false` if the permissions boundary of the role does not allow the action.
    pub allowed_by_boundary: bool,
}

/// A client of the IAM API.
#[derive(Clone, Debug)]
pub(crate) struct Iam {
    client: Client,
}

impl Iam {
    /// Creates a client with `endpoint`, or with the endpoint of the partition of `region`.
    pub(crate) async fn new(
        context: &Context,
        endpoint: Option<&str>,
        region: &Region,
    ) -> Result<Self, CallError> {
        let shared = aws::sdk_config(context, region).await?;
        let mut config = aws_sdk_iam::config::Builder::from(&shared);
        config.set_endpoint_url(aws::endpoint_url(endpoint, &shared));
        Ok(Self { client: Client::from_conf(config.build()) })
    }

    /// Returns the ARN of the role in an instance profile; `None` if it has no role.
    pub(crate) async fn role_of_instance_profile(
        &self,
        name: &str,
        deadline: Deadline,
    ) -> Result<Option<String>, CallError> {
        let request = self.client.get_instance_profile().instance_profile_name(name);
        let response = call("iam:GetInstanceProfile", deadline, request.send()).await?;
        let roles = response.instance_profile().map(InstanceProfile::roles).unwrap_or_default();
        Ok(roles.first().map(|role| role.arn().to_owned()))
    }

    /// Evaluates whether the policies of `role` allow `actions` for `resource`. `context` contains the values of
    /// condition keys.
    pub(crate) async fn simulate(
        &self,
        role: &str,
        actions: &[&str],
        resource: &str,
        context: &[(String, String)],
        deadline: Deadline,
    ) -> Result<Vec<Evaluation>, CallError> {
        let entry = |(key, value): &(String, String)| {
            ContextEntry::builder()
                .context_key_name(key)
                .context_key_type(ContextKeyTypeEnum::String)
                .context_key_values(value)
                .build()
        };
        let names = actions.iter().map(|&action| action.to_owned()).collect();
        let request = self
            .client
            .simulate_principal_policy()
            .policy_source_arn(role)
            .set_action_names(Some(names))
            .resource_arns(resource)
            .set_context_entries(Some(context.iter().map(entry).collect()));
        let mut evaluations = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let request = request.clone().set_marker(marker);
            let response = call("iam:SimulatePrincipalPolicy", deadline, request.send()).await?;
            evaluations.extend(response.evaluation_results().iter().map(evaluation));
            marker = response.marker().filter(|_| response.is_truncated()).map(str::to_owned);
            if marker.is_none() {
                return Ok(evaluations);
            }
        }
    }
}

fn evaluation(result: &EvaluationResult) -> Evaluation {
    let organization = result.organizations_decision_detail();
    let boundary = result.permissions_boundary_decision_detail();
    // With a resource, IAM returns the condition keys beside the result of the resource.
    let of_resources = result
        .resource_specific_results()
        .iter()
        .flat_map(ResourceSpecificResult::missing_context_values);
    let missing = result.missing_context_values().iter().chain(of_resources);
    Evaluation {
        action: result.eval_action_name().to_owned(),
        decision: match result.eval_decision() {
            PolicyEvaluationDecisionType::Allowed => Decision::Allowed,
            PolicyEvaluationDecisionType::ExplicitDeny => Decision::ExplicitDeny,
            _ => Decision::ImplicitDeny,
        },
        missing_context: missing.cloned().collect(),
        allowed_by_organization: organization
            .is_none_or(OrganizationsDecisionDetail::allowed_by_organizations),
        allowed_by_boundary: boundary
            .is_none_or(PermissionsBoundaryDecisionDetail::allowed_by_permissions_boundary),
    }
}
