use super::*;

const SUBNETS: &str = "ec2:DescribeSubnets";
const TAGS: &str = "ec2:CreateTags";

fn role() -> RoleArn {
    "arn:aws:iam::111122223333:role/eks/cni".parse().unwrap()
}

/// Returns two required actions, of which one has an effect with this severity.
fn required(severity: Severity) -> RequiredActions {
    let effect = Effect { action: SUBNETS, text: "EFFECT".to_owned(), severity };
    RequiredActions { describe: vec![SUBNETS], change: vec![TAGS], effects: vec![effect] }
}

fn evaluation(action: &str, decision: Decision) -> Evaluation {
    Evaluation {
        action: action.to_owned(),
        decision,
        missing_context: [].into(),
        allowed_by_organization: true,
        allowed_by_boundary: true,
    }
}

fn result(evaluations: &[Evaluation]) -> (Severity, String, String) {
    result_for(Severity::Failed, evaluations)
}

fn result_for(effect: Severity, evaluations: &[Evaluation]) -> (Severity, String, String) {
    let Diagnostic { severity, text, help, .. } =
        evaluated(&role(), &required(effect), evaluations);
    let text = text.replace("arn:aws:iam::111122223333:role/eks/cni", "ARN");
    (severity, text, help.unwrap_or_default())
}

fn expected(severity: Severity, text: &str, help: &str) -> (Severity, String, String) {
    (severity, text.to_owned(), help.to_owned())
}

const BOTH: &str = "check that the policies of role cni contain this statement:\n{\n  \"Action\": [\n    \"ec2:CreateTags\",\n    \"ec2:DescribeSubnets\"\n  ],\n  \"Effect\": \"Allow\",\n  \"Resource\": \"*\"\n}";

#[test]
fn every_action_must_be_allowed() {
    let allowed = evaluation(TAGS, Decision::Allowed);
    assert_eq!(
        result(&[allowed.clone(), evaluation(SUBNETS, Decision::Allowed)]),
        expected(Severity::Ok, "role ARN allows the 2 actions that aws-node needs", "")
    );
    assert_eq!(
        result(&[allowed.clone(), evaluation(SUBNETS, Decision::ImplicitDeny)]),
        expected(
            Severity::Failed,
            "role ARN does not allow ec2:DescribeSubnets; EFFECT",
            "add this statement to a policy of role cni:\n{\n  \"Action\": [\n    \"ec2:DescribeSubnets\"\n  ],\n  \"Effect\": \"Allow\",\n  \"Resource\": \"*\"\n}"
        )
    );
    assert_eq!(
        result(&[allowed]),
        expected(Severity::Skipped, "IAM returned no result for ec2:DescribeSubnets", BOTH)
    );
}

#[test]
fn an_action_that_aws_node_can_do_without_is_a_warning() {
    let subnets = evaluation(SUBNETS, Decision::ImplicitDeny);
    let result = |tags: Decision| {
        let (severity, text, _) =
            result_for(Severity::Warning, &[evaluation(TAGS, tags), subnets.clone()]);
        (severity, text)
    };
    assert_eq!(
        result(Decision::Allowed),
        (Severity::Warning, "role ARN does not allow ec2:DescribeSubnets; EFFECT".to_owned())
    );
    let text = "role ARN does not allow ec2:CreateTags, ec2:DescribeSubnets; EFFECT";
    assert_eq!(result(Decision::ImplicitDeny), (Severity::Failed, text.to_owned()));
}

#[test]
fn the_policy_that_denies_an_action_is_named() {
    let subnets = evaluation(SUBNETS, Decision::Allowed);
    let denied = |tags: Evaluation| result(&[tags, subnets.clone()]).1;
    let tags = |decision| evaluation(TAGS, decision);
    for (evaluation, cause) in [
        (tags(Decision::ExplicitDeny), "denied by a statement"),
        (
            Evaluation { allowed_by_organization: false, ..tags(Decision::ImplicitDeny) },
            "denied by a service control policy",
        ),
        (
            Evaluation { allowed_by_boundary: false, ..tags(Decision::ImplicitDeny) },
            "not allowed by the permissions boundary",
        ),
    ] {
        let text = format!("role ARN does not allow ec2:CreateTags ({cause})");
        assert_eq!(denied(evaluation), text);
    }
}

#[test]
fn a_result_that_depends_on_conditions_is_not_a_failure() {
    let subnets = evaluation(SUBNETS, Decision::Allowed);
    let key = "aws:ResourceTag/team".to_owned();
    let conditional = Evaluation {
        missing_context: [key.clone()].into(),
        ..evaluation(TAGS, Decision::ImplicitDeny)
    };
    assert_eq!(
        result(&[conditional, subnets.clone()]),
        expected(
            Severity::Skipped,
            "whether role ARN allows ec2:CreateTags depends on the conditions aws:ResourceTag/team, which the simulation has no values for",
            BOTH
        )
    );
    let explicit =
        Evaluation { missing_context: [key].into(), ..evaluation(TAGS, Decision::ExplicitDeny) };
    assert_eq!(result(&[explicit, subnets]).0, Severity::Failed);
}
