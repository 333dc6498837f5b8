//! Compares the command that systemd executes with the plan.

mod flags;

use super::config_directory::{ConfigCheck, WrongValue};
use super::loaded_unit::{Argument, LoadedCommand, LoadedUnit};
use super::unit_file::{
    ScriptArguments, UnitError, assigns, kubelet_program, kubelet_word, sets_variable,
};
use super::unit_mismatch::{Difference, UnitMismatch};
use flags::{argument, effective_values, pairs};
use std::path::{Path, PathBuf};

/// The flag that names the directory of the kubelet's drop-ins.
const CONFIG_DIRECTORY: &str = "--config-dir";

/// What a unit must execute, so that the kubelet gets the planned configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitCheck {
    /// The name of the unit.
    pub unit: &'static str,
    /// The command that starts the unit again after a failure.
    pub(super) retry: &'static str,
    pub(super) program: Program,
    /// The kubelet arguments that the command must have.
    pub(super) required: Vec<String>,
    /// The kubelet arguments that a configuration file sets. The command may omit their flags, but
    /// must not set other values.
    pub(super) configured: Vec<String>,
    /// What the kubelet must read from its drop-ins; `None` if flags configure it.
    pub(super) config: Option<ConfigCheck>,
    /// The environment files that another program writes before it starts the unit.
    pub(super) future_files: Vec<(PathBuf, String)>,
}

/// The program that a unit must start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    /// The kubelet, or a script that passes its arguments on.
    Kubelet {
        /// The variable that contains the planned arguments.
        variable: &'static str,
    },
    /// A program with an argument that contains this text.
    WithArgument(&'static str),
}

/// The texts of the files that [`UnitCheck::verify`] needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitFiles {
    /// The unit file and its drop-ins, in systemd's order.
    pub unit: Vec<(PathBuf, String)>,
    /// The environment files, in systemd's order. The text of a missing file is empty.
    pub environment: Vec<(PathBuf, String)>,
    /// The program that starts the kubelet, if it is a script.
    pub script: Option<String>,
    /// The drop-ins in [`UnitCheck::config_directory`], in the order of their names.
    pub config: Vec<(PathBuf, String)>,
}

