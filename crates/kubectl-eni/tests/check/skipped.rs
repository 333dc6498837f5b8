//! What cannot be read is skipped or an error, and changes the exit code.

use crate::check::site::{RunOutput, Site, expect_golden, run};
use eni_bootstrap_real_parts::Who;
use serde_json::{Value, json};

/// Returns the last line of the text output.
fn summary(output: &RunOutput) -> &str {
    output.stdout.lines().last().unwrap_or_default()
}

#[test]
fn without_aws_credentials_the_checks_of_aws_are_skipped() {
    let Some(site) = Site::start() else { return };
    site.eni_config("us-west-2a", "subnet-0a");
    let check = |more: &[&str]| {
        let arguments = [&["--cluster-name=prod", "--region=us-west-2"], more].concat();
        let mut command = site.command(Who::Admin, &arguments);
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        run(command)
    };
    let output = check(&[]);
    assert_eq!((output.status, output.stderr.as_str()), (Some(2), ""), "{}", output.stdout);
    expect_golden("no-credentials.txt", &output.stdout);
    let strict = check(&["--strict"]);
    assert_eq!((strict.status, summary(&strict)), (Some(1), summary(&output)));
    let json = check(&["--output", "json"]);
    assert_eq!(json.status, Some(2));
    let result: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(
        result["summary"],
        json!({ "ok": 3, "info": 0, "warning": 0, "failed": 0, "skipped": 3 })
    );
}

#[test]
fn the_name_and_the_region_of_the_cluster_are_needed() {
    let Some(site) = Site::start() else { return };
    let without_region = run(site.command(Who::Admin, &[]));
    assert_eq!(
        (without_region.status, without_region.stderr.as_str()),
        (
            Some(64),
            "error: the AWS region of the cluster is unknown\n  help: add `--region REGION`\n"
        )
    );
    let without_name = run(site.command(Who::Admin, &["--region=us-west-2"]));
    assert_eq!(without_name.status, Some(2), "{}", without_name.stderr);
    expect_golden("no-cluster-name.txt", &without_name.stdout);
}

#[test]
fn a_user_without_rights_gets_the_reason() {
    let Some(mut site) = Site::start() else { return };
    let arguments = ["--cluster-name=prod", "--region=us-west-2", "--zones=us-west-2a"];
    let denied = run(site.command(Who::Node, &arguments));
    assert_eq!((denied.status, denied.stderr.as_str()), (Some(1), ""));
    expect_golden("access-denied.txt", &denied.stdout);

    let unreachable = site.command(Who::Admin, &arguments);
    let address = site.cluster.address().to_string();
    site.cluster.kill();
    let unreachable = run(unreachable);
    assert_eq!(unreachable.status, Some(69), "{}", unreachable.stderr);
    assert_eq!(
        unreachable.stderr.lines().next(),
        Some("error: failed to get DaemonSet aws-node in namespace kube-system"),
        "{address}"
    );
}

#[test]
fn another_cni_is_named() {
    let Some(site) = Site::start() else { return };
    let aws_node = || {
        let text = site.check(&["--zones=us-west-2a"]).stdout;
        // Without custom networking, no zone is checked.
        let lines = text.split_once("\nzone ").map_or(text.as_str(), |(lines, _)| lines);
        lines.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let daemon_set = |name: &str, selector: Value| {
        site.cluster.apply(json!({
            "apiVersion": "apps/v1", "kind": "DaemonSet",
            "metadata": { "name": name, "namespace": "kube-system" },
            "spec": {
                "selector": { "matchLabels": { "k8s-app": name } },
                "template": {
                    "metadata": { "labels": { "k8s-app": name } },
                    "spec": {
                        "serviceAccountName": "aws-node",
                        "nodeSelector": selector,
                        "containers": [{ "name": name, "image": "a" }],
                    },
                },
            },
        }));
    };
    daemon_set("aws-node", json!({ "io.cilium/aws-node-enabled": "true" }));
    let text = aws_node();
    // Other nodes of this cluster can use Cilium.
    assert!(
        !text.contains("Cilium")
            && !text.starts_with("skipped")
            && text.contains(" aws-node role "),
        "{text}"
    );
    site.cluster.delete("/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node");
    daemon_set("kube-flannel-ds", json!({}));
    assert_eq!(
        aws_node(),
        "skipped aws-node this cluster has DaemonSet kube-system/kube-flannel-ds and no aws-node: eni-bootstrap supports only the Amazon VPC CNI"
    );
}
