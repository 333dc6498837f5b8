//! The files of `KUBECONFIG`.

use super::{Folder, failure, kubeconfig};
use crate::support::program;
use std::path::Path;

/// The error of a command that reaches no API server.
const UNREACHABLE: &str = "error: failed to read the configuration of the VPC CNI";

#[test]
fn files_of_kubeconfig_that_do_not_exist_are_skipped() {
    let folder = Folder::new();
    let users = "apiVersion: v1\nkind: Config\nusers: [{name: a, user: {token: b}}]\n";
    let without_users = kubeconfig("https://127.0.0.1:1", "token: a").replace("users:", "others:");
    let (users, rest) = (folder.write("users", users), folder.write("rest", &without_users));
    let missing = folder.path().join("missing");
    let list = |paths: &[&Path]| std::env::join_paths(paths).unwrap();
    for paths in [[&*missing, &users, &rest], [&*users, &rest, &missing]] {
        let mut command = program(["nodes"]);
        command.env("KUBECONFIG", list(&paths));
        let output = folder.run(command);
        assert_eq!(output.stderr.lines().next(), Some(UNREACHABLE), "{}", output.stderr);
    }
    let mut command = program(["nodes"]);
    command.env("KUBECONFIG", list(&[&missing, &missing]));
    assert_eq!(
        folder.run(command),
        failure(
            64,
            "error: no file in KUBECONFIG exists: FOLDER/missing:FOLDER/missing
  help: correct KUBECONFIG, or unset it to use `~/.kube/config`
"
        )
    );
}

/// In a pod, another failure must not select the cluster of the pod.
#[test]
fn only_a_missing_default_file_selects_the_cluster_of_the_pod() {
    let folder = Folder::new();
    let in_pod = |home: &Path| {
        let mut command = program(["nodes"]);
        command.env("HOME", home).env("KUBERNETES_SERVICE_HOST", "127.0.0.1");
        command.env("KUBERNETES_SERVICE_PORT", "1");
        command
    };
    let error = |output: crate::support::RunOutput| {
        output.stderr.lines().next().unwrap_or_default().to_owned()
    };
    // The program looks for the service account of the pod, which this machine does not have.
    let missing = folder.run(in_pod(&folder.path().join("missing")));
    assert_eq!(error(missing), "error: no kubeconfig found");
    // A folder in place of the file.
    std::fs::create_dir_all(folder.path().join(".kube/config")).unwrap();
    let unreadable = folder.run(in_pod(folder.path()));
    assert_eq!(error(unreadable), "error: failed to read kubeconfig FOLDER/.kube/config");
    let file = folder.write("config", &kubeconfig("https://127.0.0.1:1", "token: a"));
    let mut invalid = in_pod(folder.path());
    invalid.env("KUBECONFIG", file.join("not-a-folder"));
    assert_eq!(
        error(folder.run(invalid)),
        "error: failed to read kubeconfig FOLDER/config/not-a-folder"
    );
}
