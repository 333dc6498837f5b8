//! Settings in the environment: a variable of ours must be one that there is, with a value of its own.

use super::Cli;
use clap::CommandFactory as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use eni_core::host::kubelet_dropin::VARIABLE;
use eni_core::settings::{SettingsError, nearest};
use std::ffi::OsString;

/// Every setting that may stand in the environment begins so.
const VARIABLES: &str = "ENI_BOOTSTRAP_";

/// A variable in our name that means nothing is a misspelt setting: the default in its place would
/// be a silent one.
pub(super) fn check(names: impl Iterator<Item = String>) -> Result<(), SettingsError> {
    let command = Cli::command();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let known: Vec<String> = commands
        .flat_map(clap::Command::get_arguments)
        .filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned))
        .collect();
    // The kubelet unit's own environment has our arguments: whatever it runs may run us.
    let ours = |name: &String| name.starts_with(VARIABLES) && name != VARIABLE;
    for name in names.filter(ours) {
        if !known.contains(&name) {
            let nearest = nearest(&name, known.iter().map(String::as_str));
            return Err(SettingsError::UnknownVariable { name, nearest });
        }
    }
    Ok(())
}

/// The settings error that clap takes for a usage error: a value that it refused, and that came from
/// a variable of ours and not from the command line.
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
    let command = Cli::command();
    let commands = std::iter::once(&command).chain(command.get_subcommands());
    let mut known = commands.flat_map(clap::Command::get_arguments);
    let variable = known.find(|it| it.get_long() == Some(long))?.get_env()?.to_string_lossy();
    let given = |word: OsString| word.to_string_lossy().starts_with(&format!("--{long}"));
    if !variable.starts_with(VARIABLES) || std::env::args_os().any(given) {
        return None;
    }
    let value = text(ContextKind::InvalidValue).unwrap_or_default();
    let why = std::error::Error::source(error).map(|why| format!(": {why}")).unwrap_or_default();
    let reason = format!("{value:?} is not a value of --{long}{why}");
    Some(SettingsError::Variable { name: variable.into_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_names_the_nearest() {
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
