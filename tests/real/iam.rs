//! The IAM policy contains exactly the actions that the program calls.

use crate::behaviour::aws_calls::described;
use crate::support::lines::text_of;
use crate::support::node::{Node, RunOutput, error, imds_with, ready_api, run_output, with_imds};
use crate::support::real_parts::aws_api;
use crate::support::real_parts::own_moto;
use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn policy() -> Value {
    let text = fs::read_to_string(root().join("packaging/iam-policy.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn actions(policy: &Value) -> BTreeSet<String> {
    let statements = policy["Statement"].as_array().unwrap();
    let actions = statements.iter().flat_map(|it| it["Action"].as_array().unwrap());
    actions.map(|action| action.as_str().unwrap().to_owned()).collect()
}

fn without(policy: &Value, action: &str) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().unwrap() {
        statement["Action"].as_array_mut().unwrap().retain(|it| it != action);
    }
    policy["Statement"].as_array_mut().unwrap().retain(|it| it["Action"] != json!([]));
    policy
}

/// Returns the actions in the source of the AWS adapters.
fn called() -> BTreeSet<String> {
    let adapters = crate::support::golden::files_under(&root().join("src/adapter"));
    let texts =
        adapters.iter().map(|it| fs::read_to_string(root().join("src/adapter").join(it)).unwrap());
    let mut called = BTreeSet::new();
    for text in texts {
        for (at, _) in text.match_indices("\"ec2:").chain(text.match_indices("\"eks:")) {
            let quoted = text[at + 1..].split('"').next().unwrap();
            // Skips messages that start with an action.
            if !quoted.contains(' ') {
                called.insert(quoted.to_owned());
            }
        }
    }
    called
}

#[test]
fn the_policy_contains_exactly_the_called_actions() {
    assert_eq!(actions(&policy()), called());
    assert_eq!(called().len(), 6);
}

/// A call that a missing permission denies, and the result.
struct Denied {
    action: &'static str,
    /// The command, without the arguments that identify the node.
    command: &'static [&'static str],
    /// The environment of the aws-node DaemonSet.
    aws_node: &'static [(&'static str, &'static str)],
    /// The instance type in the instance metadata.
    instance_type: &'static str,
    status: i32,
    /// The whole error, or all lines of the log or of the checklist that contain `denied`. `USER` is the
    /// name of the IAM user.
    output: &'static str,
}

/// A node with custom networking and prefix delegation.
const CUSTOM: &[(&str, &str)] = &[
    ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
    ("ENABLE_PREFIX_DELEGATION", "true"),
    ("WARM_PREFIX_TARGET", "1"),
];
const RUN: &[&str] = &["run", "--eni-config-wait=0"];
const CHECK: &[&str] = &["check"];

