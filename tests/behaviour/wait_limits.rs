//! The time limits of a wait, and what it logs when it connects again.

use crate::behaviour::aws_calls::described;
use crate::support::node::{RunOutput, error, in_cluster, ready_api, run_output, with_imds};
use crate::support::real_parts::aws_api;
use eni_bootstrap_sandbox::{Fault, Imds, Instance, KubernetesApi};
use serde_json::json;
use std::time::{Duration, Instant};

/// The time for everything but the wait, on a slow machine that also stalls for 20 seconds.
const MARGIN: Duration = Duration::from_mins(1);

const HELP: &str = "set `eni-config.wait` to at least 30s, so that the error contains the cause; check the cluster endpoint, DNS, the source of the credentials, and that the cluster's security group allows port 443 from this node";

#[test]
fn the_end_of_the_wait_ends_a_request_without_response() {
    let api = KubernetesApi::start();
    api.faults().fail_always_matching("", Fault::Hang);
    let (node, _imds) = in_cluster(&api);
    let start = Instant::now();
    let output = node.run(["run", "--eni-config-wait=7s"]);
    assert!(start.elapsed() < Duration::from_secs(7) + MARGIN, "{:?}", start.elapsed());
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(69),
            &*format!(
                "error: the node is not ready for the kubelet\n  caused by: timed out after 7s waiting for the aws-node DaemonSet\n  caused by: no response before the end of the wait\n  help: {HELP}\n"
            )
        )
    );
    assert_eq!(node.written(), Vec::<String>::new());
}

/// An API server that becomes silent after the first response: the second wait has no time left.
#[test]
fn a_wait_without_time_left_ends_a_request_without_response() {
    let api = ready_api();
    api.faults().fail_always_matching("eniconfigs/us-west-2a", Fault::Hang);
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["run", "--eni-config-wait=1ms"]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(69),
            &*format!(
                "error: the node is not ready for the kubelet\n  caused by: timed out after 1ms waiting for ENIConfig us-west-2a\n  caused by: no response before the end of the wait\n  help: {HELP}\n"
            )
        )
    );
}

/// Without the ENIConfig, each request is a watch. A watch that starts does not show that the ENIConfig is
/// still missing.
#[test]
fn an_eniconfig_that_is_created_without_a_watch_is_not_reported_as_missing() {
    let mut api = KubernetesApi::start();
    let (node, _imds) = in_cluster(&api);
    let mut running = node.start(["run", "--eni-config-wait=10m"]);
    running.until("wait: ENIConfig us-west-2a not found; retrying");
    assert!(api.wait_for("watch", 1, MARGIN));
    api.kill();
    running
        .until("warning: wait: failed to read ENIConfig us-west-2a: the API server is unreachable");
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    api.revive();
    let output = running.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let states: Vec<&str> = output
        .stderr
        .lines()
        // On a slow machine, the state is also reported at intervals.
        .filter(|line| !line.ends_with(" left)"))
        .filter_map(|line| {
            line.split_once("wait: ENIConfig us-west-2a ")?.1.split([' ', ';']).next()
        })
        .collect();
    assert_eq!(states, ["not", "found"], "{}", output.stderr);
}

/// Returns the result of a run in which EKS first returns this error with `Retry-After: 3600`.
fn after_retry_after(status: &'static str, code: &str) -> RunOutput {
    let api = ready_api();
    let imds = Imds::start(&Instance::default());
    let error = json!({ "__type": code, "message": "try again" }).to_string();
    let eks = aws_api(vec![(status, error), described(&api)]);
    let node = with_imds(&imds).with("--eks-endpoint", eks);
    run_output(node.command(["run", "--cluster-name", "prod"]).output().unwrap())
}

/// The SDK follows only `x-amz-retry-after`.
#[test]
fn retry_after_of_an_aws_api_is_ignored() {
    for (status, code) in [
        ("503 Service Unavailable\r\nRetry-After: 3600", "ServiceUnavailableException"),
        ("429 Too Many Requests\r\nRetry-After: 3600", "ThrottlingException"),
    ] {
        let output = after_retry_after(status, code);
        assert_eq!(output.status, Some(0), "{}", output.stderr);
    }
}
