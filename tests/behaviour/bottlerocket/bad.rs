//! Failures of the settings API. Each is an error with a cause, and no setting changes.

use super::DISCARD;
use crate::support::bottlerocket::{COMMIT, Host, PATCH, TIME_LIMIT, USER_DATA, ready};
use crate::support::node::{Node, error};
use eni_bootstrap_sandbox::{Applier, Fault};
use serde_json::json;

/// max-pods before the run.
const INITIAL_MAX_PODS: &str = "29";

const UNREACHABLE_HELP: &str = "help: check `journalctl -u apiserver`; if apiserver was restarted after this container started, reboot the node\n";
const REJECTED_HELP: &str = "help: correct the setting in the message; if the setting is correct, this Bottlerocket version may not support it, or the settings are locked (lockdown). No setting was changed\n";

/// Asserts that the run fails with this error, and that the node is unchanged.
fn assert_unchanged(host: &Host, arguments: &[&str], status: i32, expected: &str) {
    let output = host.node.run([&["run"], arguments].concat());
    assert_eq!((output.status, error(&output)), (Some(status), expected), "{}", output.stderr);
    assert_eq!(host.kubelet().0, INITIAL_MAX_PODS);
    assert_eq!(host.settings.live()["kubernetes"]["max-pods"], json!(29));
    assert_eq!(host.settings.transactions(), Vec::<String>::new());
}

#[test]
fn an_applier_that_never_renders_fails_the_run() {
    let host = Host::new();
    host.settings.set_applier(Applier::TemplateFails);
    let output = host.node.run(["run", "--host-render-wait=1s"]);
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    assert_eq!(
        error(&output),
        "error: failed to configure the node\n  \
         caused by: Bottlerocket has not rendered the committed settings\n  \
         caused by: maxPods is 29 instead of 20 in /etc/kubernetes/kubelet/config\n  \
         help: check `journalctl -u apiserver` for a template that failed to render (if one fails, Bottlerocket writes no kubelet file); if the host is slow, increase `host.render-wait`\n"
    );
    assert_eq!(host.changing(), [PATCH, COMMIT]);
}

#[test]
fn a_missing_socket_is_an_error_with_its_path() {
    let mut host = Host::new();
    host.settings.remove();
    let output = host.run();
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(69),
            "error: this image has no /run/api.sock, the socket of the Bottlerocket settings API\n  \
             help: run eni-bootstrap as a Bottlerocket bootstrap container (settings.bootstrap-containers); if it is one, check `journalctl -u apiserver` and reboot the node; on other images, use `--host-kind auto`\n"
        )
    );
    let explicit = Node::al2023().run(["run", "--host-kind=bottlerocket"]);
    assert!(
        explicit.stderr.starts_with("error: this image has no /run/api.sock"),
        "{}",
        explicit.stderr
    );
}

#[test]
fn a_run_does_not_wait_for_a_socket_without_a_server() {
    let mut host = Host::new();
    host.settings.kill();
    let output = host.run();
    let expected = format!(
        "error: failed to read Bottlerocket's settings\n  \
         caused by: no response to GET /settings from the Bottlerocket settings API (/run/api.sock)\n  \
         caused by: error sending request\n  \
         caused by: client error (Connect)\n  \
         caused by: Connection refused (os error 111)\n  {UNREACHABLE_HELP}"
    );
    assert_eq!((output.status, error(&output)), (Some(69), expected.as_str()));
    // A run that does not need the API continues.
    let arguments =
        ["run", "--host-kind=none", "--cni-custom-networking=false", "--cni-source=settings"];
    ready(&host.node.run(arguments));
}

#[test]
fn an_invalid_response_is_an_error_with_its_position() {
    for (fault, position) in [
        (Fault::Body(b"<html>hunter2</html>".to_vec()), "line 1, column 1"),
        (Fault::Body(b"{\"kubernetes\":{\"max-pods\":2".to_vec()), "line 1, column 27"),
    ] {
        let host = Host::new();
        host.settings.faults().fail_always_matching("prefix=settings.kubernetes", fault);
        let expected = format!(
            "error: failed to read Bottlerocket's settings\n  \
             caused by: the Bottlerocket settings API (/run/api.sock) returned an invalid response to GET /settings\n  \
             caused by: invalid JSON or an unexpected type at {position}\n  {UNREACHABLE_HELP}"
        );
        assert_unchanged(&host, &[], 65, &expected);
    }
}

