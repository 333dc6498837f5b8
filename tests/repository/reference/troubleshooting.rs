//! The commands of both programs in `docs/troubleshooting.md` have existing subcommands and flags.

use super::path;
use std::fs;

/// Returns the lines of the shell blocks and the inline code that start with `program`.
fn commands(text: &str, program: &str) -> Vec<String> {
    let is_fence = |line: &&str| line.starts_with("```");
    let lines = text.lines().filter(|line| !is_fence(line)).flat_map(|line| line.split('`'));
    let start = format!("{program} ");
    let mut commands: Vec<String> =
        lines.map(str::trim).filter(|it| it.starts_with(&start)).map(str::to_owned).collect();
    commands.sort();
    commands.dedup();
    commands
}

/// Returns the words of a command before a pipe, without the quotes of a shell.
fn words(command: &str) -> Vec<String> {
    let command = command.split(" | ").next().unwrap();
    command.split_whitespace().map(|word| word.replace('\'', "")).collect()
}

#[test]
fn every_command_on_the_page_is_valid() {
    let text = fs::read_to_string(path("docs/troubleshooting.md")).unwrap();
    let mut checked = 0;
    for command in commands(&text, "eni-bootstrap") {
        let parsed = eni_bootstrap::cli::command_line().try_get_matches_from(words(&command));
        assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
        checked += 1;
    }
    for command in commands(&text, "kubectl eni") {
        let words = words(&command).split_off(1);
        let parsed = kubectl_eni::cli::command_line().try_get_matches_from(words);
        assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
        checked += 1;
    }
    assert!(checked > 15, "{checked}");
}
