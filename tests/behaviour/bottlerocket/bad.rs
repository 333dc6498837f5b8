//! What can be wrong with the settings API: a clear refusal, and nothing half set.

use super::DISCARD;
use crate::support::bottlerocket::{COMMIT, Host, PATCH, SOON, USER_DATA, ready};
use crate::support::node::{Node, error};
use eni_bootstrap_sandbox::{Applier, Fault};
use serde_json::json;

const UNTOUCHED: &str = "29";

const OF_THE_API: &str = "help: look at `journalctl -u apiserver`; /run/api.sock is of the server that ran when this container was started\n";
const OF_A_REFUSAL: &str = "help: correct what it names; nothing is changed. This version of Bottlerocket may not have the setting, or its settings may be locked (lockdown)\n";

/// The run fails so, and leaves the node as it was.
fn refused(host: &Host, arguments: &[&str], status: i32, why: &str) {
    let ended = host.node.run([&["run"], arguments].concat());
    assert_eq!((ended.status, error(&ended)), (Some(status), why), "{}", ended.stderr);
    assert_eq!(host.kubelet().0, UNTOUCHED);
    assert_eq!(host.settings.live()["kubernetes"]["max-pods"], json!(29));
    assert_eq!(host.settings.transactions(), Vec::<String>::new());
}

#[test]
fn an_applier_that_never_renders_ends_the_run() {
    let host = Host::new();
    host.settings.set_applier(Applier::TemplateFails);
    let ended = host.node.run(["run", "--host-render-wait=1s"]);
    assert_eq!(ended.status, Some(69), "{}", ended.stderr);
    assert_eq!(
        error(&ended),
        "error: the node could not be configured\n  \
         because: Bottlerocket has its new settings, and has not rendered them: /etc/kubernetes/kubelet/config says 29 and not 20 for maxPods\n  \
         help: look at `journalctl -u apiserver` for the template that failed: one that fails leaves every file of the kubelet's as it was; a slow machine takes a longer host.render-wait\n"
    );
    assert_eq!(host.changing(), [PATCH, COMMIT]);
}

#[test]
fn a_socket_that_is_not_there_is_said_by_its_name() {
    let mut host = Host::new();
    host.settings.remove();
    let ended = host.run();
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(69),
            "error: this machine could not be identified\n  \
             because: there is no /run/api.sock, through which Bottlerocket's settings are changed\n  \
             help: run it as a Bottlerocket bootstrap container (settings.bootstrap-containers), or use `--host-kind auto`\n"
        )
    );
    let by_hand = Node::al2023().run(["run", "--host-kind=bottlerocket"]);
    assert!(by_hand.stderr.contains("because: there is no /run/api.sock"), "{}", by_hand.stderr);
}

#[test]
fn a_socket_that_nobody_listens_on_is_not_waited_for() {
    let mut host = Host::new();
    host.settings.kill();
    let ended = host.run();
    let expected = format!(
        "error: this machine could not be identified\n  \
         because: Bottlerocket does not say what it is set to\n  \
         because: Bottlerocket's settings API (/run/api.sock) gave no answer to GET /settings\n  \
         because: error sending request\n  \
         because: client error (Connect)\n  \
         because: Connection refused (os error 111)\n  {OF_THE_API}"
    );
    assert_eq!((ended.status, error(&ended)), (Some(69), expected.as_str()));
    // Who wants nothing of it goes on.
    let arguments =
        ["run", "--host-kind=none", "--cni-custom-networking=false", "--cni-source=settings"];
    ready(&host.node.run(arguments));
}

#[test]
fn answers_that_are_no_settings_are_not_taken_for_any() {
    for (fault, where_) in [
        (Fault::Body(b"<html>hunter2</html>".to_vec()), "line 1, column 1"),
        (Fault::Body(b"{\"kubernetes\":{\"max-pods\":2".to_vec()), "line 1, column 27"),
    ] {
        let host = Host::new();
        host.settings.faults().fail_always_matching("prefix=settings.kubernetes", fault);
        let expected = format!(
            "error: this machine could not be identified\n  \
             because: Bottlerocket does not say what it is set to\n  \
             because: Bottlerocket's settings API (/run/api.sock) answered GET /settings with nonsense\n  \
             because: it is not settings at {where_}\n  {OF_THE_API}"
        );
        refused(&host, &[], 65, &expected);
    }
}

#[test]
fn half_an_answer_is_none() {
    let host = Host::new();
    let fault = Fault::Cut(b"{\"kubernetes\":{}}".to_vec());
    host.settings.faults().fail_always_matching("prefix=settings.kubernetes", fault);
    let ended = host.run();
    assert_eq!(ended.status, Some(69), "{}", ended.stderr);
    let why =
        "because: Bottlerocket's settings API (/run/api.sock) gave no answer to GET /settings\n";
    assert!(error(&ended).contains(why), "{}", ended.stderr);
    assert_eq!(host.changing(), Vec::<String>::new());
}

#[test]
fn a_refused_patch_is_said_in_the_apis_own_words() {
    let host = Host::new();
    let words = "Json deserialize error: unknown field `max-pods`, expected one of `node-labels` at line 1 column 27";
    let fault = Fault::Answer(400, words.to_owned());
    host.settings.faults().fail_always_matching("PATCH ", fault);
    let expected = format!(
        "error: the node could not be configured\n  \
         because: Bottlerocket's settings API refused PATCH /settings with 400 Bad Request: {words}\n  {OF_A_REFUSAL}"
    );
    refused(&host, &[], 78, &expected);
    assert_eq!(host.changing(), [PATCH, DISCARD]);
}