const EC2: [Denied; 10] = [
    Denied {
        action: "ec2:DescribeInstanceTypes",
        command: RUN,
        aws_node: CUSTOM,
        instance_type: "c99.large",
        status: 77,
        output: "error: failed to look up the limits of instance type c99.large\n  caused by: access denied for ec2:DescribeInstanceTypes\n  caused by: AccessDenied: User: USER is not authorized to perform: ec2:DescribeInstanceTypes\n  help: allow ec2:DescribeInstanceTypes in the node's IAM role, or install an eni-bootstrap version whose table contains the instance type\n",
    },
    Denied {
        action: "ec2:DescribeSubnets",
        command: RUN,
        aws_node: CUSTOM,
        instance_type: "c5.large",
        status: 0,
        output: "verify: subnet skipped: access denied for ec2:DescribeSubnets: AccessDenied: User: USER is not authorized to perform: ec2:DescribeSubnets; allow `ec2:DescribeSubnets` in the IAM policy of this role or user; /usr/share/eni-bootstrap/iam-policy.json contains every action\n",
    },
    Denied {
        action: "ec2:DescribeSubnets",
        command: CHECK,
        aws_node: CUSTOM,
        instance_type: "c5.large",
        status: 2,
        output: "skipped  subnet           access denied for ec2:DescribeSubnets: AccessDenied: User: USER is not authorized to perform: ec2:DescribeSubnets\n",
    },
    Denied {
        action: "ec2:DescribeSecurityGroups",
        command: RUN,
        aws_node: CUSTOM,
        instance_type: "c5.large",
        status: 0,
        output: "verify: security groups skipped: access denied for ec2:DescribeSecurityGroups: AccessDenied: User: USER is not authorized to perform: ec2:DescribeSecurityGroups; allow `ec2:DescribeSecurityGroups` in the IAM policy of this role or user; /usr/share/eni-bootstrap/iam-policy.json contains every action\n",
    },
    Denied {
        action: "ec2:DescribeSecurityGroups",
        command: CHECK,
        aws_node: CUSTOM,
        instance_type: "c5.large",
        status: 2,
        output: "skipped  security groups  access denied for ec2:DescribeSecurityGroups: AccessDenied: User: USER is not authorized to perform: ec2:DescribeSecurityGroups\n",
    },
    Denied {
        action: "ec2:DescribeNetworkInterfaces",
        command: RUN,
        aws_node: CUSTOM,
        instance_type: "c5.large",
        status: 0,
        output: "verify: free prefixes skipped: access denied for ec2:DescribeNetworkInterfaces: AccessDenied: User: USER is not authorized to perform: ec2:DescribeNetworkInterfaces; allow `ec2:DescribeNetworkInterfaces` in the IAM policy of this role or user; /usr/share/eni-bootstrap/iam-policy.json contains every action\n",
    },
    Denied {
        action: "ec2:DescribeNetworkInterfaces",
        command: CHECK,
        aws_node: CUSTOM,
        instance_type: "c5.large",
        status: 2,
        output: "skipped  free prefixes    access denied for ec2:DescribeNetworkInterfaces: AccessDenied: User: USER is not authorized to perform: ec2:DescribeNetworkInterfaces\n",
    },
    Denied {
        action: "ec2:GetSubnetCidrReservations",
        command: RUN,
        aws_node: CUSTOM,
        instance_type: "c5.large",
        status: 0,
        output: "verify: free prefixes skipped: access denied for ec2:GetSubnetCidrReservations: AccessDenied: User: USER is not authorized to perform: ec2:GetSubnetCidrReservations; allow `ec2:GetSubnetCidrReservations` in the IAM policy of this role or user; /usr/share/eni-bootstrap/iam-policy.json contains every action\n",
    },
    Denied {
        action: "ec2:GetSubnetCidrReservations",
        command: CHECK,
        aws_node: CUSTOM,
        instance_type: "c5.large",
        status: 2,
        output: "skipped  free prefixes    access denied for ec2:GetSubnetCidrReservations: AccessDenied: User: USER is not authorized to perform: ec2:GetSubnetCidrReservations\n",
    },
    Denied {
        action: "ec2:DescribeSubnets",
        command: RUN,
        aws_node: &[],
        instance_type: "c5.large",
        status: 0,
        output: "warning: plan: access denied for ec2:DescribeSubnets: AccessDenied: User: USER is not authorized to perform: ec2:DescribeSubnets; max-pods is computed as if no tag excludes the subnet of the node; if aws-node uses the IAM role of the node, it creates no network interface, and only the addresses of the attached network interfaces serve pods (max-pods 11); allow ec2:DescribeSubnets for the IAM role of the node, or set cni.primary-subnet-excluded\n",
    },
];

/// Returns the whole error, or all lines that contain `denied`.
fn shown(output: &RunOutput) -> String {
    if output.stderr.contains("\nerror: ") && output.stdout.is_empty() {
        return error(output).to_owned();
    }
    let lines = output.stdout.lines().chain(output.stderr.lines());
    text_of(lines.filter(|line| line.contains("denied")))
}

