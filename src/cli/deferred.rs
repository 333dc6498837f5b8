//! Flags that clap defines only if their command runs.

use super::empty_values::without_empty_variables;
use clap::builder::Resettable;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches};
use std::collections::VecDeque;

/// The flags `T` of a command, defined with clap's `defer`. The help is the same as without `defer`.
#[derive(Clone, Debug)]
pub(super) struct Deferred<T>(pub T);

impl<T: Args> Args for Deferred<T> {
    fn augment_args(command: Command) -> Command {
        // The doc comment of `T` would replace the description of the command.
        let about = Resettable::from(command.get_about().cloned());
        let long_about = Resettable::from(command.get_long_about().cloned());
        let global = command.get_arguments().count();
        let prints_help = !command.is_disable_help_flag_set();
        let command = T::augment_args(command).about(about).long_about(long_about);
        without_empty_variables(if prints_help { with_last(command, global) } else { command })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Returns `command` with its first `count` flags behind the others. clap adds the global flags before it defines
/// the other ones, and prints the headings in the order of the flags.
fn with_last(command: Command, count: usize) -> Command {
    let mut flags = VecDeque::new();
    let command = command.mut_args(|flag| {
        flags.push_back(flag);
        Arg::new("")
    });
    flags.rotate_left(count);
    command.mut_args(|empty| flags.pop_front().unwrap_or(empty))
}

impl<T: FromArgMatches> FromArgMatches for Deferred<T> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        T::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

#[cfg(test)]
mod tests {
    use crate::cli::command_line;
    use clap::Command;

    fn descriptions(command: &Command) -> Vec<(String, Option<String>, Option<String>)> {
        let text = |command: &Command| {
            let about = command.get_about().map(ToString::to_string);
            let long_about = command.get_long_about().map(ToString::to_string);
            (command.get_name().to_owned(), about, long_about)
        };
        let commands = command.get_subcommands().filter(|it| it.get_name() != "help");
        commands.flat_map(|it| [vec![text(it)], descriptions(it)].concat()).collect()
    }

    #[test]
    fn the_flags_of_a_command_are_defined_if_it_runs() {
        let mut program = command_line();
        let flags = |program: &Command, name: &str| {
            program.find_subcommand(name).unwrap().get_arguments().count()
        };
        for command in program.get_subcommands() {
            assert_eq!(command.get_arguments().count(), 0, "{}", command.get_name());
        }
        let root = ["eni-bootstrap", "max-pods", "--instance-type", "m5.large"];
        program.try_get_matches_from_mut(root).unwrap();
        // clap copies the global flags to each command.
        let global = program.get_arguments().filter(|it| it.is_global_set()).count();
        assert_eq!(flags(&program, "run"), global);
        assert_eq!(flags(&program, "max-pods"), global + 10);
        program.build();
        assert!(flags(&program, "run") > global + 40);
    }

    #[test]
    fn the_definition_of_the_flags_keeps_the_description_of_the_command() {
        let mut program = command_line();
        let before = descriptions(&program);
        program.build();
        assert_eq!(descriptions(&program), before);
        assert_eq!(before.len(), 9);
    }

    #[test]
    fn the_help_ends_with_the_global_options() {
        let mut program = command_line();
        program.build();
        for (name, expected) in [
            ("run", &["Options:", "Settings:", "Global options:"][..]),
            ("max-pods", &["Options:", "Global options:"]),
        ] {
            let help = program.find_subcommand_mut(name).unwrap().render_help().to_string();
            let is_heading = |line: &&str| line.ends_with(':') && !line.starts_with(' ');
            assert_eq!(help.lines().filter(is_heading).collect::<Vec<_>>(), expected, "{name}");
        }
    }
}
