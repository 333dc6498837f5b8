//! Credentials from an exec plugin of a kubeconfig.

use crate::support::node::{Node, RunOutput, error, ready_api};
use eni_bootstrap_sandbox::{Identity, Imds, Instance, KubernetesApi};
use serde_json::{Value, json};
use std::fs::Permissions;
use std::fs::read_to_string;
use std::os::unix::fs::PermissionsExt as _;

/// A node whose kubeconfig runs the shell script `plugin`.
struct Fixture {
    node: Node,
    _imds: Imds,
}

impl Fixture {
    fn new(api: &KubernetesApi, plugin: &str) -> Self {
        let imds = Imds::start(&Instance::default());
        let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
        let text = format!("#!/bin/sh\ncd {}\necho >>calls\n{plugin}", node.root().display());
        let script = node.file("plugin", &text);
        std::fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "sandbox",
            "clusters": [{ "name": "sandbox", "cluster": {
                "server": api.url(),
                "certificate-authority-data": api.ca_base64(),
            }}],
            "users": [{ "name": "sandbox", "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": script,
                "args": ["get-token"],
                "env": [{ "name": "CLUSTER", "value": "prod" }],
            }}}],
            "contexts": [{ "name": "sandbox", "context": { "cluster": "sandbox", "user": "sandbox" } }],
        });
        let kubeconfig = node.file("kubeconfig", &config.to_string());
        let node = node.with("--cluster-kubeconfig", kubeconfig.display().to_string());
        Self { node, _imds: imds }
    }

    fn run(&self, wait: &str) -> RunOutput {
        self.node.run(["run", "--verbose", "--eni-config-wait", wait])
    }

    fn plugin(&self) -> String {
        self.node.root().join("plugin").display().to_string()
    }

    /// Returns how often the plugin was run.
    fn calls(&self) -> usize {
        read_to_string(self.node.root().join("calls")).unwrap_or_default().lines().count()
    }
}

/// Returns the shell command that prints a credential with `token`.
fn credential(token: &str) -> String {
    format!(
        "echo '{{\"apiVersion\": \"client.authentication.k8s.io/v1beta1\", \"kind\": \"ExecCredential\", \"status\": {{\"token\": \"{token}\", \"expirationTimestamp\": \"2999-01-01T00:00:00Z\"}}}}'\n"
    )
}

#[test]
fn an_exec_plugin_that_hangs_is_an_error() {
    let api = ready_api();
    let fixture = Fixture::new(&api, "exec sleep 600\n");
    // Longer than the time limit of the plugin.
    let output = fixture.run("40s");
    assert_eq!(output.status, Some(77), "{}", output.stderr);
    let plugin = fixture.plugin();
    assert_eq!(
        error(&output),
        format!(
            "error: the node is not ready for the kubelet\n  caused by: timed out after 40s waiting for the aws-node DaemonSet\n  caused by: failed to get credentials from the exec plugin of the kubeconfig\n  caused by: {plugin} did not finish within 20s\n  help: run the command of the exec plugin manually, then correct the plugin or `users[].user.exec` in the kubeconfig\n"
        )
    );
}

/// The agent would not handle the signal before the end of the plugin if it waited for it without its event
/// loop. It also reports the state of the wait in this loop.
#[test]
fn sigterm_ends_a_run_while_an_exec_plugin_hangs() {
    let api = ready_api();
    let fixture = Fixture::new(&api, "exec sleep 600\n");
    let running = fixture.node.start(["run", "--eni-config-wait", "0"]);
    while fixture.calls() == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    running.terminate();
    let output = running.end();
    assert_eq!(output.status, Some(143), "{}", output.stderr);
    assert!(!output.stderr.contains("did not finish"), "{}", output.stderr);
}

/// Shell code that counts its runs and is true in the first three.
const FIRST_THREE: &str = "echo >>tries; [ $(wc -l <tries) -le 3 ]";

#[test]
fn an_exec_plugin_that_fails_at_first_is_run_again() {
    let api = ready_api();
    let plugin = format!(
        "read line && exit 9\n[ \"$1 $CLUSTER\" = 'get-token prod' ] || exit 8\nif {FIRST_THREE}; then echo not yet >&2; exit 1; fi\n{}",
        credential("good")
    );
    let fixture = Fixture::new(&api, &plugin);
    let output = fixture.run("10m");
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(fixture.calls(), 4);
    let line = format!(
        "warning: wait: failed to read the aws-node DaemonSet: failed to get credentials from the exec plugin of the kubeconfig: {} failed (exit status: 1): not yet; run the command of the exec plugin manually, then correct the plugin or `users[].user.exec` in the kubeconfig\n",
        fixture.plugin()
    );
    assert!(output.stderr.contains(&line), "{}", output.stderr);
}

#[test]
fn a_401_discards_the_token_of_the_exec_plugin() {
    let api = ready_api();
    api.accept_tokens(vec!["second".to_owned()]);
    let plugin = format!(
        "if {FIRST_THREE}; then\n{}exit; fi\n{}",
        credential("first"),
        credential("second")
    );
    let fixture = Fixture::new(&api, &plugin);
    let output = fixture.run("10m");
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert_eq!(fixture.calls(), 4);
    let mut tokens: Vec<String> = api.requests().into_iter().filter_map(|it| it.token).collect();
    tokens.dedup();
    assert_eq!(tokens, ["first", "second"]);
}

