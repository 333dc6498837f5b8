//! The check whether an IAM role allows the actions that aws-node needs, by the policy simulation of IAM.

use super::REQUESTS;
use super::required_actions::{DESCRIBE_INSTANCE_TYPES, Effect, RequiredActions, statement};
use super::role_arn::RoleArn;
use crate::aws::{Decision, Evaluation, Iam};
use eni_bootstrap::adapter::Deadline;
use eni_bootstrap::adapter::aws::call::CallError;
use eni_core::diagnostic::{Code, Diagnostic, Severity};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice as _, one_line};
use std::collections::BTreeSet;

/// The tag of the network interfaces that aws-node creates, if its environment contains `CLUSTER_NAME`.
///
/// Source: "Scope-down IAM policy per EKS cluster", `docs/iam-policy.md`, aws/amazon-vpc-cni-k8s.
const CLUSTER_TAG: &str = "cluster.k8s.amazonaws.com/name";

/// Checks the policies of `role`. Without a client, `iam` contains the reason for the skipped check. The first
/// diagnostic is about the required actions.
pub(super) async fn check(
    iam: Result<&Iam, &str>,
    role: &RoleArn,
    aws_node: &AwsNode,
    region: &Region,
) -> Vec<Diagnostic> {
    let required = RequiredActions::of(aws_node);
    if required.all().is_empty() {
        let text = "aws-node needs no permission for EC2";
        return vec![Diagnostic::ok(Code::AwsNodePolicyOk, text)];
    }
    let iam = match iam {
        Ok(iam) => iam,
        Err(reason) => return vec![not_checked(role, &required, reason, None)],
    };
    vec![match simulated(iam, role, aws_node, region, &required).await {
        Ok(evaluations) => {
            let checked = evaluated(role, &required, &evaluations);
            return [checked].into_iter().chain(unknown_types(role, &evaluations)).collect();
        }
        Err(CallError::Rejected { source, .. }) if source.has_code("NoSuchEntity") => {
            Diagnostic::failed(
                Code::AwsNodeRoleNotFound,
                format!("role {role} not found"),
                format!(
                    "create the role, or use another one; if it exists, use AWS credentials of the account {}",
                    role.account
                ),
            )
        }
        Err(error @ CallError::AccessDenied { .. }) => {
            let allow = "allow `iam:SimulatePrincipalPolicy` for your AWS identity";
            not_checked(role, &required, &one_line(&error), Some(allow))
        }
        Err(error) => not_checked(role, &required, &one_line(&error), Some(&error.help())),
    }]
}

async fn simulated(
    iam: &Iam,
    role: &RoleArn,
    aws_node: &AwsNode,
    region: &Region,
    required: &RequiredActions,
) -> Result<Vec<Evaluation>, CallError> {
    let context: Vec<(String, String)> = aws_node
        .cluster_name
        .iter()
        .flat_map(|name| {
            ["RequestTag", "ResourceTag"]
                .map(|kind| (format!("aws:{kind}/{CLUSTER_TAG}"), name.clone()))
        })
        .collect();
    // A policy can limit these actions to network interfaces, which is a usual restriction.
    let interface =
        format!("arn:{}:ec2:{region}:{}:network-interface/*", role.partition, role.account);
    let deadline = Deadline::after(REQUESTS);
    let role = role.to_string();
    let mut evaluations = Vec::new();
    let describe = [required.describe.as_slice(), &[DESCRIBE_INSTANCE_TYPES]].concat();
    for (actions, resource) in [(&describe, "*"), (&required.change, &interface)] {
        if !actions.is_empty() {
            let simulated = iam.simulate(&role, actions, resource, &context, deadline);
            evaluations.extend(Box::pin(simulated).await?);
        }
    }
    Ok(evaluations)
}

/// Returns the result of a simulation.
fn evaluated(role: &RoleArn, required: &RequiredActions, evaluations: &[Evaluation]) -> Diagnostic {
    let all = required.all();
    let find = |action: &str| evaluations.iter().find(|it| it.action.eq_ignore_ascii_case(action));
    let missing: Vec<&str> = all.iter().filter(|it| find(it).is_none()).copied().collect();
    let denied: Vec<&Evaluation> = all
        .iter()
        .filter_map(|action| find(action))
        .filter(|it| it.decision != Decision::Allowed)
        .collect();
    let (conditional, denied): (Vec<&Evaluation>, Vec<&Evaluation>) =
        denied.into_iter().partition(|it| depends_on_conditions(it));
    if !denied.is_empty() {
        return failed(role, &denied, &required.effects);
    }
    if !conditional.is_empty() {
        let actions: Vec<&str> = conditional.iter().map(|it| it.action.as_str()).collect();
        let keys: BTreeSet<&str> =
            conditional.iter().flat_map(|it| &it.missing_context).map(String::as_str).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        let reason = format!(
            "whether role {role} allows {} depends on the conditions {}, which the simulation has no values for",
            actions.join(", "),
            keys.join(", ")
        );
        return not_checked(role, required, &reason, None);
    }
    if !missing.is_empty() {
        let reason = format!("IAM returned no result for {}", missing.join(", "));
        return not_checked(role, required, &reason, None);
    }
    let text = match all.as_slice() {
        [one] => format!("role {role} allows {one}, the only action that aws-node needs"),
        all => format!("role {role} allows the {} actions that aws-node needs", all.len()),
    };
    Diagnostic::ok(Code::AwsNodePolicyOk, text)
}

