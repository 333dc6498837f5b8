//! The man pages, the completions and the third-party notices of the packages.

#[path = "../../packaging/manual/completions.rs"]
mod completions;
#[path = "../../packaging/manual/notices.rs"]
pub mod notices;
#[path = "../../packaging/manual/pages.rs"]
mod pages;

use std::fs;
use std::path::Path;

/// Writes the files that `cargo run --example manual` writes to `folder`.
#[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
pub fn write_manual(folder: &Path) {
    for (folder, program, command) in [
        (folder.to_owned(), "eni-bootstrap", eni_bootstrap::cli::command_line()),
        (folder.join("plugin"), "kubectl-eni", kubectl_eni::cli::command_line()),
    ] {
        fs::create_dir_all(&folder).unwrap();
        let pages = pages::all(&command, "2026-01-01").unwrap();
        for (name, text) in pages.into_iter().chain(completions::all(&command)) {
            fs::write(folder.join(name), text).unwrap();
        }
        fs::write(folder.join("third-party-licenses"), notices::all(program).unwrap()).unwrap();
    }
}