/// moto enforces the policies of EC2 only: when it checks signatures, it rejects every GET to EKS, because
/// it computes the signature from a body with the parameters of the path. The next test covers EKS.
#[test]
fn each_ec2_action_in_the_policy_is_necessary_and_all_are_sufficient() {
    let Some(moto) = own_moto() else { return };
    let account = moto.account();
    let vpc = account.vpc("10.0.0.0/16");
    let subnet = account.subnet(&vpc, "us-west-2a", "10.0.1.0/26");
    let group = account.group(&vpc, "pods");
    let all = policy();
    let actions: Vec<String> =
        actions(&all).into_iter().filter(|action| action.starts_with("ec2:")).collect();
    let rows: BTreeSet<&str> = EC2.iter().map(|row| row.action).collect();
    assert!(actions.iter().all(|it| rows.contains(it.as_str())), "each action needs a row");
    let sufficient = account.user("all", &all);
    let users: BTreeMap<&str, _> = actions
        .iter()
        .map(|action| {
            let name = format!("without-{}", action.replace(':', "-"));
            (action.as_str(), account.user(&name, &without(&all, action)))
        })
        .collect();
    account.enforce_policies();
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": subnet, "securityGroups": [group] }));
    let mut different = Vec::new();
    for row in &EC2 {
        api.set_aws_node(Some(row.aws_node));
        // From version 1.22.0, a tag can exclude the subnet of a node without custom networking.
        api.set_cni_version("v1.22.0-eksbuild.1");
        let imds = Imds::start(&Instance {
            user_data: Some(api.node_config().into_bytes()),
            vpc_id: vpc.clone(),
            subnet_id: subnet.clone(),
            zone_id: "usw2-az2".to_owned(),
            instance_type: row.instance_type.to_owned(),
            ..Instance::default()
        });
        // A new node, which has no record of a successful run.
        let node = Node::al2023()
            .with("--imds-endpoint", imds.endpoint())
            .with("--ec2-endpoint", &moto.endpoint)
            .with("--eni-config-verify", "true");
        let run = |(key, secret): &(String, String)| -> RunOutput {
            let mut command = node.command(row.command);
            command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret);
            run_output(command.output().unwrap())
        };
        let output = run(&users[row.action]);
        let name = format!("without-{}", row.action.replace(':', "-"));
        let expected =
            row.output.replace("USER", &format!("arn:aws:iam::123456789012:user/{name}"));
        if (output.status, shown(&output)) != (Some(row.status), expected.clone()) {
            let (Denied { action, command, status, .. }, actual) = (row, shown(&output));
            different.push(format!(
                "{command:?} without {action}: exit status {:?}, expected {status}\n{actual}expected:\n{expected}\n",
                output.status
            ));
        }
        let output = run(&sufficient);
        assert!(!format!("{output:?}").contains("denied"), "{output:?}");
    }
    assert!(different.is_empty(), "{}", text_of(different));
}

/// EKS's response to a call that IAM denies.
const EKS_DENIED: &str = r#"{"__type":"AccessDeniedException","message":"User: USER is not authorized to perform: eks:DescribeCluster"}"#;

#[test]
fn eks_describe_cluster_is_necessary_if_only_the_name_of_the_cluster_is_configured() {
    let api = ready_api();
    let imds = imds_with("");
    let run = |response: (&'static str, String)| {
        let node = with_imds(&imds).with("--eks-endpoint", aws_api(vec![response]));
        node.run(["run", "--cluster-name", "prod", "--eni-config-wait", "0"])
    };
    let denied = run(("403 Forbidden", EKS_DENIED.to_owned()));
    assert_eq!(
        (denied.status, error(&denied)),
        (
            Some(77),
            "error: failed to connect to the cluster\n  caused by: failed to get the cluster endpoint from EKS\n  caused by: access denied for eks:DescribeCluster\n  caused by: AccessDeniedException: User: USER is not authorized to perform: eks:DescribeCluster\n  help: attach the policy AmazonEKSWorkerNodePolicy to the node role, or set `cluster.endpoint` and `cluster.certificate-authority` to skip this call\n"
        )
    );
    let output = run(described(&api));
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(!output.stderr.contains("denied"), "{}", output.stderr);
}
