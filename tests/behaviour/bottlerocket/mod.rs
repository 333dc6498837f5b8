//! Whole runs as a Bottlerocket bootstrap container, against a stand-in for the settings API.

mod bad;
mod interference;
mod ownership;
mod second_boot;

use crate::support::bottlerocket::{
    COMMIT, Host, PATCH, RECORD, TIME_LIMIT, USER_DATA, as_planned, lines, ready,
};
use crate::support::node::error;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eni_bootstrap_sandbox::{Applier, Fault};
use serde_json::{Value, json};
use std::time::Duration;

const DISCARD: &str = "DELETE /tx?tx=T";
const APPLY: &str = "POST /tx/apply?keys=settings.kubernetes.max-pods,settings.kubernetes.kube-reserved.cpu,settings.kubernetes.kube-reserved.ephemeral-storage,settings.kubernetes.kube-reserved.memory,settings.kubernetes.node-labels.%22k8s.amazonaws.com/eniConfig%22,settings.kubernetes.node-labels.%22topology.kubernetes.io/region%22,settings.kubernetes.node-labels.%22topology.kubernetes.io/zone%22";

#[test]
fn a_new_node_gets_its_settings_in_one_transaction() {
    let host = Host::new();
    assert_eq!(host.kubelet(), ("29".to_owned(), String::new()), "the values of pluto");
    let output = host.run();
    ready(&output);
    assert_eq!(host.kubelet(), as_planned());
    assert_eq!(host.changing(), [PATCH, COMMIT]);
    let requests = host.settings.requests();
    let patch = requests.iter().find(|request| request.method == "PATCH").unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&patch.body).unwrap(),
        json!({ "kubernetes": {
            "max-pods": 20,
            "kube-reserved": { "cpu": "70m", "ephemeral-storage": "1Gi", "memory": "475Mi" },
            "node-labels": {
                "k8s.amazonaws.com/eniConfig": "us-west-2a",
                "topology.kubernetes.io/region": "us-west-2",
                "topology.kubernetes.io/zone": "us-west-2a",
            },
        } })
    );
    assert_eq!(
        lines(&output, "host"),
        ["host: bottlerocket (/run/api.sock is the Bottlerocket settings API)"]
    );
    let server = host.api.url();
    let cluster = format!("cluster: sandbox at {server} (source: Bottlerocket settings)");
    assert_eq!(lines(&output, "cluster"), [cluster]);
    assert_eq!(lines(&output, "apply"), ["apply: Bottlerocket settings.kubernetes written"]);
    assert_eq!(host.settings.kubelet_restarts(), 1);
    assert_eq!(host.settings.transactions(), Vec::<String>::new());
}

#[test]
fn a_second_run_changes_no_setting() {
    let host = Host::new();
    ready(&host.run());
    let before = host.settings.requests().len();
    let output = host.run();
    ready(&output);
    assert!(host.settings.lines()[before..].iter().all(|line| line.starts_with("GET ")));
    assert_eq!(host.settings.kubelet_restarts(), 1);
    assert_eq!(lines(&output, "apply")[0], "apply: Bottlerocket settings.kubernetes unchanged");
}

#[test]
fn an_applier_that_fails_once_after_the_commit_is_run_again() {
    for applier in [Applier::CannotStart, Applier::Exits(3), Applier::ExitsEarly] {
        let host = Host::new();
        host.settings.set_applier_once(applier);
        ready(&host.run());
        assert_eq!(host.kubelet(), as_planned());
        assert_eq!(host.changing(), [PATCH, COMMIT, APPLY]);
    }
}

#[test]
fn an_applier_that_fails_twice_after_the_commit_fails_the_run() {
    for (applier, message) in [
        (
            Applier::CannotStart,
            "Unable to start config applier: No such file or directory (os error 2)",
        ),
        (Applier::Exits(3), "Config applier was unable to fork child, returned 3"),
    ] {
        let host = Host::new();
        host.settings.set_applier(applier);
        let mut running = host.node.start(["run"]);
        let line = running.until("rendering them again");
        assert_eq!(
            line,
            format!(
                "warning: apply: the Bottlerocket settings API rejected POST /tx/commit_and_apply with 500 Internal Server Error: {message}; the settings are committed; rendering them again\n"
            )
        );
        // The second attempt also fails: the kubelet must not start with the old max-pods.
        let output = running.end();
        assert_eq!(output.status, Some(69), "{}", output.stderr);
        assert_eq!(
            error(&output),
            format!(
                "error: failed to configure the node\n  \
                 caused by: the Bottlerocket settings API rejected POST /tx/apply with 500 Internal Server Error: {message}\n  \
                 help: check `journalctl -u apiserver`; the settings are committed, but their rendering failed\n"
            )
        );
        assert_eq!(host.changing(), [PATCH, COMMIT, APPLY]);
        // The next run only renders the settings.
        host.settings.set_applier(Applier::AtOnce);
        ready(&host.run());
        assert_eq!(host.kubelet(), as_planned());
        assert_eq!(host.changing(), [PATCH, COMMIT, APPLY, APPLY]);
    }
}

