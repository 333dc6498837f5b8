//! A kubeconfig and the output of its exec plugin, as the agent parses them.

use crate::client::block_on;
use eni_bootstrap::adapter::Context;
use eni_bootstrap::adapter::replay;
use std::fs;
use tempfile::TempDir;

const KUBECONFIG: &str = "
current-context: a
clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]
contexts: [{name: a, context: {cluster: a, user: a}}]
users: [{name: a, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}}}]
";

thread_local! {
    static DIRECTORY: TempDir = tempfile::tempdir().expect("a directory");
}

/// The standard output of an exec plugin.
pub(super) fn exec_credential(data: &[u8]) {
    if let Ok(Some(token)) = block_on(replay::exec_credential(KUBECONFIG, data)) {
        assert!(!token.is_empty() && !token.contains(['\r', '\n']), "{token:?}");
    }
}

/// A kubeconfig. The agent creates a client, but sends no request.
#[expect(clippy::disallowed_methods, reason = "an input, not a file of a node")]
pub(super) fn agent_kubeconfig(data: &[u8]) {
    DIRECTORY.with(|directory| {
        let path = directory.path().join("kubeconfig");
        fs::write(&path, data).expect("a file");
        let _ = block_on(replay::kubeconfig(&path, &Context::default()));
    });
}