#[test]
fn a_label_that_only_bottlerocket_refuses_is_said_in_its_words() {
    let host = Host::new();
    // Within Kubernetes' limits, and beyond those of the data store.
    let prefix = vec!["abcdefghi"; 23].join(".");
    host.node.file(USER_DATA, &format!("[labels]\n\"{prefix}/team\" = \"blue\"\n"));
    let ended = host.run();
    assert_eq!(ended.status, Some(78), "{}", ended.stderr);
    assert!(
        error(&ended).contains(
            "because: Bottlerocket's settings API refused PATCH /settings with 500 Internal Server Error: Error serializing Settings: "
        ) && error(&ended).contains("beyond maximum length"),
        "{}",
        ended.stderr
    );
    assert_eq!(host.kubelet().0, UNTOUCHED);
    assert_eq!(host.settings.transactions(), Vec::<String>::new());
}

#[test]
fn settings_that_are_locked_are_left_alone() {
    let host = Host::new();
    host.settings.lock_down();
    let ended = host.run();
    assert_eq!(
        (ended.status, error(&ended)),
        (
            Some(69),
            "error: this machine could not be identified\n  \
             because: Bottlerocket does not say what it is set to\n  \
             because: Bottlerocket's settings API refused GET /settings with 500 Internal Server Error: Data store error during get_prefix 'settings.kubernetes' for Live: Data store integrity violation at /var/lib/bottlerocket/datastore/current/live: Live datastore missing\n  \
             help: look at `journalctl -u apiserver`; settings that were locked (lockdown) can be read again after a reboot\n"
        )
    );
    assert_eq!(host.kubelet().0, UNTOUCHED);
    assert_eq!(host.changing(), Vec::<String>::new());
}

#[test]
fn a_commit_that_did_not_happen_leaves_nothing_pending() {
    let empty = "Tried to commit with no pending changes";
    for (fault, status, why) in [
        (
            Fault::Drop,
            69,
            "API (/run/api.sock) gave no answer to POST /tx/commit_and_apply\n".to_owned(),
        ),
        (
            Fault::Answer(422, empty.to_owned()),
            78,
            format!(
                "API refused POST /tx/commit_and_apply with 422 Unprocessable Entity: {empty}\n"
            ),
        ),
    ] {
        let host = Host::new();
        host.settings.faults().fail_always_matching("commit_and_apply", fault);
        let ended = host.run();
        assert_eq!(ended.status, Some(status), "{}", ended.stderr);
        assert!(error(&ended).contains(&why), "{}", ended.stderr);
        assert_eq!(host.changing(), [PATCH, COMMIT, DISCARD]);
        assert_eq!(host.kubelet().0, UNTOUCHED);
        assert_eq!(host.settings.transactions(), Vec::<String>::new());
    }
}

#[test]
fn a_server_that_dies_in_mid_run_ends_it() {
    let mut host = Host::new();
    host.settings.faults().fail_always_matching("PATCH ", Fault::Hang);
    let running = host.node.start(["run"]);
    assert!(host.settings.wait_for("PATCH ", 1, SOON));
    host.settings.kill();
    let ended = running.end();
    assert_eq!(ended.status, Some(69), "{}", ended.stderr);
    let log = ended.stderr.as_str();
    assert!(error(&ended).contains("gave no answer to PATCH /settings\n"), "{log}");
    // What may be pending is said: it could not be dropped.
    assert!(log.contains("the transaction eni-bootstrap-"), "{log}");
    assert_eq!(host.kubelet().0, UNTOUCHED);
}

#[test]
fn a_wait_without_end_is_refused_where_nothing_else_ends_it() {
    let host = Host::new();
    refused(
        &host,
        &["--eni-config-wait=forever"],
        78,
        "error: no plan fits this machine\n  \
         because: eni-config.wait is forever, and a bootstrap container has no time limit of its own: it would hold the boot\n  \
         help: set eni-config.wait to a time, such as 30m\n",
    );
    assert_eq!(host.changing(), Vec::<String>::new());
}

#[test]
fn user_data_that_is_no_settings_names_its_line() {
    let host = Host::new();
    let path = host.node.file(USER_DATA, "[cni]\nprefix-delegatoin = true\n");
    let expected = format!(
        "error: the settings cannot be used\n  \
         because: {}, line 2: unknown key \"prefix-delegatoin\"\n  \
         help: did you mean `prefix-delegation`?\n",
        path.display()
    );
    refused(&host, &[], 78, &expected);
}

#[test]
fn a_cluster_of_tls_is_refused_with_the_reason() {
    let host = Host::with(|seed| seed["kubernetes"]["authentication-mode"] = json!("tls"));
    let ended = host.run();
    assert_eq!(ended.status, Some(78), "{}", ended.stderr);
    assert_eq!(
        error(&ended),
        "error: no plan fits this machine\n  \
         because: it is not known where the cluster's API server is: cluster.name, cluster.endpoint, cluster.certificate-authority missing\n  \
         help: put a NodeConfig in user data, or set cluster.name (EKS then says the rest), or cluster.name, cluster.endpoint and cluster.certificate-authority, or cluster.kubeconfig\n"
    );
    assert_eq!(host.kubelet(), (UNTOUCHED.to_owned(), String::new()));
}
