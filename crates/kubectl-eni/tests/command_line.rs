//! The command line of all commands.

use crate::support::{program, run, status_with_closed_pipe};
use clap::Command;
use std::fs::File;
use std::io::Write as _;

/// Returns the lines of the help of `command` and of its commands that are longer than 100 characters.
fn wide_lines(command: &mut Command) -> Vec<String> {
    let help = [command.render_help(), command.render_long_help()].map(|help| help.to_string());
    let lines = help.iter().flat_map(|help| help.lines());
    let wide = lines.filter(|line| line.chars().count() > 100).map(str::to_owned);
    wide.collect::<Vec<_>>()
        .into_iter()
        .chain(command.get_subcommands_mut().flat_map(wide_lines))
        .collect()
}

#[test]
fn no_line_of_the_help_is_wider_than_100_columns() {
    let mut command = kubectl_eni::cli::command_line();
    command.build();
    assert_eq!(wide_lines(&mut command), Vec::<String>::new());
}

/// clap would break a longer line of an example, which then is another command.
#[test]
fn no_line_of_the_examples_is_wrapped() {
    fn examples(command: &Command) -> Vec<String> {
        let help = command.get_after_help().map(ToString::to_string);
        help.into_iter().chain(command.get_subcommands().flat_map(examples)).collect()
    }
    let examples = examples(&kubectl_eni::cli::command_line());
    assert_eq!(examples.len(), 9);
    let wide = examples.iter().flat_map(|text| text.lines());
    let wide: Vec<&str> = wide.filter(|line| line.chars().count() > 100).collect();
    assert_eq!(wide, [] as [&str; 0]);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    assert_eq!(status_with_closed_pipe(program(["limits", "show"])), Some(0));
    assert_eq!(status_with_closed_pipe(program(["max-pods", "m5.large"])), Some(0));
}

#[test]
fn an_entry_that_the_kubeconfig_does_not_contain_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    let text = "current-context: a
contexts: [{name: a, context: {cluster: a, user: a}}]
clusters: [{name: a, cluster: {server: 'https://0123.gr7.us-west-2.eks.amazonaws.com'}}]
users: [{name: a, user: {token: a}}]
";
    File::create(&path).unwrap().write_all(text.as_bytes()).unwrap();
    for kind in ["context", "cluster", "user"] {
        let kubeconfig = ["nodes", "--kubeconfig", path.to_str().unwrap()];
        let flag = format!("--{kind}=nope");
        let result = run(kubeconfig.into_iter().chain([flag.as_str()]));
        let expected = format!(
            "error: {kind} \"nope\" does not exist in the kubeconfig\n  help: list the existing names: `kubectl config get-{kind}s`\n"
        );
        assert_eq!((result.status, result.stderr), (Some(64), expected));
    }
}
