//! `plan` during an interruption of the API server, and `run --output kubelet-args`.

use crate::support::node::{DROP_IN, error, in_cluster, ready_api};
use eni_bootstrap_sandbox::{Fault, KubernetesApi};

const DAEMON_SET: &str = "daemonsets/aws-node";

#[test]
fn plan_retries_a_503_like_run() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let expected = node.run(["plan", "--output", "kubelet-args"]);
    assert_eq!(expected.status, Some(0), "{}", expected.stderr);
    api.faults().fail_next_matching(DAEMON_SET, 2, Fault::Status(503));
    let output = node.run(["plan", "--output", "kubelet-args"]);
    assert_eq!((output.status, &output.stdout), (Some(0), &expected.stdout), "{}", output.stderr);
    assert_eq!(
        output.stderr,
        "warning: wait: failed to read the aws-node DaemonSet: the API server returned status 503; check the health of the control plane: `aws eks describe-cluster --name NAME --query cluster.health`, and the logs of the API server\n"
    );
}

#[test]
fn plan_waits_at_most_as_long_as_run() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    api.faults().fail_always_matching(DAEMON_SET, Fault::Status(503));
    let output = node.run(["plan", "--eni-config-wait", "1s"]);
    assert_eq!((output.status, output.stdout.as_str()), (Some(69), ""), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: the node is not ready for the kubelet\n  caused by: timed out after 1s waiting for the aws-node DaemonSet\n  caused by: the API server returned status 503\n  help: check the health of the control plane: `aws eks describe-cluster --name NAME --query cluster.health`, and the logs of the API server\n"
    );
}

#[test]
fn plan_fails_at_once_if_the_cluster_must_change() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    api.set_aws_node(None);
    api.faults().fail_next_matching(DAEMON_SET, 1, Fault::Status(503));
    let output = node.run(["plan"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(75),
            "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: DaemonSet aws-node not found in namespace kube-system\n  help: install the Amazon VPC CNI before you start nodes, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
        )
    );
}

#[test]
fn run_prints_the_kubelet_arguments_that_it_configured() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let planned = node.run(["plan", "--output", "kubelet-args"]);
    let output = node.run(["run", "--output", "kubelet-args"]);
    assert_eq!((output.status, &output.stdout), (Some(0), &planned.stdout), "{}", output.stderr);
    assert!(output.stdout.starts_with("--max-pods="), "{}", output.stdout);
    assert_eq!(output.stdout.lines().count(), 1, "{}", output.stdout);
    assert!(output.stderr.ends_with("ready: the node is ready for the kubelet\n"));
    assert_eq!(node.written(), [DROP_IN]);
    // Without the flag, standard output stays empty.
    let output = node.run(["run"]);
    assert_eq!((output.status, output.stdout.as_str()), (Some(0), ""));
}

#[test]
fn a_failed_run_prints_no_kubelet_arguments() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let arguments = ["run", "--output", "kubelet-args", "--eni-config-wait", "0"];
    let output = node.run(arguments);
    assert_eq!((output.status, output.stdout.as_str()), (Some(75), ""), "{}", output.stderr);
    let output = node.run(arguments.into_iter().chain(["--eni-config-on-timeout", "continue"]));
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stdout.starts_with("--max-pods="), "{}", output.stdout);
}
