//! `docs/reference/commands.md`: every command and flag of both programs.

use super::{GENERATED, expect};
use clap::{Arg, Command};
use eni_core::settings;
use std::fmt::Write as _;

const HEAD: &str = "\
Every command and every flag of both programs, in the words of `--help`. [Commands](../commands.md) and
[kubectl eni](../kubectl-eni.md) explain the commands with examples. The [man pages](../../packaging/README.md#files-in-the-packages)
contain the same texts.
";

#[test]
fn the_commands_are_generated() {
    let mut text = format!("# Reference: commands\n\n{GENERATED}\n{HEAD}");
    for command in [eni_bootstrap::cli::command_line(), kubectl_eni::cli::command_line()] {
        let mut command = command.disable_help_subcommand(true);
        command.build();
        let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
        let _ = write!(text, "\n## {name}\n\n{}\n", about(&command));
        let _ = write!(text, "\nEvery command of {name} accepts these flags:\n");
        table(&mut text, command.get_arguments().filter(|it| it.is_global_set()));
        subcommands(&mut text, &command, &name);
    }
    expect("docs/reference/commands.md", &text);
}

/// Appends a section for each command below `parent`.
fn subcommands(text: &mut String, parent: &Command, name: &str) {
    for command in parent.get_subcommands() {
        let name = format!("{name} {}", command.get_name());
        let _ = write!(text, "\n### {name}\n\n{}\n", about(command));
        if command.has_subcommands() {
            subcommands(text, command, &name);
            continue;
        }
        let mut usage = command.clone();
        let usage = usage.render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ").trim();
        let _ = write!(text, "\n```text\n{usage}\n```\n");
        let is_setting =
            |it: &&Arg| settings::all().any(|setting| it.get_id() == setting.key.as_str());
        let own = || command.get_arguments().filter(|it| !it.is_global_set() && !is_setting(it));
        if own().any(|it| it.get_id() != "help") {
            table(text, own());
        }
        if command.get_arguments().any(|it| is_setting(&it)) {
            text.push_str("\nIt also accepts every [setting](settings.md) as a flag.\n");
        }
        if let Some(example) = example(command) {
            let _ = write!(text, "\n```sh\n{example}\n```\n");
        }
    }
}

fn about(command: &Command) -> String {
    let about = command.get_long_about().or_else(|| command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let text = escaped(about.trim());
    if text.ends_with('.') { text } else { format!("{text}.") }
}

/// Returns the commands in the examples at the end of `--help`.
fn example(command: &Command) -> Option<String> {
    let help = command.get_after_help()?.to_string();
    let examples = help.split("\n\n").find(|it| it.starts_with("Example"))?;
    let commands = examples.split_once(':')?.1.lines().map(str::trim);
    Some(commands.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"))
}

fn table<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    text.push_str("\n| flag | meaning | default | variable |\n|---|---|---|---|\n");
    for argument in arguments.filter(|it| !it.is_hide_set() && it.get_id() != "help") {
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let mut meaning = escaped(&help.replace('\n', " "));
        let values: Vec<String> = argument
            .get_possible_values()
            .iter()
            .filter(|_| argument.get_action().takes_values())
            .map(|value| format!("`{}`", value.get_name()))
            .collect();
        if !values.is_empty() && values != ["`true`", "`false`"] {
            let _ = write!(meaning, ". Values: {}", values.join(", "));
        }
        let defaults: Vec<_> =
            argument.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
        let default = defaults.join(",");
        let is_flag = !argument.get_action().takes_values();
        let default =
            if default.is_empty() || is_flag { String::new() } else { format!("`{default}`") };
        let variable = argument.get_env().map(|it| format!("`{}`", it.to_string_lossy()));
        let variable = variable.unwrap_or_default();
        let _ = writeln!(text, "| {} | {meaning} | {default} | {variable} |", spelling(argument));
    }
}

/// Returns the flag with its value, such as `` `--output FORMAT`, `-o` ``.
fn spelling(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default().join(" ");
    let is_flag = !argument.get_action().takes_values();
    let value = if is_flag || names.is_empty() { String::new() } else { format!(" {names}") };
    let Some(long) = argument.get_long() else { return format!("`{names}`") };
    let short = argument.get_short().map(|it| format!(", `-{it}`")).unwrap_or_default();
    format!("`--{long}{value}`{short}")
}

/// Escapes what Markdown would interpret outside of code.
fn escaped(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let escape = |part: &str| {
        part.replace('|', "\\|").replace('<', "\\<").replace('_', "\\_").replace('*', "\\*")
    };
    let parts = parts.map(|(index, it)| if index % 2 == 0 { escape(it) } else { it.to_owned() });
    parts.collect::<Vec<_>>().join("`")
}
