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
        (file, text)
    });
    completions.into()
}
