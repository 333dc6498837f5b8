//! The size of the static binaries.

use std::error::Error;
use std::fs;
use std::path::Path;

use super::Results;
use crate::parts::Parts;
use crate::row::Row;
use crate::stats::digits;

/// The largest binaries in MiB.
const X86_64: f64 = 10.0;
const ARM64: f64 = 8.5;

/// Measures the binaries. The one for arm64 may be missing.
///
/// # Errors
///
/// Returns an error if the binary for this machine cannot be read.
pub fn run(parts: &Parts) -> Result<Results, Box<dyn Error>> {
    let mut rows = vec![row("x86-64", &parts.binary, X86_64)?];
    if parts.binary_arm64.exists() {
        rows.push(row("arm64", &parts.binary_arm64, ARM64)?);
    } else {
        rows.push(Row::new("static binary, arm64", "not built; run `make static-arm64`"));
    }
    Ok(rows.into())
}

fn row(architecture: &str, path: &Path, most: f64) -> Result<Row, Box<dyn Error>> {
    #[expect(clippy::cast_precision_loss, reason = "a few MiB")]
    let bytes = fs::metadata(path)?.len() as f64;
    let mib = bytes / 1_048_576.0;
    let row = Row::new(format!("static binary, {architecture}"), format!("{mib:.2} MiB"));
    Ok(row.target(format!("≤ {} MiB", digits(most)), mib <= most).value("bytes", bytes))
}