#[test]
fn an_incomplete_response_is_an_error() {
    let host = Host::new();
    let fault = Fault::Cut(b"{\"kubernetes\":{}}".to_vec());
    host.settings.faults().fail_always_matching("prefix=settings.kubernetes", fault);
    let output = host.run();
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    let cause = "caused by: no response to GET /settings from the Bottlerocket settings API (/run/api.sock)\n";
    assert!(error(&output).contains(cause), "{}", output.stderr);
    assert_eq!(host.changing(), Vec::<String>::new());
}

#[test]
fn the_error_of_a_rejected_patch_has_the_message_of_the_api() {
    let host = Host::new();
    let message = "Json deserialize error: unknown field `max-pods`, expected one of `node-labels` at line 1 column 27";
    let fault = Fault::Answer(400, message.to_owned());
    host.settings.faults().fail_always_matching("PATCH ", fault);
    let expected = format!(
        "error: failed to configure the node\n  \
         caused by: the Bottlerocket settings API rejected PATCH /settings with 400 Bad Request: {message}\n  {REJECTED_HELP}"
    );
    assert_unchanged(&host, &[], 78, &expected);
    assert_eq!(host.changing(), [PATCH, DISCARD]);
}

#[test]
fn a_label_that_only_bottlerocket_rejects_is_an_error_with_its_message() {
    let host = Host::new();
    // Valid in Kubernetes, but too long for Bottlerocket's data store.
    let prefix = vec!["abcdefghi"; 23].join(".");
    host.node.file(USER_DATA, &format!("[labels]\n\"{prefix}/team\" = \"blue\"\n"));
    let output = host.run();
    assert_eq!(output.status, Some(78), "{}", output.stderr);
    assert!(
        error(&output).contains(
            "caused by: the Bottlerocket settings API rejected PATCH /settings with 500 Internal Server Error: Error serializing Settings: "
        ) && error(&output).contains("beyond maximum length"),
        "{}",
        output.stderr
    );
    assert_eq!(host.kubelet().0, INITIAL_MAX_PODS);
    assert_eq!(host.settings.transactions(), Vec::<String>::new());
}

#[test]
fn locked_settings_are_an_error() {
    let host = Host::new();
    host.settings.lock_down();
    let output = host.run();
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(69),
            "error: failed to read Bottlerocket's settings\n  \
             caused by: the Bottlerocket settings API rejected GET /settings with 500 Internal Server Error: Data store error during get_prefix 'settings.kubernetes' for Live: Data store integrity violation at /var/lib/bottlerocket/datastore/current/live: Live datastore missing\n  \
             help: check `journalctl -u apiserver`; if the settings are locked (lockdown), reboot the node\n"
        )
    );
    assert_eq!(host.kubelet().0, INITIAL_MAX_PODS);
    assert_eq!(host.changing(), Vec::<String>::new());
}

#[test]
fn a_failed_commit_leaves_no_transaction() {
    let empty = "Tried to commit with no pending changes";
    for (fault, status, cause) in [
        (
            Fault::Drop,
            69,
            "caused by: no response to POST /tx/commit_and_apply from the Bottlerocket settings API (/run/api.sock)\n".to_owned(),
        ),
        (
            Fault::Answer(422, empty.to_owned()),
            78,
            format!(
                "caused by: the Bottlerocket settings API rejected POST /tx/commit_and_apply with 422 Unprocessable Entity: {empty}\n"
            ),
        ),
    ] {
        let host = Host::new();
        host.settings.faults().fail_always_matching("commit_and_apply", fault);
        let output = host.run();
        assert_eq!(output.status, Some(status), "{}", output.stderr);
        assert!(error(&output).contains(&cause), "{}", output.stderr);
        assert_eq!(host.changing(), [PATCH, COMMIT, DISCARD]);
        assert_eq!(host.kubelet().0, INITIAL_MAX_PODS);
        assert_eq!(host.settings.transactions(), Vec::<String>::new());
    }
}

