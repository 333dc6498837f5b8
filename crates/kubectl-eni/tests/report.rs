//! `kubectl eni report`: the formats for the results of several runs.

mod errors;
mod page;
mod pictures;

use crate::support::{RunOutput, run};
use std::path::{Path, PathBuf};

/// The results in `tests/report/results`.
pub const RESULTS: [&str; 7] =
    ["attached", "failed", "ipv6", "nine-minutes", "no-metadata", "prefixes", "ready"];

fn path(result: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/report/results/{result}.json"))
}

/// Returns the output for a result.
fn report(result: &str, format: &str) -> RunOutput {
    let path = path(result);
    run(["report", path.to_str().unwrap(), "--output", format])
}

/// Returns the standard output of a report without messages.
fn successful(result: &str, format: &str) -> String {
    let output = report(result, format);
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{result} {format}");
    without_version(&output.stdout)
}

/// Returns a page with the version 0.0.0 of the plugin. No file of the repository but Cargo.toml contains its version.
fn without_version(page: &str) -> String {
    page.replace(concat!("kubectl-eni ", env!("CARGO_PKG_VERSION")), "kubectl-eni 0.0.0")
}
