//! Flags and environment variables of the settings.

use super::Settings;
use super::table::{Setting, all, key_of};
use clap::{Arg, ArgAction, ArgMatches, Command};

impl Setting {
    fn with_help(&'static self, argument: Arg) -> Arg {
        let texts = self.documentation();
        argument.help(texts.help.as_str()).long_help(texts.long_help.as_str())
    }

    fn argument(&'static self) -> Arg {
        let argument = Arg::new(self.key.as_str())
            .long(self.flag.as_str())
            .env(self.variable.as_str())
            .value_name(self.value_name)
            .value_parser(self.parser.clone())
            .action(ArgAction::Set)
            .help_heading("Settings")
            .hide_short_help(!self.essential)
            // The long help contains both; the short help has one line for each flag.
            .hide_env(true)
            .hide_possible_values(true)
            .alias(self.alias);
        if self.switch {
            argument.num_args(0..=1).require_equals(true).default_missing_value("true")
        } else {
            argument
        }
    }
}

/// Defines the flags without help texts if the command has no flag for the help.
impl clap::Args for Settings {
    fn augment_args(command: Command) -> Command {
        let prints_help = !command.is_disable_help_flag_set();
        command.args(all().map(|setting| {
            let argument = setting.argument();
            if prints_help { setting.with_help(argument) } else { argument }
        }))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for Settings {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self::from_matches(matches))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_matches(matches).over(std::mem::take(self));
        Ok(())
    }
}

/// Returns the value of an argument, from the command line or the environment.
pub(super) fn value_of<T: Clone + Send + Sync + 'static>(
    matches: &ArgMatches,
    section: &str,
    name: &str,
) -> Option<T> {
    matches.get_one::<T>(&key_of(section, name)).cloned()
}
