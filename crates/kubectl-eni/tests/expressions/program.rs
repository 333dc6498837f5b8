//! Runs the program, and compares its output with golden files.

use serde_json::Value;
use std::io::Write as _;
use std::process::Command;
use tempfile::NamedTempFile;

/// The exit code, stdout and stderr of the program.
pub type RunOutput = (Option<i32>, String, String);

/// Runs `expressions` with `arguments`, without the kubeconfig of the user.
pub fn expressions(arguments: &[&str]) -> RunOutput {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-eni"));
    let output = command.arg("expressions").args(arguments).env_clear().output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// Returns a file that contains `text`.
pub fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// Returns the output for nodes with `settings`, without a cluster.
pub fn with_settings(settings: &str, arguments: &[&str]) -> RunOutput {
    let file = file(&format!("cni.source = \"settings\"\n{settings}"));
    expressions(&[&["--settings", file.path().to_str().unwrap()], arguments].concat())
}

/// Returns the JSON output for nodes with `settings`, without a cluster.
pub fn json(settings: &str, arguments: &[&str]) -> Value {
    let (status, stdout, stderr) =
        with_settings(settings, &[&["--output", "json"], arguments].concat());
    assert_eq!((status, stderr.as_str()), (Some(0), ""), "{settings}");
    serde_json::from_str(&stdout).unwrap()
}

/// Asserts that the golden file `tests/golden/expressions/NAME` contains `actual`.
pub fn expect_golden(name: &str, actual: &str) {
    crate::support::expect_golden(&format!("expressions/{name}"), actual);
}