/// Returns the warning about the action that aws-node needs only on instance types that its own table does not
/// contain; `None` if the role allows it.
fn unknown_types(role: &RoleArn, evaluations: &[Evaluation]) -> Option<Diagnostic> {
    let action = DESCRIBE_INSTANCE_TYPES;
    let evaluation = evaluations.iter().find(|it| it.action.eq_ignore_ascii_case(action))?;
    if evaluation.decision == Decision::Allowed {
        return None;
    }
    let (cause, help) = match denied_by(evaluation) {
        Some(policy) => (format!(" ({policy})"), format!("change the policy that denies {action}")),
        None => (
            String::new(),
            format!(
                "add this statement to a policy of role {}:\n{}",
                role.name(),
                statement(&[action])
            ),
        ),
    };
    let text = format!(
        "role {role} does not allow {action}{cause}; aws-node needs it on instance types that are newer than the version of the CNI"
    );
    Some(Diagnostic::warning(Code::AwsNodePolicyDenied, text, help))
}

/// Returns whether the result can be another one with the condition keys of a real request.
fn depends_on_conditions(evaluation: &Evaluation) -> bool {
    evaluation.decision == Decision::ImplicitDeny
        && !evaluation.missing_context.is_empty()
        && evaluation.allowed_by_organization
        && evaluation.allowed_by_boundary
}

/// Returns the failure about denied actions; a warning if aws-node can work without each of them.
fn failed(role: &RoleArn, denied: &[&Evaluation], effects: &[Effect]) -> Diagnostic {
    let described: Vec<String> = denied
        .iter()
        .map(|it| match denied_by(it) {
            Some(policy) => format!("{} ({policy})", it.action),
            None => it.action.clone(),
        })
        .collect();
    let effect = |denied: &&Evaluation| {
        effects.iter().find(|it| it.action.eq_ignore_ascii_case(&denied.action))
    };
    let effects = denied.iter().filter_map(effect).flat_map(|it| ["; ", &it.text]);
    let text = format!(
        "role {role} does not allow {}{}",
        described.join(", "),
        effects.collect::<String>()
    );
    let actions: Vec<&str> = denied.iter().map(|it| it.action.as_str()).collect();
    let help = if denied.iter().all(|it| denied_by(it).is_none()) {
        format!("add this statement to a policy of role {}:\n{}", role.name(), statement(&actions))
    } else {
        "change the policies that deny these actions, so that the role allows them".to_owned()
    };
    let is_warning = |it| effect(it).is_some_and(|effect| effect.severity == Severity::Warning);
    if denied.iter().all(is_warning) {
        Diagnostic::warning(Code::AwsNodePolicyDenied, text, help)
    } else {
        Diagnostic::failed(Code::AwsNodePolicyDenied, text, help)
    }
}

/// Returns which policy denies an action; `None` if no statement allows it.
fn denied_by(evaluation: &Evaluation) -> Option<&'static str> {
    if !evaluation.allowed_by_organization {
        Some("denied by a service control policy")
    } else if !evaluation.allowed_by_boundary {
        Some("not allowed by the permissions boundary")
    } else if evaluation.decision == Decision::ExplicitDeny {
        Some("denied by a statement")
    } else {
        None
    }
}

/// Returns the skipped check, whose help contains the statement that the policies must contain.
fn not_checked(
    role: &RoleArn,
    required: &RequiredActions,
    reason: &str,
    help: Option<&str>,
) -> Diagnostic {
    let help = help.map(|help| format!("{help}, or ")).unwrap_or_default();
    let statement = statement(&required.all());
    let name = role.name();
    let help = format!(
        "{help}check that the policies of role {name} contain this statement:\n{statement}"
    );
    Diagnostic::skipped(Code::AwsNodePolicyNotChecked, reason, Some(help))
}

#[cfg(test)]
mod tests;
