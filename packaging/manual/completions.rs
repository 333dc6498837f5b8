//! What each shell needs to complete a command line.

use clap::Command;
use clap_complete::{Shell, generate};

/// File name and text for each shell. The names are those that the shells look for.
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

/// The script spells a state in two ways where the program's name has a hyphen, and completes nothing
/// after a subcommand: <https://github.com/clap-rs/clap/issues/6421>. Without effect once that is mended.
fn one_spelling(script: &[u8]) -> Vec<u8> {
    let script = String::from_utf8_lossy(script);
    script.replace("eni__subcmd__bootstrap", "eni__bootstrap").into_bytes()
}
