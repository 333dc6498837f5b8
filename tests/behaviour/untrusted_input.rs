//! Texts that users of AWS and of the cluster can write: they cannot add an argument of the kubelet, add a line to
//! the log, or control a terminal.

use crate::support::node::{DROP_IN, error, in_cluster, ready_api};
use eni_bootstrap_sandbox::{Fault, KubernetesApi};
use serde_json::json;

/// A text that would add a line, and clear a terminal.
const FORGED: &str = "a\u{1b}[2J\u{7}\nready: the node is ready for the kubelet\r\u{9b}2Jb";

/// The same text in a log line.
const ESCAPED: &str = "a\\u{1b}[2J\\u{7}\\nready: the node is ready for the kubelet\\r\\u{9b}2Jb";

fn assert_printable(text: &str) {
    assert_eq!(text.find(|it: char| it.is_control() && it != '\n'), None, "{text:?}");
}

#[test]
fn a_message_of_the_api_server_cannot_add_a_line_to_an_error() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403,
        "message": FORGED,
    });
    api.faults().fail_always_matching("eniconfigs/", Fault::Answer(403, status.to_string()));
    let output = node.run(["run", "--eni-config-wait=0", "--verbose"]);
    assert_eq!(output.status, Some(77));
    assert_eq!(
        error(&output),
        "error: the node is not ready for the kubelet\n  caused by: ENIConfig us-west-2a is not ready\n  caused by: access denied by the API server: a\\u{1b}[2J\\u{7}\n  help: allow nodes to read ENIConfigs: `kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml)\n"
    );
    assert_printable(&output.stderr);
}

#[test]
fn an_eni_config_cannot_add_a_line_to_the_log() {
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": FORGED, "securityGroups": [FORGED] }));
    let (node, _imds) = in_cluster(&api);
    let output = node.run(["run", "--verbose"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let ready = |line: &&str| line.starts_with("ready: ");
    let lines: Vec<&str> = output.stderr.lines().filter(ready).collect();
    assert_eq!(lines, ["ready: the node is ready for the kubelet"]);
    assert_printable(&output.stderr);
    let found = output.stderr.lines().find(|line| line.starts_with("wait: ENIConfig")).unwrap();
    assert!(found.ends_with(&format!(" s ({ESCAPED}, {ESCAPED})")), "{found}");
    // The content of an ENIConfig is no part of the kubelet's configuration.
    let written = node.read(DROP_IN);
    api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    assert_eq!(node.run(["run"]).status, Some(0));
    assert_eq!((written.is_some(), node.read(DROP_IN)), (true, written));
    api.apply("us-west-2a", json!({ "subnet": FORGED, "securityGroups": [FORGED] }));
    let check = node.run(["check"]);
    assert_printable(&check.stdout);
    assert!(check.stdout.contains("us-west-2a"), "{}", check.stdout);
}

/// Texts that would add an argument, a label, a line or a section to a file of the kubelet.
const INJECTED: [&str; 7] = [
    "a --authorization-mode=AlwaysAllow",
    "a,team=red",
    "a=b",
    "a\n[Service]\nExecStartPre=/bin/sh",
    "a\"",
    "$(id)",
    "../daemonsets/aws-node",
];

#[test]
fn an_instance_tag_cannot_add_an_argument() {
    let api = ready_api();
    let (node, imds) = in_cluster(&api);
    for value in INJECTED {
        imds.set("meta-data/tags/instance/Pool", value);
        let output = node.run(["run", "--eni-config-name", "{tag:Pool}"]);
        assert_eq!(
            (output.status, error(&output)),
            (
                Some(78),
                &*format!(
                    "error: failed to compute the node configuration\n  caused by: failed to build the ENIConfig name from eni-config.name\n  caused by: {value:?} is not an ENIConfig name (at most 63 lowercase letters, digits, dots and dashes)\n  help: change eni-config.name so that the name has at most 63 lowercase letters, digits, dots and dashes\n"
                )
            )
        );
        assert_eq!(node.written(), Vec::<String>::new());
    }
}

#[test]
fn the_daemonset_cannot_add_an_argument() {
    let api = ready_api();
    let (node, _imds) = in_cluster(&api);
    for value in INJECTED {
        api.set_aws_node(Some(&[
            ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
            ("ENI_CONFIG_LABEL_DEF", value),
        ]));
        let output = node.run(["run"]);
        assert_eq!(
            (output.status, error(&output)),
            (
                Some(78),
                &*format!(
                    "error: failed to compute the node configuration\n  caused by: ENI_CONFIG_LABEL_DEF on the aws-node DaemonSet names a label that eni-bootstrap cannot set\n  caused by: {value:?} is not a valid label key\n  help: set eni-config.label = \"vpc.amazonaws.com/externalEniConfig\", which takes precedence in the CNI from version 1.11.0, or make eni-config.name match ENI_CONFIG_LABEL_DEF on the aws-node DaemonSet\n"
                )
            )
        );
        assert_eq!(node.written(), Vec::<String>::new());
    }
}
