//! AWS calls and tokens at boot: role credentials that instance metadata does not have yet, a clock
//! that is not set yet, and failures inside AWS.

use crate::support::node::{Node, RunOutput, Running, error, ready_api, run_output, with_imds};
use crate::support::real_parts::aws_api;
use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::json;
use std::process::Command;

/// The item that lists the role of the instance.
const ROLES: &str = "meta-data/iam/security-credentials/";

/// Returns EKS's response for the cluster `api`.
pub fn described(api: &KubernetesApi) -> (&'static str, String) {
    let cluster = json!({ "cluster": {
        "name": "prod", "status": "ACTIVE", "endpoint": api.url(),
        "certificateAuthority": { "data": api.ca_base64() },
        "resourcesVpcConfig": { "subnetIds": [] },
    }});
    ("200 OK", cluster.to_string())
}

/// Returns an error of the EKS API.
fn eks_error(status: &'static str, code: &str, message: &str) -> (&'static str, String) {
    (status, json!({ "__type": code, "message": message }).to_string())
}

/// Returns `run` for the cluster `prod`, without static AWS credentials.
fn run(node: &Node, arguments: &[&str]) -> Command {
    let mut command = node.command(["run", "--cluster-name", "prod"].iter().chain(arguments));
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command
}

fn output(mut command: Command) -> RunOutput {
    run_output(command.output().unwrap())
}

#[test]
fn role_credentials_that_arrive_late_are_awaited() {
    for early in [None, Some("")] {
        let api = ready_api();
        let imds = Imds::start(&Instance::default());
        match early {
            None => imds.remove(ROLES),
            Some(body) => imds.set(ROLES, body),
        }
        let node = with_imds(&imds).with("--eks-endpoint", aws_api(vec![described(&api)]));
        let mut running = Running::new(run(&node, &[]));
        running.until("retrying in");
        imds.set(ROLES, "node");
        let output = running.end();
        assert_eq!(output.status, Some(0), "{early:?}: {}", output.stderr);
    }
}

#[test]
fn role_credentials_that_arrive_late_are_awaited_for_a_token() {
    let imds = Imds::start(&Instance::default());
    imds.remove(ROLES);
    let node = Node::empty().with("--imds-endpoint", imds.endpoint());
    let mut command = node.command(["token", "--cluster-name", "prod", "--region", "us-west-2"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let mut running = Running::new(command);
    running.until("retrying in");
    imds.set(ROLES, "node");
    let output = running.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stdout.contains("k8s-aws-v1."), "{}", output.stdout);
}

/// EC2's response for the subnet of the ENIConfig, which fits the node.
const SUBNETS: &str = "<DescribeSubnetsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><subnetSet><item><subnetId>subnet-0a</subnetId><vpcId>vpc-0123456789abcdef0</vpcId><cidrBlock>10.0.0.0/24</cidrBlock><availableIpAddressCount>200</availableIpAddressCount><availabilityZone>us-west-2a</availabilityZone><availabilityZoneId>usw2-az1</availabilityZoneId></item></subnetSet></DescribeSubnetsResponse>";

#[test]
fn role_credentials_that_arrive_late_are_awaited_for_the_verification() {
    let api = ready_api();
    let imds = Imds::start(&Instance::default());
    imds.remove(ROLES);
    let ec2 = aws_api(vec![("200 OK", SUBNETS.to_owned())]);
    let node = with_imds(&imds).with("--ec2-endpoint", ec2);
    // A kubeconfig, so that only EC2 needs credentials.
    let kubeconfig = node.file("kubeconfig", &api.kubeconfig());
    let mut command = run(&node, &["--cluster-kubeconfig", kubeconfig.to_str().unwrap()]);
    command.env_remove("ENI_BOOTSTRAP_ENI_CONFIG_VERIFY");
    let mut running = Running::new(command);
    running.until("retrying in");
    imds.set(ROLES, "node");
    let output = running.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("ENIConfig us-west-2a found and verified"), "{}", output.stderr);
}

#[test]
fn an_instance_without_an_instance_profile_is_77_with_help() {
    let imds = Imds::start(&Instance { role: None, ..Instance::default() });
    let node = with_imds(&imds).with("--eks-endpoint", "http://127.0.0.1:1");
    let output = output(run(&node, &["--imds-wait", "3s"]));
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(77),
            "error: failed to connect to the cluster\n  caused by: failed to get the cluster endpoint from EKS\n  caused by: no AWS credentials found for eks:DescribeCluster\n  caused by: an error occurred while loading credentials\n  caused by: the instance metadata service has no role credentials (HTTP status 404 for latest/meta-data/iam/security-credentials/)\n  help: attach an instance profile to the instance, or set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY\n"
        )
    );
    assert!(output.stderr.contains("; retrying in "), "{}", output.stderr);
}

