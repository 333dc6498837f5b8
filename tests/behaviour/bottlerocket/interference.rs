//! Other programs that change the settings during a run, and runs that end between PATCH and commit.

use super::{APPLY, DISCARD};
use crate::support::bottlerocket::{COMMIT, Host, PATCH, TIME_LIMIT, as_planned, lines, ready};
use crate::support::node::{Running, error};
use eni_bootstrap_sandbox::Fault;
use serde_json::{Value, json};

/// Starts a run that waits for the ENIConfig.
fn waiting(host: &Host) -> Running {
    host.api.delete("us-west-2a");
    let mut running = host.node.start(["run"]);
    running.until("wait: ENIConfig us-west-2a not found; retrying");
    assert_eq!(host.kubelet(), as_planned());
    running
}

/// The settings before the run.
fn old() -> Value {
    json!({ "kubernetes": { "max-pods": 29 } })
}

#[test]
fn an_old_file_that_another_applier_writes_during_the_wait_is_rendered_again() {
    let host = Host::new();
    let running = waiting(&host);
    // An applier of another program, which read the settings before the commit.
    host.settings.render_with(&old());
    assert_eq!(host.kubelet().0, "29");
    host.api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = running.end();
    ready(&output);
    assert_eq!(host.kubelet(), as_planned());
    assert_eq!(host.changing(), [PATCH, COMMIT, APPLY]);
    assert_eq!(
        lines(&output, "warning"),
        [
            "warning: apply: another program changed settings.kubernetes or the kubelet's files during this run; configuring them again: Bottlerocket has not rendered the committed settings: maxPods is 29 instead of 20 in /etc/kubernetes/kubelet/config"
        ]
    );
}

#[test]
fn settings_that_another_program_commits_during_the_wait_are_set_again() {
    let host = Host::new();
    let running = waiting(&host);
    host.settings.set(&old());
    host.api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = running.end();
    ready(&output);
    assert_eq!(host.kubelet(), as_planned());
    assert_eq!(host.changing(), [PATCH, COMMIT, PATCH, COMMIT]);
}

#[test]
fn settings_that_another_program_changes_again_fail_the_run() {
    let host = Host::new();
    let running = waiting(&host);
    host.settings.set(&old());
    host.settings.override_commits(&old());
    host.api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = running.end();
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: failed to configure the node\n  \
         caused by: another program changed settings.kubernetes during this run\n  \
         caused by: settings.kubernetes.max-pods is 29 instead of 20\n  \
         help: find the program that sets it (another bootstrap container, or `apiclient` in a host container), and remove the setting there; then reboot the node\n"
    );
    assert_eq!(host.changing(), [PATCH, COMMIT, PATCH, COMMIT]);
}

#[test]
fn an_eniconfig_label_that_another_program_sets_during_the_wait_fails_the_run() {
    let host = Host::new();
    let running = waiting(&host);
    let labels = json!({ "vpc.amazonaws.com/externalEniConfig": "other-zone", "team": "blue" });
    host.settings.set(&json!({ "kubernetes": { "node-labels": labels } }));
    host.api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = running.end();
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: failed to configure the node\n  \
         caused by: another program changed settings.kubernetes during this run\n  \
         caused by: settings.kubernetes.node-labels.\"vpc.amazonaws.com/externalEniConfig\" is other-zone instead of not set\n  \
         help: find the program that sets it (another bootstrap container, or `apiclient` in a host container), and remove the setting there; then reboot the node\n"
    );
}

