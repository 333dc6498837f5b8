//! Writes what a package has besides the program: `cargo run --example manual -- FOLDER DATE` fills
//! FOLDER with a man page for each command, dated DATE (YYYY-MM-DD), and with the completions of three
//! shells. All of it comes from the command line's own definition.

mod completions;
mod pages;

use eni_bootstrap::cli::command_line;
use std::error::Error;
use std::path::Path;
use std::{env, fs};

#[expect(clippy::disallowed_methods, reason = "nobody reads them before they are all there")]
fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [folder, date] = &arguments[..] else { return Err("usage: manual FOLDER DATE".into()) };
    fs::create_dir_all(folder)?;
    let completions = completions::all(&command_line());
    for (name, text) in pages::all(&command_line(), date)?.into_iter().chain(completions) {
        fs::write(Path::new(folder).join(name), text)?;
    }
    Ok(())
}