#[test]
fn a_run_fails_if_the_server_stops() {
    let mut host = Host::new();
    host.settings.faults().fail_always_matching("PATCH ", Fault::Hang);
    let running = host.node.start(["run"]);
    assert!(host.settings.wait_for("PATCH ", 1, TIME_LIMIT));
    host.settings.kill();
    let output = running.end();
    assert_eq!(output.status, Some(69), "{}", output.stderr);
    let log = output.stderr.as_str();
    assert!(
        error(&output).contains(
            "caused by: no response to PATCH /settings from the Bottlerocket settings API (/run/api.sock)\n"
        ),
        "{log}"
    );
    // The transaction that could not be deleted is logged.
    assert!(log.contains("; transaction eni-bootstrap-"), "{log}");
    assert!(log.contains(" is not deleted; Bottlerocket deletes it at the next boot\n"), "{log}");
    assert_eq!(host.kubelet().0, INITIAL_MAX_PODS);
}

#[test]
fn an_unlimited_wait_is_rejected_in_a_bootstrap_container() {
    let host = Host::new();
    assert_unchanged(
        &host,
        &["--eni-config-wait=forever"],
        78,
        "error: failed to compute the node configuration\n  \
         caused by: eni-config.wait = \"forever\" would block the boot: a Bottlerocket bootstrap container has no time limit\n  \
         help: set eni-config.wait to a duration, such as 30m\n",
    );
    assert_eq!(host.changing(), Vec::<String>::new());
}

#[test]
fn an_error_in_the_user_data_has_its_line_number() {
    let host = Host::new();
    let path = host.node.file(USER_DATA, "[cni]\nprefix-delegatoin = true\n");
    let expected = format!(
        "error: failed to load the settings\n  \
         caused by: {}, line 2: unknown key \"prefix-delegatoin\"\n  \
         help: did you mean `prefix-delegation`?\n",
        path.display()
    );
    assert_unchanged(&host, &[], 78, &expected);
}

const NO_CLUSTER_HELP: &str = "help: set cluster-name, api-server, cluster-certificate and authentication-mode = \"aws\" in settings.kubernetes, or set cluster.name (EKS returns the rest) in the user data of the bootstrap container; if the node has no cluster, set cni.source = \"settings\" and cni.custom-networking = false there\n";

#[test]
fn the_error_about_an_unknown_cluster_contains_why_bottlerocket_settings_are_unusable() {
    let tls = Host::with(|seed| seed["kubernetes"]["authentication-mode"] = json!("tls"));
    let without_cluster = |standalone: bool| {
        Host::with(|seed| {
            let kubernetes = seed["kubernetes"].as_object_mut().unwrap();
            for key in ["cluster-name", "cluster-certificate", "api-server"] {
                kubernetes.remove(key);
            }
            if standalone {
                kubernetes.insert("standalone-mode".to_owned(), json!(true));
            }
        })
    };
    for (host, reason) in [
        (tls, "authentication-mode is \"tls\", and the node has no certificate yet"),
        (without_cluster(true), "standalone-mode is true, and they contain no cluster"),
        (without_cluster(false), "they contain no cluster"),
    ] {
        let output = host.run();
        assert_eq!(output.status, Some(78), "{}", output.stderr);
        let expected = format!(
            "error: failed to compute the node configuration\n  \
             caused by: the cluster is unknown: cluster.name, cluster.endpoint and cluster.certificate-authority are not set\n  \
             caused by: Bottlerocket settings skipped: {reason}\n  {NO_CLUSTER_HELP}"
        );
        assert_eq!(error(&output), expected);
        let warning = format!("warning: cluster: Bottlerocket settings skipped: {reason}\n");
        assert!(output.stderr.contains(&warning), "{}", output.stderr);
        assert_eq!(host.kubelet(), (INITIAL_MAX_PODS.to_owned(), String::new()));
    }
}
