//! Generates the man pages, the shell completions and the third-party licenses for the packages.
//!
//! `cargo run --example manual -- FOLDER DATE` writes the files to FOLDER. DATE (YYYY-MM-DD) is the date of
//! the man pages. Man pages and completions are generated from the definition of the command line.

mod completions;
mod notices;
mod pages;

use eni_bootstrap::cli::command_line;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

#[expect(clippy::disallowed_methods, reason = "no process reads the files before the program ends")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, date] = &arguments[..] else { return Err("usage: manual FOLDER DATE".into()) };
    fs::create_dir_all(folder)?;
    let completions = completions::all(&command_line());
    for (name, text) in pages::all(&command_line(), date)?.into_iter().chain(completions) {
        fs::write(Path::new(folder).join(name), text)?;
    }
    fs::write(Path::new(folder).join("third-party-licenses"), notices::all()?)?;
    Ok(())
}
