//! Generates the documentation files of the packages.
//!
//! `cargo run --example manual -- FOLDER DATE` writes to FOLDER a man page for each command with the date
//! DATE (YYYY-MM-DD), the completions of three shells, and the licenses of the crates in the binary. It writes the
//! same files of the kubectl plugin to FOLDER/plugin.

mod completions;
mod notices;
mod pages;

use std::error::Error;
use std::path::Path;
use std::{env, fs};

#[expect(
    clippy::disallowed_methods,
    reason = "no program reads the files while this one writes them"
)]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, date] = &arguments[..] else { return Err("usage: manual FOLDER DATE".into()) };
    let folder = Path::new(folder);
    for (folder, program, command) in [
        (folder.to_owned(), "eni-bootstrap", eni_bootstrap::cli::command_line()),
        (folder.join("plugin"), "kubectl-eni", kubectl_eni::cli::command_line()),
    ] {
        fs::create_dir_all(&folder)?;
        let completions = completions::all(&command);
        for (name, text) in pages::all(&command, date)?.into_iter().chain(completions) {
            fs::write(folder.join(name), text)?;
        }
        fs::write(folder.join("third-party-licenses"), notices::all(program)?)?;
    }
    Ok(())
}
