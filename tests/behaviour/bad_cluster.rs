//! Errors of the cluster: the exit code, the message and the help of each.

use crate::support::node::{DROP_IN, error, in_cluster};
use eni_bootstrap_sandbox::{Access, KubernetesApi};
use serde_json::json;
use std::time::Duration;

#[test]
fn a_missing_eniconfig_is_75_and_the_files_stay() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["run", "--eni-config-wait", "3s"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(75),
            "error: the node is not ready for the kubelet\n  caused by: timed out after 3s waiting for ENIConfig us-west-2a\n  caused by: the ENIConfig does not exist in the cluster\n  help: create the ENIConfig with a subnet in the node's zone:\nkubectl apply -f - <<'EOF'\napiVersion: crd.k8s.amazonaws.com/v1alpha1\nkind: ENIConfig\nmetadata:\n  name: us-west-2a\nspec:\n  subnet: SUBNET-ID\n  securityGroups:\n    - SECURITY-GROUP-ID\nEOF\n"
        )
    );
    assert_eq!(node.written(), [DROP_IN]);
    let output = node.run(["run", "--eni-config-wait", "0", "--eni-config-on-timeout", "continue"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(
        output.stderr.contains("warning: wait: ENIConfig us-west-2a is not ready: the ENIConfig does not exist in the cluster; continuing because eni-config.on-timeout is \"continue\"\n"),
        "{}",
        output.stderr
    );
}

#[test]
fn missing_rbac_is_77_and_an_unreachable_server_69() {
    let mut api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    api.set_access(Access::Forbidden);
    let output = node.run(["run", "--eni-config-wait", "0", "--cni-source", "settings"]);
    assert_eq!(output.status, Some(77));
    assert!(
        error(&output).ends_with("help: allow nodes to read ENIConfigs: `kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml)\n"),
        "{}",
        output.stderr
    );
    let output = node.run(["run", "--eni-config-wait", "0"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(77),
            "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: access denied by the API server: daemonsets.apps \"aws-node\" is forbidden: User \"system:node:ip-192-0-2-10.us-west-2.compute.internal\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"\n  help: allow nodes to read the DaemonSet: `kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml), or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
        )
    );
    assert_eq!(node.written(), [DROP_IN], "only the first run wrote it");
    api.kill();
    let output = node.run(["run", "--eni-config-wait", "0"]);
    assert_eq!(output.status, Some(69));
    assert!(
        error(&output).contains("\n  caused by: the API server is unreachable\n  caused by: "),
        "{}",
        output.stderr
    );
}

#[test]
fn a_cluster_without_the_cni_is_75() {
    let api = KubernetesApi::start();
    api.set_aws_node(None);
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["run", "--eni-config-wait", "0", "--eni-config-on-timeout", "continue"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(75),
            "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: DaemonSet aws-node not found in namespace kube-system\n  help: install the Amazon VPC CNI before you start nodes, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
        ),
        "without max-pods, on-timeout has no effect"
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

#[test]
fn after_a_daemonset_that_arrives_at_the_deadline_the_eniconfig_is_read_once() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    // The response with the DaemonSet arrives after the deadline.
    api.faults().latency(Duration::from_millis(1200));
    let output = node.run(["run", "--eni-config-wait", "1s"]);
    assert_eq!(output.status, Some(75), "{}", output.stderr);
    assert!(
        error(&output).starts_with(
            "error: the node is not ready for the kubelet\n  caused by: timed out after 1s waiting for ENIConfig us-west-2a\n  caused by: the ENIConfig does not exist in the cluster\n  help: "
        ),
        "{}",
        output.stderr
    );
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = node.run(["run", "--eni-config-wait", "1s"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
}

#[test]
fn an_instance_without_a_role_is_77() {
    let api = KubernetesApi::start();
    let (node, imds) = in_cluster(&api);
    imds.remove("meta-data/iam/security-credentials/");
    let mut command = node.command(["run", "--eni-config-wait", "3s"]);
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(77), "{}", output.stderr);
    assert!(
        error(&output).starts_with(
            "error: the node is not ready for the kubelet\n  caused by: timed out after 3s waiting for the aws-node DaemonSet\n  caused by: failed to create a token for the API server\n  caused by: failed to load AWS credentials\n  caused by: "
        ),
        "{}",
        output.stderr
    );
    assert!(
        error(&output).ends_with(
            "\n  help: attach an instance profile with the node's IAM role to the instance; if it has one, check that the role's trust policy allows ec2.amazonaws.com\n"
        ),
        "{}",
        output.stderr
    );
}
