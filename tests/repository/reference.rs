//! The reference pages that are generated from the command lines and from the manifests.

mod commands;
mod permissions;
mod troubleshooting;

use crate::support::golden::expect_golden;
use std::path::{Path, PathBuf};

/// The comment at the start of each generated page, after its heading.
const GENERATED: &str = "\
<!-- Generated from the code. Do not edit: run `UPDATE_GOLDEN=1 cargo test --test it repository::reference`. -->
";

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Asserts that the page contains `text`. `UPDATE_GOLDEN` writes it first.
fn expect(page: &str, text: &str) {
    expect_golden(&path(page), text);
}
