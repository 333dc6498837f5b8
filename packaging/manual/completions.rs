//! Completion scripts for bash, zsh and fish.

use clap::Command;
use clap_complete::{Shell, generate};

/// Returns the file name and the text of the completion script for each shell. The shells expect these file names.
pub fn all(command: &Command) -> Vec<(String, Vec<u8>)> {
    let name = command.get_name();
    let shells = [
        (Shell::Bash, name.to_owned()),
        (Shell::Zsh, format!("_{name}")),
        (Shell::Fish, format!("{name}.fish")),
    ];
    let completions = shells.map(|(shell, file)| {
        let mut text = Vec::new();
        generate(shell, &mut command.clone(), name, &mut text);
        (file, if shell == Shell::Bash { one_spelling(&text) } else { text })
    });
    completions.into()
}

/// Returns the bash script with one spelling for each state.
///
/// `clap_complete` spells a state in two ways if the program name contains a hyphen. Bash then completes
/// nothing after a subcommand: <https://github.com/clap-rs/clap/issues/6421>. After that bug is fixed, this
/// function changes nothing.
fn one_spelling(script: &[u8]) -> Vec<u8> {
    let script = String::from_utf8_lossy(script);
    script.replace("eni__subcmd__bootstrap", "eni__bootstrap").into_bytes()
}
