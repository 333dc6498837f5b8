//! An empty environment variable or flag counts as absent, because a shell script passes an unset
//! variable as empty text.

use clap::builder::Resettable;
use clap::{Arg, Command};
use std::collections::BTreeSet;
use std::ffi::OsString;

/// Returns `command`, whose flags ignore their environment variables if these are empty.
#[must_use]
pub fn without_empty_variables(command: Command) -> Command {
    if std::env::vars_os().any(|(_, value)| value.is_empty()) {
        command.mut_args(without_empty_variable)
    } else {
        command
    }
}

#[expect(clippy::disallowed_methods, reason = "cli reads the environment")]
fn without_empty_variable(argument: Arg) -> Arg {
    let value = argument.get_env().and_then(std::env::var_os);
    if value.is_some_and(|value| value.is_empty()) {
        argument.env(Resettable::Reset)
    } else {
        argument
    }
}

/// Returns `arguments` without the flags that have an empty value, such as `--cluster-name ""` or
/// `--cluster-name=`. Calls `definition` for the definition of all flags only if an argument may be one of them.
pub fn without_empty_flags(
    definition: impl FnOnce() -> Command,
    arguments: Vec<OsString>,
) -> Vec<OsString> {
    let may_be_empty =
        |argument: &OsString| argument.is_empty() || argument.as_encoded_bytes().ends_with(b"=");
    if !arguments.iter().any(may_be_empty) {
        return arguments;
    }
    let mut command = definition();
    command.build();
    let flags = Flags::of(&command);
    let mut kept = Vec::new();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        if argument == "--" {
            kept.push(argument);
            kept.extend(arguments);
            break;
        }
        let name = argument.to_str().unwrap_or_default();
        if name.strip_suffix('=').is_some_and(|name| flags.with_value.contains(name)) {
            continue;
        }
        let is_empty = |value: &OsString| value.is_empty();
        if flags.with_separate_value.contains(name) && arguments.next_if(is_empty).is_some() {
            continue;
        }
        kept.push(argument);
    }
    kept
}

/// The flags of all commands that take a value, with their dashes.
#[derive(Debug, Default)]
struct Flags {
    with_value: BTreeSet<String>,
    /// Those whose value can be the next argument.
    with_separate_value: BTreeSet<String>,
}

impl Flags {
    fn of(command: &Command) -> Self {
        let mut flags = Self::default();
        flags.add(command);
        flags
    }

    fn add(&mut self, command: &Command) {
        for argument in command.get_arguments().filter(|it| it.get_action().takes_values()) {
            let long = argument.get_long().into_iter();
            let long = long.chain(argument.get_all_aliases().unwrap_or_default());
            let short = argument.get_short().map(|letter| format!("-{letter}"));
            let names = long.map(|name| format!("--{name}")).chain(short);
            for name in names {
                if !argument.is_require_equals_set() {
                    self.with_separate_value.insert(name.clone());
                }
                self.with_value.insert(name);
            }
        }
        command.get_subcommands().for_each(|command| self.add(command));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command_line;

    #[test]
    fn a_flag_with_an_empty_value_is_removed() {
        let kept = |words: &[&str]| {
            let words = words.iter().map(OsString::from).collect();
            let kept = without_empty_flags(command_line, words);
            kept.iter().map(|word| word.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(kept(&["run", "--cluster-name", "", "--quiet"]), "run --quiet");
        assert_eq!(kept(&["run", "--cluster-name=", "--host="]), "run");
        assert_eq!(kept(&["plan", "-o", "", "-o", "json"]), "plan -o json");
        assert_eq!(kept(&["run", "--cni-pod-eni=", "--cni-pod-eni"]), "run --cni-pod-eni");
        assert_eq!(kept(&["run", "--cluster-name", "prod"]), "run --cluster-name prod");
        // The value of a switch follows `=`, and other flags have no value.
        assert_eq!(kept(&["run", "--cni-pod-eni", ""]), "run --cni-pod-eni ");
        assert_eq!(kept(&["run", "--quiet", "", "--unknown="]), "run --quiet  --unknown=");
        assert_eq!(kept(&["token", "--", "--root", ""]), "token -- --root ");
    }

    #[test]
    fn without_an_empty_argument_no_flag_is_defined() {
        let words = ["run", "--cluster-name", "prod", "--labels=a=b"].map(OsString::from);
        let kept = without_empty_flags(|| unreachable!(), words.to_vec());
        assert_eq!(kept, words);
    }
}
