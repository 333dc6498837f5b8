//! The IAM policy contains exactly the actions that the program calls.

use crate::support::node::{Node, RunOutput, run_output};
use crate::support::real_parts::own_moto;
use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::{Value, json};
use std::collections::BTreeSet;
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

/// Covers EC2 only: when moto checks signatures, it rejects every GET to EKS, because it computes
/// the signature from a body with the parameters of the path.
#[test]
fn each_ec2_action_in_the_policy_is_necessary_and_all_are_sufficient() {
    let Some(moto) = own_moto() else { return };
    let account = moto.account();
    let vpc = account.vpc("10.0.0.0/16");
    let subnet = account.subnet(&vpc, "us-west-2a", "10.0.1.0/26");
    let group = account.group(&vpc, "pods");
    let all = policy();
    let mut users = vec![(None, account.user("all", &all))];
    for action in actions(&all).into_iter().filter(|action| action.starts_with("ec2:")) {
        let name = format!("no-{}", action.replace(':', "-"));
        let user = account.user(&name, &without(&all, &action));
        users.push((Some(action), user));
    }
    account.enforce_policies();
    let api = KubernetesApi::start();
    api.set_aws_node(Some(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENABLE_PREFIX_DELEGATION", "true"),
        ("WARM_PREFIX_TARGET", "1"),
    ]));
    api.apply("us-west-2a", json!({ "subnet": subnet, "securityGroups": [group] }));
    let imds = Imds::start(&Instance {
        user_data: Some(api.node_config().into_bytes()),
        vpc_id: vpc,
        zone_id: "usw2-az2".to_owned(),
        ..Instance::default()
    });
    let node = Node::al2023()
        .with("--imds-endpoint", imds.endpoint())
        .with("--ec2-endpoint", &moto.endpoint);
    let table = node.root().join("table.csv").display().to_string();
    for (lacking, (key, secret)) in users {
        let run = |arguments: &[&str]| -> RunOutput {
            let mut command = node.command(arguments);
            command.env("AWS_ACCESS_KEY_ID", &key).env("AWS_SECRET_ACCESS_KEY", &secret);
            run_output(command.output().unwrap())
        };
        let output = [
            run(&["check", "--eni-config-verify=true"]),
            run(&["limits", "refresh", "--region", "us-west-2", "--output", &table, "--force"]),
        ];
        let output: String = output.into_iter().map(|it| it.stdout + &it.stderr).collect();
        let denied: BTreeSet<String> = output
            .split("access denied for ")
            .skip(1)
            .map(|rest| rest.split([' ', '\n']).next().unwrap().trim_end_matches(':').to_owned())
            .collect();
        assert_eq!(denied, lacking.into_iter().collect(), "{output}");
    }
}
