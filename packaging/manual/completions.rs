//! Shell completions.

use clap::Command;
use clap_complete::{Shell, generate};

/// Returns the file name and the text for each shell.
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

/// Works around <https://github.com/clap-rs/clap/issues/6421>: if the program's name contains a hyphen,
/// the script spells a state in two ways and completes nothing after a subcommand. No effect once clap
/// is fixed.
fn one_spelling(script: &[u8]) -> Vec<u8> {
    let script = String::from_utf8_lossy(script);
    let script = script.replace("eni__subcmd__bootstrap", "eni__bootstrap");
    script.replace("kubectl__subcmd__eni", "kubectl__eni").into_bytes()
}
