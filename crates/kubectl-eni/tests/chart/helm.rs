//! Runs Helm.

use eni_bootstrap_real_parts::helm;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Helm with its own home directory.
pub struct Helm {
    program: PathBuf,
    home: TempDir,
}

/// Returns Helm, or `None` if it is not installed.
pub fn helm_program() -> Option<Helm> {
    Some(Helm { program: helm()?, home: tempfile::tempdir().unwrap() })
}

impl Helm {
    /// Returns the exit code, stdout and stderr.
    pub fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(&self.program);
        command.env_clear().env("HOME", self.home.path()).args(arguments);
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    }

    /// Returns stdout. Helm must succeed without a message on stderr.
    pub fn stdout(&self, arguments: &[&str]) -> String {
        let (status, stdout, stderr) = self.run(arguments);
        assert_eq!((status, &*stderr), (Some(0), ""), "{arguments:?}\n{stdout}");
        stdout
    }

    /// Returns the objects that the chart renders with these arguments, in namespace `ops`.
    pub fn objects(&self, arguments: &[&str]) -> Vec<Value> {
        let chart = chart();
        let template = ["template", "test", chart.to_str().unwrap(), "--namespace=ops"];
        let yaml = self.stdout(&[&template[..], arguments].concat());
        documents(&yaml)
    }
}

/// Returns the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns the folder of the chart.
pub fn chart() -> PathBuf {
    repository().join("packaging/chart/eni-bootstrap")
}

/// Returns the values that enable every part of the chart.
pub fn full_values() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/chart/full-values.yaml");
    format!("--values={}", path.display())
}

/// Returns the objects in a YAML text.
pub fn documents(yaml: &str) -> Vec<Value> {
    let mut documents: Vec<Value> = serde_saphyr::from_multiple(yaml).unwrap();
    documents.retain(|document| !document.is_null());
    documents
}

/// Asserts that the file contains `actual`. With `UPDATE_GOLDEN`, writes it first.
pub fn expect_file(path: &Path, actual: &str) {
    #[expect(clippy::disallowed_methods, reason = "a switch and files of the tests")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(actual, expected, "{}: UPDATE_GOLDEN=1 accepts the change", path.display());
}

/// Asserts that the golden file `tests/golden/chart/NAME` contains `actual`.
pub fn expect_golden(name: &str, actual: &str) {
    crate::support::expect_golden(&format!("chart/{name}"), actual);
}
