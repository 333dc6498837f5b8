//! `check` for one node and for a whole cluster, against EC2 and EKS of moto.

use crate::real::ec2_fit::Site;
use crate::support::golden::{expect_golden, golden};
use crate::support::node::{
    Node, RunOutput, imds_with, in_cluster, ready_api, run_output, with_imds,
};
use crate::support::real_parts::{moto, own_moto};
use eni_bootstrap_sandbox::{Ec2, KubernetesApi, Subnet};
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
fn skipped_checks_of_a_cluster_are_counted_and_change_the_exit_code() {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0b"] }));
    let laptop = Node::empty();
    let kubeconfig = laptop.file("kubeconfig", &api.kubeconfig()).display().to_string();
    let check = |more: &[&str]| {
        let arguments = ["check", "--zones", "all", "--cluster-name", "sandbox"];
        let arguments = arguments.iter().chain(&["--region", "us-west-2"]);
        let mut command = laptop.command(arguments.chain(&["--cluster-kubeconfig", &kubeconfig]));
        for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env_remove(name);
        }
        command.arg("--imds-endpoint=http://127.0.0.1:9");
        run_output(command.args(more).output().unwrap())
    };
    let output = check(&[]);
    assert_eq!(summary(&output), "summary: 2 ok, 0 warnings, 0 failed, 3 skipped");
    assert_eq!(
        (output.status, output.stderr.as_str()),
        (
            Some(2),
            "error: 3 of 5 checks were skipped\n  help: correct the cause of each skipped check; add `--strict` to treat skipped checks as failed\n"
        ),
        "{}",
        output.stdout
    );
    let strict = check(&["--strict"]);
    assert_eq!(summary(&strict), summary(&output));
    assert_eq!(
        (strict.status, strict.stderr.as_str()),
        (
            Some(1),
            "error: 0 of 5 checks failed and 3 were skipped (--strict)\n  help: follow the help of each failed check, and correct the cause of each skipped check\n"
        )
    );
    let json = check(&["--output", "json"]);
    assert_eq!(json.status, Some(2));
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        result["summary"],
        json!({ "ok": 2, "info": 0, "warning": 0, "failed": 0, "skipped": 3 })
    );
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
fn check_covers_every_zone_and_eniconfig_of_a_cluster() {
    let Some(moto) = own_moto() else { return };
    let account = moto.account();
    let vpc = account.vpc("10.0.0.0/16");
    let of_nodes: Vec<String> = ["us-west-2a", "us-west-2b", "us-west-2c"]
        .iter()
        .zip(1..)
        .map(|(zone, number)| account.subnet(&vpc, zone, &format!("10.0.{number}.0/24")))
        .collect();
    let of_nodes: Vec<&str> = of_nodes.iter().map(String::as_str).collect();
    account.cluster("prod", &of_nodes);
    let pods = |zone: &str, number: u8| account.subnet(&vpc, zone, &format!("10.0.{number}.0/24"));
    let (a, wrong) = (pods("us-west-2a", 11), pods("us-west-2a", 12));
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": a }));
    api.apply("us-west-2b", json!({ "subnet": wrong }));
    api.apply("old", json!({ "subnet": "" }));
    let laptop = Node::empty();
    let kubeconfig = laptop.file("kubeconfig", &api.kubeconfig()).display().to_string();
    let check = |more: &[&str]| {
        let arguments =
            ["check", "--cluster-kubeconfig", &kubeconfig, "--ec2-endpoint", &moto.endpoint];
        laptop.run(arguments.iter().chain(&["--eks-endpoint", &moto.endpoint]).chain(more))
    };
    let all = check(&["--zones", "all", "--cluster-name", "prod", "--region", "us-west-2"]);
    assert_eq!(all.status, Some(1), "{}", all.stderr);
    let steady = all.stdout.replace(&a, "SUBNET-A").replace(&wrong, "SUBNET-OF-A");
    expect_golden(&golden().join("check/cluster"), &steady);
    let one = check(&["--zones", "us-west-2a", "--region", "us-west-2", "--output", "json"]);
    let checks: Value = serde_json::from_str(&one.stdout).unwrap();
    assert_eq!(checks["checks"][1]["of"], "zone us-west-2a");
    let without_name = check(&["--zones", "all", "--region", "us-west-2"]);
    assert!(
        without_name.stdout.contains("the cluster name is unknown; add `--cluster-name NAME`"),
        "{}",
        without_name.stdout
    );
    let without_region = check(&["--zones", "all"]);
    assert_eq!(
        (without_region.status, without_region.stderr.as_str()),
        (
            Some(64),
            "error: invalid command line\n  caused by: --zones requires the AWS region of the cluster\n  help: add the region: `--region us-west-2`\n"
        )
    );
    let without_kubeconfig = laptop.run(["check", "--zones", "all", "--region", "us-west-2"]);
    assert_eq!(
        (without_kubeconfig.status, without_kubeconfig.stderr.as_str()),
        (
            Some(64),
            "error: invalid command line\n  caused by: --zones requires a kubeconfig\n  help: run `eni-bootstrap check --zones all --cluster-kubeconfig ~/.kube/config`\n"
        )
    );
}

/// The name of the cluster in the settings does not matter.
#[test]
fn check_of_zones_compares_the_tags_with_cluster_name_of_aws_node() {
    let api = ready_api();
    let tags =
        [("kubernetes.io/role/cni", "1"), ("cni.networking.k8s.aws/cluster/other", "shared")];
    let tags = tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let ec2 = Ec2::start(vec![Subnet { id: "subnet-0a".to_owned(), tags, ..Subnet::default() }]);
    let laptop = Node::empty();
    let kubeconfig = laptop.file("kubeconfig", &api.kubeconfig()).display().to_string();
    // Without the padding of the columns.
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let subnet_line = |version: &str, variables: &[(&str, &str)]| {
        let custom = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
        api.set_aws_node(Some(&[&[custom], variables].concat()));
        api.set_cni_version(version);
        let arguments =
            ["check", "--zones=us-west-2a", "--cluster-name=prod", "--region=us-west-2"];
        let endpoints = [
            format!("--ec2-endpoint={}", ec2.endpoint()),
            format!("--cluster-kubeconfig={kubeconfig}"),
        ];
        let output = laptop.run(arguments.map(str::to_owned).iter().chain(&endpoints));
        let lines = output.stdout.lines().filter(|line| line.contains(" subnet "));
        lines.map(words).collect::<Vec<_>>().join("\n")
    };
    let ok = "ok subnet subnet-0a is in us-west-2a and has 251 free addresses";
    let excluded = "because of its tag cni.networking.k8s.aws/cluster/other (CLUSTER_NAME of aws-node is prod)";
    let named = [("CLUSTER_NAME", "prod")];
    assert_eq!(subnet_line("v1.23.2", &[]), ok);
    assert_eq!(subnet_line("v1.21.1", &named), ok);
    assert_eq!(
        subnet_line("v1.23.2", &named),
        format!("failed subnet the CNI assigns no pod addresses from subnet-0a {excluded}")
    );
    assert_eq!(
        subnet_line("stable", &named),
        format!(
            "{ok}\nwarning subnet the version of the CNI is unknown; from 1.22.0, the CNI assigns no pod addresses from subnet-0a {excluded}"
        )
    );
}
