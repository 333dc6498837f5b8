//! The configuration of the CNI from the aws-node DaemonSet of a real API server.

use crate::expressions::program::{expect_golden, expressions, file, json};
use eni_bootstrap_real_parts::{Who, cluster};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

fn environment(variables: &[(&str, &str)]) -> Value {
    variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

#[test]
fn the_expressions_follow_the_aws_node_daemonset() {
    let Some(cluster) = cluster() else { return };
    let kubeconfig = file(&cluster.kubeconfig(Who::Admin));
    let kubeconfig = ["--kubeconfig", kubeconfig.path().to_str().unwrap()];
    let run = |arguments: &[&str]| expressions(&[&kubeconfig, arguments].concat());

    let (status, stdout, stderr) = run(&[]);
    assert_eq!((status, stdout.as_str()), (Some(78), ""));
    assert!(stderr.contains("DaemonSet aws-node not found in namespace kube-system"), "{stderr}");

    cluster.install_cni_version(
        "v1.23.2",
        environment(&[
            ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
            ("ENABLE_PREFIX_DELEGATION", "true"),
            ("WARM_PREFIX_TARGET", "1"),
            ("MAX_ENI", "4"),
        ]),
    );
    let by_settings =
        json("cni.prefix-delegation = true\ncni.max-eni = 4", &["--instance-type", "c7g.*"]);
    let (status, stdout, stderr) = run(&["--output", "json", "--instance-type", "c7g.*"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let by_cluster: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(by_cluster["source"], "cluster");
    for key in ["cni", "karpenter", "nodeadm", "bottlerocket", "diagnostics"] {
        assert_eq!(by_cluster[key], by_settings[key], "{key}");
    }

    let environment_of_example = environment(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENABLE_PREFIX_DELEGATION", "true"),
        ("WARM_PREFIX_TARGET", "1"),
    ]);
    cluster.install_cni_version("v1.23.2", environment_of_example);
    let (status, stdout, stderr) = run(&["--for", "karpenter"]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/kubectl-eni-expressions.md");
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains(&format!("$ kubectl eni expressions --for karpenter\n{stdout}```\n")));

    // An image without a version, an invalid variable, and a setting of the nodes.
    cluster.install_cni_version(
        "latest",
        environment(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "yes"), ("ENABLE_POD_ENI", "true")]),
    );
    let settings = file("cni.custom-networking = true\npods.ceiling = \"none\"\n");
    let (status, stdout, stderr) = run(&[
        "--settings",
        settings.path().to_str().unwrap(),
        "--for",
        "karpenter",
        "--instance-type",
        "t3.*",
        "--instance-type",
        "m5.*",
    ]);
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    expect_golden("cluster-unknown-version.txt", &stdout);
}