#[test]
fn an_api_that_stopped_during_the_wait_is_a_warning_if_the_files_are_correct() {
    let mut host = Host::new();
    let running = waiting(&host);
    host.settings.kill();
    host.api.apply("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = running.end();
    ready(&output);
    assert_eq!(
        lines(&output, "warning"),
        [
            "warning: apply: failed to check the live settings again, but the kubelet's files are correct: no response to GET /settings from the Bottlerocket settings API (/run/api.sock): error sending request: client error (Connect): Connection refused (os error 111)"
        ]
    );
}

#[test]
fn sigterm_between_patch_and_commit_deletes_the_transaction() {
    let host = Host::new();
    host.settings.faults().fail_always_matching("commit_and_apply", Fault::Hang);
    let running = host.node.start(["run"]);
    assert!(host.settings.wait_for("commit_and_apply", 1, TIME_LIMIT));
    running.terminate();
    let output = running.end();
    assert_eq!(host.settings.transactions(), Vec::<String>::new());
    assert_eq!(output.status, Some(143), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: stopped by SIGTERM\n  \
         help: run `eni-bootstrap run` again; the kubelet must not start before it succeeds\n"
    );
    assert_eq!(host.changing(), [PATCH, COMMIT, DISCARD]);
    assert_eq!(host.kubelet().0, "29");
}

#[test]
fn a_transaction_of_a_killed_run_is_deleted_by_the_next_run() {
    let host = Host::new();
    host.settings.faults().fail_next_matching("commit_and_apply", 1, Fault::Hang);
    let running = host.node.start(["run"]);
    assert!(host.settings.wait_for("commit_and_apply", 1, TIME_LIMIT));
    drop(running);
    let [transaction] = &host.settings.transactions()[..] else { panic!("one transaction") };
    let output = host.run();
    ready(&output);
    assert_eq!(host.settings.transactions(), Vec::<String>::new());
    assert_eq!(
        lines(&output, "apply")[0],
        format!("apply: transaction {transaction} of an earlier run deleted")
    );
    assert_eq!(host.changing(), [PATCH, COMMIT, DISCARD, PATCH, COMMIT]);
}

#[test]
fn a_commit_that_failed_halfway_is_an_error_with_the_live_keys() {
    let host = Host::new();
    host.settings.fail_commit_after(2);
    let output = host.run();
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: failed to configure the node\n  \
         caused by: Bottlerocket committed only some of the settings; committed: settings.kubernetes.kube-reserved.cpu, settings.kubernetes.kube-reserved.ephemeral-storage; not committed: settings.kubernetes.max-pods, settings.kubernetes.kube-reserved.memory, settings.kubernetes.node-labels.\"k8s.amazonaws.com/eniConfig\", settings.kubernetes.node-labels.\"topology.kubernetes.io/region\", settings.kubernetes.node-labels.\"topology.kubernetes.io/zone\"\n  \
         caused by: the Bottlerocket settings API rejected POST /tx/commit_and_apply with 500 Internal Server Error: Data store error during commit: IO error: No space left on device (os error 28)\n  \
         help: check `journalctl -u apiserver` and the free space on the data volume, then reboot the node; the next run sets the missing values, and Bottlerocket then renders the kubelet's files\n"
    );
    assert_eq!(host.settings.live()["kubernetes"]["max-pods"], 29);
    assert_eq!(host.settings.transactions(), Vec::<String>::new());
    // The next run completes the settings, and recognizes its own values.
    let output = host.node.run(["run", "--pods-policy=respect"]);
    ready(&output);
    assert_eq!(host.kubelet(), as_planned());
    assert!(!output.stderr.contains("sets kube-reserved"), "{}", output.stderr);
}

#[test]
fn a_failed_commit_with_unknown_live_settings_is_an_error_without_a_claim_about_them() {
    let mut host = Host::new();
    host.settings.faults().fail_always_matching("commit_and_apply", Fault::Hang);
    let running = host.node.start(["run"]);
    assert!(host.settings.wait_for("commit_and_apply", 1, TIME_LIMIT));
    host.settings.kill();
    let output = running.end();
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    let error = error(&output);
    assert!(
        error.starts_with(
            "error: failed to configure the node\n  \
             caused by: the commit of Bottlerocket's settings failed, and the live settings are unknown\n  \
             caused by: no response to POST /tx/commit_and_apply from the Bottlerocket settings API (/run/api.sock)\n"
        ) && error.ends_with(
            "help: run `apiclient get settings.kubernetes` on the host to see which values are live; check `journalctl -u apiserver`, then reboot the node\n"
        ),
        "{error}"
    );
}
