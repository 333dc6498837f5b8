//! Passwords, tokens and keys do not appear in messages.

use super::{Folder, failure, kubeconfig};

const SERVER: &str = "https://127.0.0.1:1";

/// Returns the fields of a user with an exec plugin that has a secret in its environment.
fn exec(script: &str) -> String {
    format!(
        "exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: /bin/sh, args: ['{script}'], env: [{{name: VAULT_TOKEN, value: secret-of-env}}]}}"
    )
}

#[test]
fn the_lines_beside_an_error_of_a_kubeconfig_are_not_printed() {
    let folder = Folder::new();
    let text = "apiVersion: v1
users:
- name: a
  user:
    token: secret-token
    client-key-data: secret-key
   wrong: [
";
    let path = folder.write("config", text);
    let expected = failure(
        65,
        "error: kubeconfig FOLDER/config is invalid at line 7
  help: correct the YAML in this line
",
    );
    assert_eq!(folder.run(folder.command(&path, ["nodes"])), expected);
    let mut by_flag = crate::support::program(["nodes", "--kubeconfig"]);
    by_flag.arg(&path);
    assert_eq!(folder.run(by_flag), expected);
}

#[test]
fn a_field_of_a_wrong_type_is_not_printed() {
    let folder = Folder::new();
    let path = folder.write("config", &kubeconfig(SERVER, "token: [secret-token]"));
    assert_eq!(
        folder.run(folder.command(&path, ["nodes"])),
        failure(
            65,
            "error: kubeconfig FOLDER/config is invalid at line 12
  help: correct the YAML in this line
"
        )
    );
}

#[test]
fn the_environment_of_a_failed_exec_plugin_is_not_printed() {
    let folder = Folder::new();
    folder.write("plugin", "echo secret-of-output\necho secret-of-error >&2\nexit 3\n");
    let script = folder.path().join("plugin");
    let path = folder.write("config", &kubeconfig(SERVER, &exec(script.to_str().unwrap())));
    assert_eq!(
        folder.run(folder.command(&path, ["nodes"])),
        failure(
            77,
            "error: failed to get credentials from the exec plugin of the kubeconfig
  caused by: /bin/sh failed (exit status: 3)
  help: run the command of the exec plugin manually, then correct the plugin or `users[].user.exec` in the kubeconfig
"
        )
    );
}

#[test]
fn the_output_of_an_exec_plugin_is_not_printed() {
    let folder = Folder::new();
    folder.write(
        "plugin",
        r#"echo "INFO: secret-token: [cached]: {"
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"secret-token"}}'
"#,
    );
    let script = folder.path().join("plugin");
    let path = folder.write("config", &kubeconfig(SERVER, &exec(script.to_str().unwrap())));
    assert_eq!(
        folder.run(folder.command(&path, ["nodes"])),
        failure(
            77,
            "error: failed to get credentials from the exec plugin of the kubeconfig
  caused by: /bin/sh printed no valid ExecCredential
  help: run the command of the exec plugin manually, then correct the plugin or `users[].user.exec` in the kubeconfig
"
        )
    );
}

/// The client runs the plugin again if the token has expired.
#[test]
fn the_environment_of_an_exec_plugin_that_fails_later_is_not_printed() {
    let folder = Folder::new();
    let expired = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"secret-token","expirationTimestamp":"2001-01-01T00:00:00Z"}}"#;
    let state = folder.path().join("state");
    let state = state.to_str().unwrap();
    folder.write(
        "plugin",
        &format!("[ -e {state} ] && exit 3\necho 1 > {state}\necho '{expired}'\n"),
    );
    let script = folder.path().join("plugin");
    let path = folder.write("config", &kubeconfig(SERVER, &exec(script.to_str().unwrap())));
    let output = folder.run(folder.command(&path, ["nodes"]));
    assert_eq!(
        output,
        failure(
            77,
            "error: failed to read the configuration of the VPC CNI
  caused by: failed to get credentials from the exec plugin of the kubeconfig
  caused by: the command of the exec plugin failed (exit status: 3)
  help: run the command of the exec plugin manually, then correct the plugin or `users[].user.exec` in the kubeconfig
"
        )
    );
}

#[test]
fn the_password_of_a_proxy_is_not_printed() {
    let folder = Folder::new();
    let path = folder.write("config", &kubeconfig(SERVER, "token: a"));
    let mut command = folder.command(&path, ["nodes"]);
    command.env("HTTPS_PROXY", "socks5://me:secret@proxy:1080");
    assert_eq!(
        folder.run(command),
        failure(
            65,
            "error: the client of the API server does not support socks5 proxies
  help: use an http:// proxy: correct `proxy-url` of the cluster in the kubeconfig, or HTTPS_PROXY
"
        )
    );
    let mut command = crate::support::program(["limits", "refresh", "--region=us-west-2"]);
    command.args(["--output", "/nonexistent/a.csv"]);
    command.env("HTTPS_PROXY", "socks5://me:secret@proxy:1080");
    assert_eq!(
        folder.run(command),
        failure(
            64,
            "error: the URL of the HTTP proxy is invalid
  caused by: \"proxy:1080\" is not a valid proxy URL (such as http://proxy.example.com:3128)
  help: correct HTTPS_PROXY: the AWS clients support only http:// and https:// proxies
"
        )
    );
    // Commands without requests to AWS do not need the proxy.
    let mut command = crate::support::program(["limits", "show", "m5.large"]);
    command.env("HTTPS_PROXY", "socks5://me:secret@proxy:1080");
    assert_eq!(folder.run(command).status, Some(0));
}
