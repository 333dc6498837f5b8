//! Responses of the API server that exceed a size limit.

use crate::support::node::{error, in_cluster, ready_api, with_imds};
use eni_bootstrap_sandbox::{Fault, Imds, Instance, KubernetesApi};
use serde_json::json;

const DAEMON_SET: &str = "daemonsets/aws-node";
const OBJECT: &str = "eniconfigs/us-west-2a";

/// A valid line of a watch without its line break.
const EVENT: &str =
    r#"{"type":"BOOKMARK","object":{"kind":"ENIConfig","metadata":{"resourceVersion":"1"}}}"#;

const HELP: &str = "help: check which server responds at the cluster endpoint, for example a proxy; a valid response has only a few kilobytes\n";

#[test]
fn an_object_without_end_exceeds_the_body_limit() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let spaces = || vec![b' '; 64 << 10];
    for (fault, target, matching) in [
        (Fault::Endless(200, spaces()), "the aws-node DaemonSet", DAEMON_SET),
        (Fault::Endless(500, spaces()), "the aws-node DaemonSet", DAEMON_SET),
        (Fault::Endless(200, spaces()), "ENIConfig us-west-2a", OBJECT),
        (Fault::Endless(403, b"\n".repeat(64 << 10)), "ENIConfig us-west-2a", OBJECT),
    ] {
        api.faults().clear();
        api.faults().fail_always_matching(matching, fault);
        let output = node.run(["run", "--eni-config-wait", "0"]);
        assert_eq!(
            (output.status, error(&output)),
            (
                Some(65),
                &*format!(
                    "error: the node is not ready for the kubelet\n  caused by: {target} is not ready\n  caused by: the API server's response exceeds 1 MiB\n  {HELP}"
                )
            )
        );
    }
}

#[test]
fn a_watch_line_without_end_exceeds_the_body_limit() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    api.faults().fail_next_matching("watch=true", 1, Fault::Endless(200, vec![b' '; 64 << 10]));
    let mut run = node.start(["run"]);
    assert_eq!(
        run.until("failed to read ENIConfig"),
        format!(
            "warning: wait: failed to read ENIConfig us-west-2a: the API server sent a line of a watch that exceeds 1 MiB; {}\n",
            HELP.trim_end().trim_start_matches("help: ")
        )
    );
    // The wait continues.
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = run.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
}

#[test]
fn a_watch_of_many_lines_exceeds_no_limit() {
    let api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    // 5 MB in lines of about 100 bytes.
    let lines = format!("{EVENT}\n").repeat(60_000);
    api.faults().fail_next_matching("watch=true", 1, Fault::Body(lines.into_bytes()));
    let mut run = node.start(["run"]);
    run.until("wait: ENIConfig us-west-2a not found");
    assert!(api.wait_for("watch", 1, std::time::Duration::from_mins(5)));
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = run.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(!output.stderr.contains("exceeds"), "{}", output.stderr);
}

#[test]
fn a_response_of_eks_without_end_exceeds_the_body_limit() {
    let imds = Imds::start(&Instance::default());
    let eks = Imds::start(&Instance::default());
    eks.faults().fail_always_matching("/clusters/prod", Fault::Endless(200, vec![b' '; 64 << 10]));
    let node = with_imds(&imds).with("--eks-endpoint", eks.endpoint());
    let mut run = node.start(["run", "--cluster-name", "prod"]);
    let line = run.until("eks:DescribeCluster: ");
    let expected = "warning: cluster: no successful response for eks:DescribeCluster: the response exceeds 16 MiB; retrying in ";
    assert!(line.starts_with(expected), "{line}");
}
