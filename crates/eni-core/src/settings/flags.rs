//! Flags and environment variables of the settings.

use super::Settings;
use super::table::{Setting, all, key_of};
use clap::{Arg, ArgAction, ArgMatches, Command};

impl Setting {
    fn argument(&'static self) -> Arg {
        let argument = Arg::new(self.key.as_str())
            .long(self.flag.as_str())
            .env(self.variable.as_str())
            .value_name(self.value_name)
            .value_parser(self.parser.clone())
            .action(ArgAction::Set)
            .help(self.help.as_str())
            .long_help(self.long_help.as_str())
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

impl clap::Args for Settings {
    fn augment_args(command: Command) -> Command {
        command.args(all().map(Setting::argument))
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
