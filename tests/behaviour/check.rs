//! `check` for one node, against EC2 of moto.

use crate::real::ec2_fit::Site;
use crate::support::golden::{expect_golden, golden};
use crate::support::node::{Node, RunOutput, imds_with, in_cluster, ready_api, with_imds};
use crate::support::real_parts::moto;
use serde_json::{Value, json};

#[test]
fn check_lists_everything_for_this_node() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let subnet = site.account.subnet(&site.vpc, "us-west-2b", "10.0.1.0/24");
    site.eni_config(&subnet, &[]);
    site.api.apply("default", json!({ "subnet": subnet }));
    site.api.set_aws_node(Some(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENABLE_POD_ENI", "yes"),
    ]));
    let output = site.node.run(["check", "--cni-max-eni", "2"]);
    assert_eq!(output.status, Some(1), "{}", output.stderr);
    assert_eq!(
        output.stderr,
        "error: 1 of 11 checks failed\n  help: follow the help below each failed check\n"
    );
    let steady = output.stdout.replace(&site.api.url(), "https://API").replace(&subnet, "SUBNET");
    expect_golden(&golden().join("check/node"), &steady);
    let json = site.node.run(["check", "--output", "json", "--cni-max-eni", "2"]);
    let checks: Value = serde_json::from_str(&json.stdout).unwrap();
    let severities: Vec<&str> = checks["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["severity"].as_str().unwrap())
        .collect();
    let words = steady.lines().filter_map(|line| line.split(' ').next());
    let lines = words.filter(|word| !word.is_empty() && *word != "summary:");
    assert_eq!(severities, lines.collect::<Vec<_>>());
    let good = site.account.subnet(&site.vpc, "us-west-2a", "10.0.2.0/24");
    site.eni_config(&good, &[]);
    for arguments in [&["check"][..], &["check", "--strict"]] {
        let output = site.node.run(arguments);
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
    }
}

/// Returns the lines of the checks that are not `ok`, without the summary.
fn not_ok(output: &RunOutput) -> Vec<&str> {
    let lines = output.stdout.lines().filter(|line| !line.starts_with("ok "));
    lines.filter(|line| !line.is_empty() && !line.starts_with("summary: ")).collect()
}

#[test]
fn check_prints_the_warnings_of_run() {
    let api = ready_api();
    let kubelet = "    maxPodsExpression: max_pods - 1\n    config: {maxPods: 29}\n    flags: ['--node-labels=karpenter.sh/capacity-type=spot,karpenter.sh/nodepool=blue']\n";
    let imds = imds_with(format!("{}  kubelet:\n{kubelet}", api.node_config()));
    let node = with_imds(&imds);
    let output = node.run(["check", "--pods-policy", "lower"]);
    assert_eq!(output.status, Some(2), "the subnet is not verified: {}", output.stderr);
    let mut warned = not_ok(&output);
    warned.retain(|line| line.starts_with("warning "));
    assert_eq!(
        warned,
        [
            "warning  max-pods       user data sets max-pods to 29 (Karpenter); the computed value 20 takes precedence (pods.policy = \"lower\"), but Karpenter schedules pods with its own value",
            "warning  max-pods       pods.policy = \"lower\" ignores maxPodsExpression \"max_pods - 1\" in user data, because only nodeadm can evaluate it",
        ]
    );
    let run = node.run(["run", "--pods-policy", "lower"]);
    for line in warned {
        let line = line.replace("warning  max-pods       ", "warning: plan: ");
        assert!(run.stderr.contains(&line), "{line} in {}", run.stderr);
    }
}

#[test]
fn check_skips_ec2_if_eni_config_verify_is_false() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    // With verification, this ENIConfig causes a warning.
    api.apply("default", json!({ "subnet": "subnet-0a" }));
    let output = node.run(["check", "--eni-config-verify=false"]);
    assert_eq!(
        not_ok(&output),
        ["skipped  verify     eni-config.verify is false"],
        "{}",
        output.stderr
    );
}

/// Returns the last line of the text output.
fn summary(output: &RunOutput) -> &str {
    output.stdout.lines().last().unwrap_or_default()
}

#[test]
fn skipped_checks_of_a_node_are_counted_and_change_the_exit_code() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["check"]);
    assert_eq!(summary(&output), "summary: 6 ok, 0 warnings, 0 failed, 1 skipped");
    assert_eq!(output.status, Some(2), "{}", output.stderr);
    assert_eq!(node.run(["check", "--strict"]).status, Some(1));
}

#[test]
fn zones_of_a_cluster_are_checked_by_the_kubectl_plugin() {
    let laptop = Node::empty();
    for (zones, command) in [
        ("all", "kubectl eni check"),
        ("us-west-2a,us-west-2b", "kubectl eni check --zones us-west-2a,us-west-2b"),
    ] {
        let output = laptop.run(["check", "--zones", zones]);
        assert_eq!(
            (output.status, output.stderr),
            (
                Some(64),
                format!(
                    "error: invalid command line\n  caused by: --zones is not a flag of eni-bootstrap\n  help: install the kubectl plugin kubectl-eni, and run `{command}`\n"
                )
            )
        );
    }
}
