//! Checks environment variables: each `ENI_BOOTSTRAP_` variable must be a setting with a valid value.

use super::global_options::GlobalOptions;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args as _, Command};
use eni_core::host::kubelet_dropin::VARIABLE;
use eni_core::nearest::nearest;
use eni_core::settings::{self, Settings, SettingsError};
use std::ffi::OsString;

/// Prefix of the variables that are settings.
const PREFIX: &str = "ENI_BOOTSTRAP_";

/// Returns an error for the first of `names` that starts with `ENI_BOOTSTRAP_` but is not a setting. The
/// name is probably misspelled, and the setting would silently keep its default.
pub(super) fn check(names: impl Iterator<Item = String>) -> Result<(), SettingsError> {
    // eni-bootstrap sets VARIABLE in the environment of the kubelet, whose child processes inherit it.
    let is_unknown = |name: &String| {
        let is_setting = || settings::all().any(|setting| setting.variable == *name);
        name.starts_with(PREFIX) && name != VARIABLE && !is_setting()
    };
    let mut names = names.filter(is_unknown).peekable();
    if names.peek().is_none() {
        return Ok(());
    }
    // A variable of a global flag, or of no flag.
    let definition = definition();
    let variables = definition.get_arguments().filter_map(|argument| argument.get_env()?.to_str());
    let known: Vec<&str> = variables.collect();
    for name in names {
        if !known.contains(&name.as_str()) {
            let nearest = nearest(&name, known);
            return Err(SettingsError::UnknownVariable { name, nearest });
        }
    }
    Ok(())
}

/// Returns a command with every flag that has a variable with [`PREFIX`], also if the variable is empty.
fn definition() -> Command {
    // Without the flag for the help, the flags have no help texts, which are not needed here.
    let command = Command::default().disable_help_flag(true);
    GlobalOptions::augment_args(Settings::augment_args(command))
}

/// Converts clap's usage error to a settings error if the invalid value comes from an environment
/// variable. Returns `None` if it comes from a flag.
pub(super) fn error(error: &clap::Error) -> Option<SettingsError> {
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let argument = text(ContextKind::InvalidArg)?;
    let long = argument.strip_prefix("--")?.split(['=', '[', ' ']).next()?;
    let definition = definition();
    let argument = definition.get_arguments().find(|it| it.get_long() == Some(long))?;
    let name = argument.get_env()?.to_string_lossy().into_owned();
    let is_flag = |word: OsString| word.to_string_lossy().starts_with(&format!("--{long}"));
    if !name.starts_with(PREFIX) || std::env::args_os().any(is_flag) {
        return None;
    }
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let values = argument.get_possible_values();
    let reason = match std::error::Error::source(error) {
        // Most messages contain the value.
        Some(cause) if cause.to_string().contains(value) => cause.to_string(),
        Some(cause) => format!("{value:?}: {cause}"),
        None => {
            let values: Vec<_> =
                values.iter().map(clap::builder::PossibleValue::get_name).collect();
            format!("{value:?} is not one of {}", values.join(", "))
        }
    };
    Some(SettingsError::Variable { name, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_variable_gets_a_suggestion() {
        let check = |name: &str| super::check(std::iter::once(name.to_owned()));
        assert_eq!(check("ENI_BOOTSTRAP_PODS_MAX"), Ok(()));
        assert_eq!(check("ENI_BOOTSTRAP_ROOT"), Ok(()));
        assert_eq!(check("PATH"), Ok(()));
        assert_eq!(check("ENI_BOOTSTRAP_KUBELET_ARGS"), Ok(()));
        assert_eq!(
            check("ENI_BOOTSTRAP_POD_MAX"),
            Err(SettingsError::UnknownVariable {
                name: "ENI_BOOTSTRAP_POD_MAX".to_owned(),
                nearest: Some("ENI_BOOTSTRAP_PODS_MAX".to_owned())
            })
        );
    }
}
