//! The commands of both programs in `docs/troubleshooting.md` have existing subcommands and flags.

use super::path;
use clap::error::ErrorKind;
use std::fs;

/// Returns the lines of the code blocks and the inline code that start with `program`.
fn commands(text: &str, program: &str) -> Vec<String> {
    let mut code: Vec<&str> = Vec::new();
    let mut is_block = false;
    for line in text.lines() {
        if line.starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            code.push(line);
        } else {
            code.extend(line.split('`').skip(1).step_by(2));
        }
    }
    let start = format!("{program} ");
    code.retain(|it| it.starts_with(&start));
    code.sort_unstable();
    code.dedup();
    code.into_iter().map(str::to_owned).collect()
}

/// Returns the words of a command before a pipe, without the quotes of a shell.
fn words(command: &str) -> Vec<String> {
    let command = command.split(" | ").next().unwrap();
    command.split_whitespace().map(|word| word.replace('\'', "")).collect()
}

/// Asserts that the parser knows the subcommand and the flags. A mention of a command may lack its arguments.
fn assert_known(program: clap::Command, command: &str, words: Vec<String>) {
    let error = program.try_get_matches_from(words).err();
    let unknown = error.filter(|error| error.kind() != ErrorKind::MissingRequiredArgument);
    assert!(unknown.is_none(), "{command}: {}", unknown.unwrap());
}

#[test]
fn every_command_on_the_page_is_valid() {
    let text = fs::read_to_string(path("docs/troubleshooting.md")).unwrap();
    let node = commands(&text, "eni-bootstrap");
    let plugin = commands(&text, "kubectl eni");
    assert!(node.len() > 4 && plugin.len() > 10, "{node:?} {plugin:?}");
    for command in node {
        assert_known(eni_bootstrap::cli::command_line(), &command, words(&command));
    }
    for command in plugin {
        let words = words(&command).split_off(1);
        assert_known(kubectl_eni::cli::command_line(), &command, words);
    }
}
