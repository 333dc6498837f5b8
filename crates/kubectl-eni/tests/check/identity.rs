//! The AWS identity of aws-node.

use crate::check::aws::Answers;
use crate::check::site::{IRSA, Site, expect_golden};
use serde_json::{Value, json};

const DENIED: &str = "ec2:DescribeSubnets";

/// Returns a site with one zone, and the arguments that select it.
fn site() -> Option<(Site, [&'static str; 1])> {
    let site = Site::start()?;
    let subnet = site.subnet("us-west-2a", 11);
    site.eni_config("us-west-2a", &subnet);
    Some((site, ["--zones=us-west-2a"]))
}

/// Asserts the exit code and the lines about aws-node, before those of the zones.
fn expect(site: &Site, arguments: &[&str], status: i32, golden: &str) {
    let output = site.check(arguments);
    assert_eq!((output.status, output.stderr.as_str()), (Some(status), ""), "{}", output.stdout);
    let (aws_node, _) = output.stdout.split_once("\nzone us-west-2a\n").unwrap();
    expect_golden(golden, aws_node);
}

#[test]
fn the_policies_of_the_role_are_simulated() {
    let Some((site, zone)) = site() else { return };
    expect(&site, &zone, 0, "irsa.txt");

    let denied = Answers { denied: [DENIED].into(), ..Answers::default() };
    site.answer(denied.clone());
    // Custom networking does not need the subnets from v1.23.2.
    expect(&site, &zone, 0, "irsa-without-describe-subnets.txt");
    site.install("v1.23.1", &[]);
    let json = site.check(&[zone[0], "--output=json"]);
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        result["checks"][2],
        json!({
            "code": "aws-node-policy-denied", "severity": "failed", "subject": "aws-node policy",
            "text": format!("role {IRSA} does not allow {DENIED}; aws-node does not start without {DENIED}"),
            "help": format!("add this statement to a policy of role aws-node:\n{{\n  \"Action\": [\n    \"{DENIED}\"\n  ],\n  \"Effect\": \"Allow\",\n  \"Resource\": \"*\"\n}}"),
        })
    );
    // Earlier versions use the subnet of the node if IAM denies the call.
    site.install("v1.21.1", &[]);
    assert_eq!(site.check(&zone).status, Some(0));
    site.install("v1.23.2", &[("ENABLE_SUBNET_DISCOVERY", "false")]);
    assert_eq!(site.check(&zone).status, Some(0));

    site.install("v1.23.2", &[]);
    site.answer(Answers { denied: ["ec2:DescribeInstanceTypes"].into(), ..Answers::default() });
    expect(&site, &zone, 0, "irsa-without-describe-instance-types.txt");
    let failing = |code| Answers { simulation_error: Some(code), ..denied.clone() };
    site.answer(failing("AccessDenied"));
    expect(&site, &zone, 2, "simulation-denied.txt");
    site.answer(failing("NoSuchEntity"));
    expect(&site, &zone, 1, "role-not-found.txt");
}

#[test]
fn the_role_comes_from_pod_identity_the_annotation_or_the_nodes() {
    let Some((site, zone)) = site() else { return };
    let association = "arn:aws:iam::123456789012:role/eks/vpc-cni";
    site.answer(Answers { pod_identity: Some(association), ..Answers::default() });
    expect(&site, &zone, 0, "pod-identity-and-annotation.txt");
    site.annotate(Some("aws-node"));
    site.answer(Answers::default());
    expect(&site, &zone, 1, "invalid-annotation.txt");

    site.annotate(None);
    expect(&site, &zone, 2, "no-nodes.txt");
    node_with_role(&site);
    expect(&site, &zone, 0, "node-role.txt");
    let role = "--node-role=arn:aws:iam::123456789012:role/other";
    expect(&site, &[zone[0], role], 0, "specified-node-role.txt");

    site.delete_service_account();
    expect(&site, &zone, 1, "no-service-account.txt");
}

/// Creates a Node with an instance whose instance profile has the role `nodes`.
fn node_with_role(site: &Site) {
    let iam = |form: &str| site.account().query("iam", form, "RequestId");
    iam("Action=CreateRole&RoleName=nodes&Path=/eks/&AssumeRolePolicyDocument=%7B%7D");
    iam("Action=CreateInstanceProfile&InstanceProfileName=nodes");
    iam("Action=AddRoleToInstanceProfile&InstanceProfileName=nodes&RoleName=nodes");
    let run = "Action=RunInstances&ImageId=ami-12c6146b&MinCount=1&MaxCount=1&IamInstanceProfile.Name=nodes";
    let id = site.account().query("ec2", run, "instanceId");
    site.cluster.apply(json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": { "name": "ip-10-0-1-10.us-west-2.compute.internal" },
        "spec": { "providerID": format!("aws:///us-west-2a/{id}") },
    }));
}