#[test]
fn no_output_of_an_exec_plugin_reveals_its_token() {
    let api = ready_api();
    let token = "k8s-aws-v1.aHR0cHM6Ly9zdHMudXMtd2VzdC0yLmFtYXpvbmF3cy5jb20v";
    let plugin = format!(
        "echo first line >&2\necho two >&2\necho \"three token=$(echo short-secret)\" >&2\necho 'four Bearer {token}' >&2\n{}exit 1\n",
        credential("short-secret")
    );
    let fixture = Fixture::new(&api, &plugin);
    let output = fixture.run("0");
    assert_eq!(output.status, Some(77), "{}", output.stderr);
    let cause = format!(
        "\n  caused by: {} failed (exit status: 1): two; three REDACTED; four Bearer REDACTED\n",
        fixture.plugin()
    );
    assert!(error(&output).contains(&cause), "{}", output.stderr);
    assert!(!output.stderr.contains("short-secret"), "{}", output.stderr);
    assert!(!output.stderr.contains("aHR0cHM6"), "{}", output.stderr);
}

/// The credential is incomplete, but its key is still a secret.
#[test]
fn no_output_of_a_failed_exec_plugin_reveals_a_key_without_a_certificate() {
    let api = ready_api();
    let plugin = "echo '{\"status\": {\"clientKeyData\": \"private-key\"}}'\necho bad private-key >&2\nexit 1\n";
    let fixture = Fixture::new(&api, plugin);
    let output = fixture.run("0");
    let cause =
        format!("\n  caused by: {} failed (exit status: 1): bad REDACTED\n", fixture.plugin());
    assert!(error(&output).contains(&cause), "{}", output.stderr);
    assert!(!output.stderr.contains("private-key"), "{}", output.stderr);
}

#[test]
fn an_exec_plugin_must_print_a_credential() {
    let api = ready_api();
    for (plugin, problem) in [
        ("echo short-secret\n", "printed no valid ExecCredential"),
        ("echo '{\"status\": {}}'\n", "printed an ExecCredential without a token or a certificate"),
        ("head -c 2000000 /dev/zero\n", "printed more than 1 MiB"),
    ] {
        let fixture = Fixture::new(&api, plugin);
        let output = fixture.run("0");
        assert_eq!(output.status, Some(77), "{}", output.stderr);
        let cause = format!("\n  caused by: {} {problem}\n  help: ", fixture.plugin());
        assert!(error(&output).contains(&cause), "{}", output.stderr);
        assert!(!output.stderr.contains("short-secret"), "{}", output.stderr);
    }
}

#[test]
fn an_exec_plugin_may_print_a_client_certificate() {
    let api = ready_api();
    let identity = Identity::new(&[]);
    let credential = |key: &str| {
        let status = json!({
            "clientCertificateData": identity.certificate,
            "clientKeyData": key,
        });
        let credential = json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": status,
        });
        format!("cat <<'EOF'\n{credential}\nEOF\n")
    };
    let fixture = Fixture::new(&api, &credential("no key"));
    let output = fixture.run("0");
    let cause =
        format!("\n  caused by: {} printed an invalid token or certificate\n", fixture.plugin());
    assert!(error(&output).contains(&cause), "{}", output.stderr);
    // The stand-in authenticates no certificates, so it returns 403 for the ENIConfig.
    let output = Fixture::new(&api, &credential(&identity.key)).run("0");
    assert_eq!(output.status, Some(77), "{}", output.stderr);
    assert!(error(&output).contains("access denied by the API server: "), "{}", output.stderr);
}

/// A token in a literal block of YAML ends in a line break. Without the check, kube would panic.
#[test]
fn a_token_with_a_line_break_is_an_error() {
    let api = ready_api();
    let imds = Imds::start(&Instance::default());
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    let mut config: Value = serde_json::from_str(&api.kubeconfig()).unwrap();
    config["users"][0]["user"] = json!({ "token": "secret\n" });
    let path = node.file("kubeconfig", &config.to_string());
    let output = node.run(["run", "--cluster-kubeconfig", path.to_str().unwrap()]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(78),
            "error: failed to connect to the cluster\n  caused by: the token of the user in the kubeconfig contains a character that an HTTP header does not permit, such as a line break\n  help: correct users[].user.token in the kubeconfig\n"
        )
    );
    let credential = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": { "token": "secret\n" },
    });
    let fixture = Fixture::new(&api, &format!("cat <<'EOF'\n{credential}\nEOF\n"));
    let output = fixture.run("1s");
    assert_eq!(output.status, Some(77), "{}", output.stderr);
    let expected =
        format!("\n  caused by: {} printed an invalid token or certificate\n", fixture.plugin());
    assert!(error(&output).contains(&expected), "{}", output.stderr);
}

#[test]
fn a_command_of_an_auth_provider_is_not_run() {
    let api = ready_api();
    let imds = Imds::start(&Instance::default());
    let node = Node::al2023().with("--imds-endpoint", imds.endpoint());
    let mut config: Value = serde_json::from_str(&api.kubeconfig()).unwrap();
    config["users"][0]["user"] = json!({ "auth-provider": {
        "name": "gcp",
        "config": { "cmd-path": "sleep", "cmd-args": "600" },
    }});
    let path = node.file("kubeconfig", &config.to_string());
    let output = node.run(["run", "--cluster-kubeconfig", path.to_str().unwrap()]);
    assert_eq!(
        (output.status, error(&output)),
        (
            Some(78),
            "error: failed to connect to the cluster\n  caused by: the user of the kubeconfig has an auth-provider with a command, which is not supported\n  help: replace auth-provider with an exec plugin: Kubernetes 1.26 removed auth-provider commands\n"
        )
    );
}
