//! Whole runs on nodes with existing node labels. `tests/scenarios` covers the other places that can
//! set them.

use crate::support::node::{DROP_IN, error, imds_with, ready_api, with_imds};
use serde_json::json;

const LABEL: &str = "    flags: ['--node-labels=k8s.amazonaws.com/eniConfig=team-b']\n";

#[test]
fn run_waits_for_the_eni_config_of_an_existing_label() {
    let api = ready_api();
    let imds = imds_with(format!("{}  kubelet:\n{LABEL}", api.node_config()));
    let node = with_imds(&imds);
    let output = node.run(["run", "--eni-config-wait", "0"]);
    assert_eq!(output.status, Some(75), "{}", output.stderr);
    assert!(error(&output).contains("ENIConfig team-b is not ready"), "{}", output.stderr);
    api.apply("team-b", json!({ "subnet": "subnet-0b" }));
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(
        output.stderr.contains(
            "plan: a kubelet flag in user data sets label k8s.amazonaws.com/eniConfig=team-b; this ENIConfig is used instead of us-west-2a (eni-config.policy = \"respect\")\n"
        ),
        "{}",
        output.stderr
    );
    assert!(output.stderr.contains("ENIConfig team-b found"), "{}", output.stderr);
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("--node-labels=k8s.amazonaws.com/eniConfig=team-b,"), "{written}");
    let output = node.run(["run", "--eni-config-policy", "override"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains("ENIConfig us-west-2a found"), "{}", output.stderr);
    let written = node.read(DROP_IN).unwrap();
    assert!(written.contains("--node-labels=k8s.amazonaws.com/eniConfig=us-west-2a,"), "{written}");
}

#[test]
fn an_existing_label_that_the_kubelet_rejects_fails_before_anything_is_written() {
    let api = ready_api();
    let kubelet = "    flags: ['--node-labels=node-role.kubernetes.io/worker=']\n";
    let imds = imds_with(format!("{}  kubelet:\n{kubelet}", api.node_config()));
    let node = with_imds(&imds);
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(65), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: failed to compute the node configuration\n  caused by: the kubelet would exit, because a kubelet flag in user data sets label node-role.kubernetes.io/worker=\n  caused by: a kubelet is not allowed to set label \"node-role.kubernetes.io/worker\" on its own node\n  help: remove the label there, or use a key outside of kubernetes.io and k8s.io; after the node has joined, an administrator can run `kubectl label node NODE node-role.kubernetes.io/worker=`\n"
    );
    assert_eq!(node.read(DROP_IN), None);
}