#[test]
fn a_rejected_time_and_a_failure_inside_aws_are_retried() {
    for (status, code, message) in [
        ("400 Bad Request", "RequestExpired", "Request has expired."),
        ("403 Forbidden", "RequestTimeTooSkewed", "The difference is too large."),
        (
            "403 Forbidden",
            "InvalidSignatureException",
            "Signature expired: 20261121T110000Z is now earlier than 20261121T115500Z",
        ),
        (
            "403 Forbidden",
            "SignatureDoesNotMatch",
            "Signature not yet current: 20261121T130000Z is still later than 20261121T120500Z",
        ),
        ("400 Bad Request", "ServiceUnavailable", "try again"),
        ("400 Bad Request", "InternalFailure", "try again"),
        ("400 Bad Request", "Throttling.User", "try again"),
        ("501 Not Implemented", "Other", "try again"),
    ] {
        let api = ready_api();
        let imds = Imds::start(&Instance::default());
        let eks = aws_api(vec![eks_error(status, code, message), described(&api)]);
        let node = with_imds(&imds).with("--eks-endpoint", eks);
        let output = output(run(&node, &[]));
        assert_eq!(output.status, Some(0), "{code}: {}", output.stderr);
    }
}

#[test]
fn a_wrong_clock_is_69_with_help_and_not_a_missing_permission() {
    let imds = Imds::start(&Instance::default());
    let rejected = eks_error("403 Forbidden", "RequestTimeTooSkewed", "The difference is 9000 s.");
    let node = with_imds(&imds).with("--eks-endpoint", aws_api(vec![rejected]));
    let output = output(run(&node, &["--imds-wait", "3s"]));
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(69),
            "error: failed to connect to the cluster\n  caused by: failed to get the cluster endpoint from EKS\n  caused by: AWS rejected the time of the request for eks:DescribeCluster\n  caused by: RequestTimeTooSkewed: The difference is 9000 s.\n  help: set the clock of the instance: run `chronyc makestep`, and check its time source with `chronyc sources` (Amazon Time Sync Service: 169.254.169.123)\n"
        )
    );
}

#[test]
fn a_mistyped_instance_type_gets_the_nearest_one_as_a_suggestion() {
    let unknown = "<Response><Errors><Error><Code>InvalidInstanceType</Code><Message>The following supplied instance types do not exist: [m5.lrage]</Message></Error></Errors></Response>";
    let denied = unknown.replace("InvalidInstanceType", "UnauthorizedOperation");
    let of = |type_name: &str, (status, body): (&'static str, String)| {
        let ec2 = aws_api(vec![(status, body)]);
        let node = Node::empty().with("--ec2-endpoint", ec2);
        let arguments = ["max-pods", "--region", "us-west-2", "--instance-type", type_name];
        let output = node.run(arguments);
        (output.status, error(&output).to_owned())
    };
    assert_eq!(
        of("m5.lrage", ("400 Bad Request", unknown.to_owned())),
        (
            Some(65),
            "error: failed to look up the limits of instance type m5.lrage\n  caused by: EC2 does not offer instance type \"m5.lrage\" in this region\n  help: did you mean `m5.large`? Otherwise check the instance type and the AWS region, or install a newer eni-bootstrap version, whose table may contain the instance type\n".to_owned()
        )
    );
    assert_eq!(
        of("m5.lrage", ("403 Forbidden", denied)),
        (
            Some(77),
            "error: failed to look up the limits of instance type m5.lrage\n  caused by: access denied for ec2:DescribeInstanceTypes\n  caused by: UnauthorizedOperation: The following supplied instance types do not exist: [m5.lrage]\n  help: did you mean `m5.large`? Otherwise allow ec2:DescribeInstanceTypes in the node's IAM role, or install an eni-bootstrap version whose table contains the instance type\n".to_owned()
        )
    );
    assert_eq!(
        of("zz9.plural", ("400 Bad Request", unknown.to_owned())),
        (
            Some(65),
            "error: failed to look up the limits of instance type zz9.plural\n  caused by: EC2 does not offer instance type \"zz9.plural\" in this region\n  help: check the instance type and the AWS region, or install a newer eni-bootstrap version, whose table may contain the instance type\n".to_owned()
        )
    );
    let output = Node::empty().run(["max-pods", "--instance-type=m5large"]);
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            Some(64),
            "error: invalid command line\n  caused by: \"m5large\" is not an instance type (such as m5.large)\n  help: did you mean `m5.large`?\n"
        )
    );
}
