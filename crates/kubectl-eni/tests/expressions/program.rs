//! Runs the program, and compares its output with golden files.

use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::path::Path;
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

/// Asserts that `tests/golden/expressions/NAME` contains `actual`. With the environment variable `UPDATE_GOLDEN`, writes
/// the file first.
pub fn expect_golden(name: &str, actual: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/expressions");
    let path = folder.join(name);
    #[expect(clippy::disallowed_methods, reason = "a switch and files of the tests")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(folder).unwrap();
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name}: run with UPDATE_GOLDEN=1 to accept the change");
}
