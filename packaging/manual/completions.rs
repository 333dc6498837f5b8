//! Shell completions, and the program with which kubectl completes the arguments of the plugin.

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
    let mut files: Vec<_> = completions.into();
    if let Some(plugin) = name.strip_prefix("kubectl-") {
        let script = String::from_utf8_lossy(&files[0].1).into_owned();
        files.push((format!("kubectl_complete-{plugin}"), for_kubectl(&script).into_bytes()));
    }
    files
}

/// Returns the program `kubectl_complete-eni`, which contains the completions of bash.
///
/// kubectl searches `PATH` for it and passes the words after `kubectl eni`. The last word is the one to complete; it
/// may be empty. The program prints the completions, one on each line, and then `:4`: no file names beside these.
///
/// Source: `pluginCompletion`, `pkg/cmd/plugin/plugin_completion.go`, kubernetes/kubectl.
fn for_kubectl(script: &str) -> String {
    let function = script.lines().next().and_then(|line| line.strip_suffix("() {"));
    let function = function.unwrap_or_default();
    format!(
        "#!/bin/bash
# Completes the arguments of `kubectl eni`. kubectl runs this program if it is in PATH.

{script}
COMP_WORDS=(kubectl-eni \"$@\")
COMP_CWORD=$#
# The script of bash calls compopt, which works in an interactive shell only.
{function} kubectl-eni \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD - 1]}}\" 2>/dev/null
((${{#COMPREPLY[@]}})) && printf '%s\\n' \"${{COMPREPLY[@]}}\"
echo :4
"
    )
}

/// Works around <https://github.com/clap-rs/clap/issues/6421>: if the program's name contains a hyphen,
/// the script spells a state in two ways and completes nothing after a subcommand. No effect once clap
/// is fixed.
fn one_spelling(script: &[u8]) -> Vec<u8> {
    let script = String::from_utf8_lossy(script);
    let script = script.replace("eni__subcmd__bootstrap", "eni__bootstrap");
    script.replace("kubectl__subcmd__eni", "kubectl__eni").into_bytes()
}