#[test]
fn a_commit_with_a_lost_response_is_detected_and_rendered() {
    let host = Host::new();
    host.settings.faults().fail_next_matching("commit_and_apply", 1, Fault::Lost);
    let output = host.run();
    ready(&output);
    assert_eq!(host.kubelet(), as_planned());
    assert_eq!(host.changing(), [PATCH, COMMIT, APPLY]);
}

#[test]
fn a_run_waits_for_a_late_applier() {
    let host = Host::new();
    host.settings.set_applier(Applier::Held);
    let mut running = host.node.start(["run"]);
    let line = running.until("has not rendered the committed settings");
    assert!(
        line.starts_with(
            "apply: Bottlerocket has not rendered the committed settings: maxPods is 29 instead of 20 in /etc/kubernetes/kubelet/config; retrying in "
        ),
        "{line}"
    );
    host.settings.release();
    ready(&running.end());
    assert_eq!(host.kubelet(), as_planned());
}

#[test]
fn a_run_waits_for_an_applier_that_is_three_seconds_late() {
    let host = Host::new();
    host.settings.set_applier(Applier::After(Duration::from_secs(3)));
    ready(&host.run());
    assert_eq!(host.kubelet(), as_planned());
    assert!(host.settings.wait_for_applied(1, TIME_LIMIT));
}

#[test]
fn a_run_waits_for_the_eniconfig_after_the_commit() {
    let host = Host::new();
    host.api.delete("us-west-2a");
    let mut running = host.node.start(["run"]);
    running.until("wait: ENIConfig us-west-2a not found; retrying");
    assert_eq!(host.kubelet(), as_planned());
    host.api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    ready(&running.end());
}

#[test]
fn the_settings_come_from_the_user_data_of_the_container() {
    let host = Host::new();
    host.node.file(
        USER_DATA,
        "[eni-config]\nname = \"prod-{zone}\"\n[labels]\nteam = \"blue\"\n[reserve]\nmemory = \"1Gi\"\n",
    );
    host.api.apply("prod-us-west-2a", json!({ "subnet": "subnet-0a" }));
    ready(&host.run());
    let (max_pods, labels) = host.kubelet();
    assert_eq!(
        (max_pods.as_str(), labels.as_str()),
        (
            "20",
            "k8s.amazonaws.com/eniConfig=prod-us-west-2a,team=blue,topology.kubernetes.io/region=us-west-2,topology.kubernetes.io/zone=us-west-2a"
        )
    );
    assert_eq!(
        host.settings.live()["kubernetes"]["kube-reserved"],
        json!({ "cpu": "70m", "ephemeral-storage": "1Gi", "memory": "1Gi" })
    );
}

#[test]
fn a_plan_shows_the_settings_and_changes_none() {
    let host = Host::with(|seed| seed["kubernetes"]["node-labels"] = json!({ "a": "b" }));
    let output = host.node.run(["plan", "--output=diff"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let (_, diff) = output.stdout.split_once("--- a/Bottlerocket").unwrap();
    assert_eq!(
        diff,
        " settings.kubernetes
+++ b/Bottlerocket settings.kubernetes
@@ -1,3 +1,13 @@
 {
-  \"max-pods\": 29
+  \"kube-reserved\": {
+    \"cpu\": \"70m\",
+    \"ephemeral-storage\": \"1Gi\",
+    \"memory\": \"475Mi\"
+  },
+  \"max-pods\": 20,
+  \"node-labels\": {
+    \"k8s.amazonaws.com/eniConfig\": \"us-west-2a\",
+    \"topology.kubernetes.io/region\": \"us-west-2\",
+    \"topology.kubernetes.io/zone\": \"us-west-2a\"
+  }
 }
"
    );
    assert_eq!(host.changing(), Vec::<String>::new());
    assert_eq!(host.node.read(RECORD), None);
}

#[test]
fn the_proxy_and_the_region_come_from_the_settings() {
    let host = Host::with(|seed| {
        seed["network"] = json!({ "https-proxy": "me:hunter2@127.0.0.1:9", "no-proxy": [] });
        seed["aws"]["region"] = json!("eu-central-1");
    });
    // Nothing listens at the proxy. EC2 is called through it, the API server is not.
    let output = host.node.run(["run", "--eni-config-verify=true", "--verbose"]);
    ready(&output);
    assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    let skipped = lines(&output, "verify");
    assert!(skipped[0].contains("ec2:DescribeSubnets"), "{skipped:?}");
    let token = host.api.requests()[0].token.clone().unwrap();
    let url = URL_SAFE_NO_PAD.decode(token.trim_start_matches("k8s-aws-v1.")).unwrap();
    let url = String::from_utf8(url).unwrap();
    assert!(url.starts_with("https://sts.eu-central-1.amazonaws.com/?"), "{url}");
}

#[test]
fn an_https_proxy_in_the_settings_is_accepted() {
    let host = Host::with(|seed| {
        seed["network"] =
            json!({ "https-proxy": "https://me:hunter2@127.0.0.1:9", "no-proxy": [] });
    });
    // Nothing listens at the proxy. EC2 is called through it, the API server is not.
    let output = host.node.run(["run", "--eni-config-verify=true", "--verbose"]);
    ready(&output);
    assert!(!output.stderr.contains("hunter2"), "{}", output.stderr);
    let skipped = lines(&output, "verify");
    assert!(skipped[0].contains("ec2:DescribeSubnets"), "{skipped:?}");
}