impl UnitCheck {
    /// Returns the absolute path of the program that is the kubelet, or may be a script that starts it.
    #[must_use]
    pub fn kubelet_program<'a>(&self, unit: &'a LoadedUnit) -> Option<&'a str> {
        let Program::Kubelet { .. } = self.program else { return None };
        unit.commands.iter().find_map(|command| kubelet_program(&command.words))
    }

    /// Returns the directory from which the kubelet must read its drop-ins.
    #[must_use]
    pub fn config_directory(&self) -> Option<&Path> {
        self.config.as_ref().map(ConfigCheck::directory)
    }

    /// Returns an error if the unit would execute something else than planned. A unit without a
    /// command cannot start.
    pub fn verify(&self, unit: &LoadedUnit, files: &UnitFiles) -> Result<(), UnitMismatch> {
        let mut files = files.clone();
        for (path, text) in &self.future_files {
            let file = files.environment.iter_mut().find(|(it, _)| it == path);
            if let Some(file) = file {
                file.1.clone_from(text);
            }
        }
        let Some(last) = unit.commands.last() else { return Ok(()) };
        let commands = unit.commands.iter();
        let mut commands = commands.filter(|command| self.starts_program(unit, command, &files));
        let Some(command) = commands.next() else {
            let argument = match self.program {
                Program::Kubelet { .. } => None,
                Program::WithArgument(text) => Some(text),
            };
            let program = last.words.first().cloned().unwrap_or_default();
            let location = location(&files, &["ExecStart"]);
            return Err(self.mismatch(Difference::Program { program, argument, location }));
        };
        self.verify_script(unit, &files)?;
        let arguments = unit.arguments(command, &files.environment);
        let required = self.required.iter().map(|argument| (argument, true));
        let configured = self.configured.iter().map(|argument| (argument, false));
        for (planned, is_required) in required.chain(configured) {
            let Some((flag, values)) = planned.split_once('=') else { continue };
            let effective = effective_values(&arguments, flag);
            if effective.is_empty() && !is_required {
                continue;
            }
            let is_omitted = is_required && !arguments.iter().any(|it| it.text == *planned);
            for (key, value) in pairs(flag, values) {
                let found = effective.get(key);
                if found.is_some_and(|(found, _)| *found == value) {
                    continue;
                }
                let location = match found {
                    Some((_, argument)) if !is_omitted => {
                        variable_location(unit, &files, argument.variable.as_deref())
                    }
                    _ => self.location_of_omission(unit, command, &files),
                };
                return Err(self.mismatch(Difference::Argument {
                    planned: argument(flag, key, value),
                    effective: found.map(|(found, _)| argument(flag, key, found)),
                    location,
                }));
            }
        }
        self.verify_config(unit, &arguments, &files)
    }

    /// Returns an error if the kubelet would read another directory, or other values from it.
    fn verify_config(
        &self,
        unit: &LoadedUnit,
        arguments: &[Argument],
        files: &UnitFiles,
    ) -> Result<(), UnitMismatch> {
        let Some(config) = &self.config else { return Ok(()) };
        let planned = config.directory.display().to_string();
        let effective = effective_values(arguments, CONFIG_DIRECTORY);
        let effective = effective.get("");
        if effective.is_none_or(|(value, _)| *value != planned) {
            let variable = effective.and_then(|(_, argument)| argument.variable.as_deref());
            return Err(self.mismatch(Difference::Argument {
                planned: argument(CONFIG_DIRECTORY, "", &planned),
                effective: effective.map(|(value, _)| argument(CONFIG_DIRECTORY, "", value)),
                location: variable_location(unit, files, variable),
            }));
        }
        match config.wrong_value(&files.config) {
            None => Ok(()),
            Some(WrongValue { planned, effective, file }) => {
                Err(self.mismatch(Difference::Configuration { planned, effective, file }))
            }
        }
    }

    /// Returns an error if the unit starts the kubelet with a script that ignores its arguments, or that
    /// adds other values after them.
    fn verify_script(&self, unit: &LoadedUnit, files: &UnitFiles) -> Result<(), UnitMismatch> {
        let script = || PathBuf::from(self.kubelet_program(unit).unwrap_or_default());
        let commands = match self.script_arguments(files) {
            Some(ScriptArguments::Ignored) => {
                return Err(self.mismatch(Difference::Script { script: script() }));
            }
            Some(ScriptArguments::Passed(commands)) => commands,
            Some(ScriptArguments::Unknown) | None => return Ok(()),
        };
        for words in commands {
            let words = words.into_iter().map(|text| Argument { text, variable: None });
            let added: Vec<Argument> = words.collect();
            for planned in self.required.iter().chain(&self.configured) {
                let Some((flag, values)) = planned.split_once('=') else { continue };
                let effective = effective_values(&added, flag);
                for (key, value) in pairs(flag, values) {
                    let Some((found, _)) = effective.get(key) else { continue };
                    if *found != value {
                        return Err(self.mismatch(Difference::Argument {
                            planned: argument(flag, key, value),
                            effective: Some(argument(flag, key, found)),
                            location: script(),
                        }));
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns what the script that starts the kubelet does with its arguments; `None` if the unit does
    /// not start a script.
    fn script_arguments(&self, files: &UnitFiles) -> Option<ScriptArguments> {
        let Program::Kubelet { variable } = self.program else { return None };
        Some(ScriptArguments::parse(files.script.as_deref()?, variable))
    }

    /// Returns a warning if the unit starts the kubelet with a script, and it is unknown whether the
    /// kubelet gets the planned arguments.
    #[must_use]
    pub fn script_warning(&self, unit: &LoadedUnit, files: &UnitFiles) -> Option<String> {
        if self.script_arguments(files)?.is_certain() {
            return None;
        }
        Some(format!(
            "{} runs the script {}; eni-bootstrap cannot verify that the script passes its arguments to the kubelet, and that nothing after them sets other values",
            self.unit,
            self.kubelet_program(unit).unwrap_or_default()
        ))
    }

    fn mismatch(&self, difference: Difference) -> UnitMismatch {
        UnitMismatch { subject: self.unit, difference, retry: self.retry }
    }

    /// Returns whether the command starts the program that the check requires.
    fn starts_program(
        &self,
        unit: &LoadedUnit,
        command: &LoadedCommand,
        files: &UnitFiles,
    ) -> bool {
        match self.program {
            // Another program may pass its arguments on to the kubelet, but a shell command does not.
            Program::Kubelet { .. } => {
                !matches!(kubelet_word(&command.words), Err(UnitError::Shell(_)))
            }
            Program::WithArgument(text) => unit
                .arguments(command, &files.environment)
                .iter()
                .any(|argument| argument.text.contains(text)),
        }
    }

    /// Returns the file because of which the command does not have the planned arguments.
    fn location_of_omission(
        &self,
        unit: &LoadedUnit,
        command: &LoadedCommand,
        files: &UnitFiles,
    ) -> PathBuf {
        let Program::Kubelet { variable } = self.program else {
            return location(files, &["ExecStart"]);
        };
        let has_variable = command.words.iter().any(|word| *word == format!("${variable}"));
        let is_set = unit.variable(variable, &files.environment).is_some();
        match (has_variable, is_set) {
            (false, _) => location(files, &["ExecStart"]),
            (true, true) => variable_location(unit, files, Some(variable)),
            (true, false) => location(files, &["ExecStart", "EnvironmentFile", "UnsetEnvironment"]),
        }
    }
}

/// Returns the last file of the unit that sets one of `keys`; the unit file if none does.
fn location(files: &UnitFiles, keys: &[&str]) -> PathBuf {
    let sets = |text: &str| keys.iter().any(|key| assigns(text, key));
    let last = files.unit.iter().rev().find(|(_, text)| sets(text));
    last.or(files.unit.first()).map(|(path, _)| path.clone()).unwrap_or_default()
}

/// Returns the file that sets the variable, or without a variable, the file that sets the command.
fn variable_location(unit: &LoadedUnit, files: &UnitFiles, variable: Option<&str>) -> PathBuf {
    let Some(name) = variable else { return location(files, &["ExecStart"]) };
    let in_file = unit.variable(name, &files.environment).and_then(|it| it.file);
    let in_unit = || files.unit.iter().rev().find(|(_, text)| sets_variable(text, name));
    let file = in_file.map(PathBuf::from).or_else(|| in_unit().map(|(path, _)| path.clone()));
    file.unwrap_or_else(|| location(files, &["ExecStart"]))
}

#[cfg(test)]
mod tests;
