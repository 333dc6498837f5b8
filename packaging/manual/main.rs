//! Writes what a package has besides the program: `cargo run --example manual -- FOLDER DATE` fills
//! FOLDER with a man page for each command, dated DATE (YYYY-MM-DD), and with the completions of three
//! shells, all from the command line's own definition; and with the notices of the crates in the program.

mod completions;
mod notices;
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
    fs::write(Path::new(folder).join("third-party-licenses"), notices::all()?)?;
    Ok(())
}
