//! A unit as systemd has loaded it, parsed from the output of `systemctl show`.

use super::unit_file::{environment_file, words};
use std::path::{Path, PathBuf};

/// The properties that [`LoadedUnit::parse`] reads. systemd omits a property that it does not have,
/// such as `ExecStartEx` before version 243.
pub const PROPERTIES: &str = "LoadState,NeedDaemonReload,FragmentPath,DropInPaths,ExecStart,ExecStartEx,Environment,EnvironmentFiles,UnsetEnvironment";

/// A unit as systemd has loaded it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedUnit {
    /// Whether systemd has found and read the unit.
    pub is_loaded: bool,
    /// Whether files of the unit have changed since systemd read them.
    pub needs_reload: bool,
    /// The unit file, followed by its drop-ins in systemd's order.
    pub files: Vec<PathBuf>,
    /// The paths of the environment files in systemd's order. A file name may contain `*` and `?`.
    pub environment_files: Vec<PathBuf>,
    pub(super) commands: Vec<LoadedCommand>,
    /// The variables of `Environment=`.
    environment: Vec<(String, String)>,
    unset: Vec<String>,
}

/// A command of `ExecStart=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LoadedCommand {
    /// The program and its arguments. systemd shows no quotes, so an argument with a space is
    /// several words.
    pub words: Vec<String>,
    /// Whether systemd replaces variables.
    expands: bool,
}

/// A word of the command line that systemd executes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Argument {
    pub text: String,
    /// The variable that the word comes from; `None` for a word in the command itself.
    pub variable: Option<String>,
}

/// A variable, and the environment file that sets it; `None` for `Environment=`.
pub(super) struct Variable<'a> {
    pub value: String,
    pub file: Option<&'a Path>,
}

impl LoadedUnit {
    /// Parses the output of `systemctl show -p` [`PROPERTIES`]. Returns `None` if the output has no
    /// `LoadState`, which systemd also prints for a unit that does not exist.
    ///
    /// Source: `print_property` in `src/systemctl/systemctl.c`, systemd 219; `print_property` in
    /// `src/systemctl/systemctl-show.c`, systemd 252.
    #[must_use]
    pub fn parse(output: &str) -> Option<Self> {
        let mut unit = Self::default();
        let mut load_state = None;
        let mut unexpanded = Vec::new();
        for (name, value) in output.lines().filter_map(|line| line.split_once('=')) {
            match name {
                "LoadState" => load_state = Some(value),
                "NeedDaemonReload" => unit.needs_reload = value == "yes",
                "FragmentPath" if !value.is_empty() => unit.files.insert(0, value.into()),
                "DropInPaths" => unit.files.extend(words(value).into_iter().map(PathBuf::from)),
                "ExecStart" => unit.commands.extend(command(value)),
                "ExecStartEx" => unexpanded.push(value.contains("no-env-expand")),
                "Environment" => {
                    unit.environment.extend(words(value).iter().filter_map(|it| pair(it)));
                }
                // systemd 219 prints the name of the setting, not of the property.
                "EnvironmentFiles" | "EnvironmentFile" => {
                    let path =
                        value.rsplit_once(" (ignore_errors=").map_or(value, |(path, _)| path);
                    unit.environment_files.push(path.into());
                }
                "UnsetEnvironment" => unit.unset.extend(words(value)),
                _ => {}
            }
        }
        for (command, is_literal) in unit.commands.iter_mut().zip(unexpanded) {
            command.expands = !is_literal;
        }
        unit.is_loaded = load_state? == "loaded";
        Some(unit)
    }

    /// Returns the effective value of a variable. `texts` are the texts of the environment files in
    /// systemd's order.
    pub(super) fn variable<'a>(
        &self,
        name: &str,
        texts: &'a [(PathBuf, String)],
    ) -> Option<Variable<'a>> {
        // systemd removes a variable by its name, or by its name and value.
        let in_file = texts.iter().rev().find_map(|(path, text)| {
            let variables = environment_file(text).into_iter().rev();
            let value = variables.filter(|(it, _)| it == name).map(|(_, value)| value).next()?;
            Some(Variable { value, file: Some(path) })
        });
        let in_unit = || {
            let (_, value) = self.environment.iter().rev().find(|(it, _)| it == name)?;
            Some(Variable { value: value.clone(), file: None })
        };
        let variable = in_file.or_else(in_unit)?;
        let assignment = format!("{name}={}", variable.value);
        (!self.unset.iter().any(|it| it == name || *it == assignment)).then_some(variable)
    }

    /// Returns the arguments of `command` as systemd executes it, with every variable replaced.
    ///
    /// Source: systemd.service(5), "Command lines": `$NAME` as a separate word is split into
    /// words, `${NAME}` is replaced within a word, and `$$` is a dollar sign.
    pub(super) fn arguments(
        &self,
        command: &LoadedCommand,
        texts: &[(PathBuf, String)],
    ) -> Vec<Argument> {
        let mut arguments = Vec::new();
        for word in command.words.iter().skip(1) {
            let bare = word.strip_prefix('$').filter(|name| is_name(name));
            match bare.filter(|_| command.expands) {
                Some(name) => {
                    let value = self.variable(name, texts).map(|it| it.value).unwrap_or_default();
                    let variable = Some(name.to_owned());
                    arguments.extend(
                        words(&value)
                            .into_iter()
                            .map(|text| Argument { text, variable: variable.clone() }),
                    );
                }
                None if command.expands => arguments.push(self.replaced(word, texts)),
                None => arguments.push(Argument { text: word.clone(), variable: None }),
            }
        }
        arguments
    }

    /// Returns the word with the value of each `${NAME}`.
    fn replaced(&self, word: &str, texts: &[(PathBuf, String)]) -> Argument {
        let mut argument = Argument { text: String::new(), variable: None };
        let mut rest = word;
        while let Some((before, after)) = rest.split_once('$') {
            argument.text.push_str(before);
            if let Some(after) = after.strip_prefix('$') {
                argument.text.push('$');
                rest = after;
            } else if let Some((name, after)) =
                after.strip_prefix('{').and_then(|it| it.split_once('}'))
            {
                let value = self.variable(name, texts).map(|it| it.value);
                argument.text.push_str(&value.unwrap_or_default());
                argument.variable = Some(name.to_owned());
                rest = after;
            } else {
                argument.text.push('$');
                rest = after;
            }
        }
        argument.text.push_str(rest);
        argument
    }
}

fn pair(word: &str) -> Option<(String, String)> {
    word.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with(|it: char| it.is_ascii_digit())
        && text.chars().all(|it| it.is_ascii_alphanumeric() || it == '_')
}

/// Parses `{ path=… ; argv[]=… ; ignore_errors=… ; … }`.
fn command(value: &str) -> Option<LoadedCommand> {
    let (path, rest) = value.strip_prefix("{ path=")?.split_once(" ; argv[]=")?;
    let (argv, _) = rest.rsplit_once(" ; ignore_errors=")?;
    // The first word is the name of the process, which may differ from the program.
    let arguments = argv.split_whitespace().skip(1).map(str::to_owned);
    let words = std::iter::once(path.to_owned()).chain(arguments).collect();
    Some(LoadedCommand { words, expands: true })
}

#[cfg(test)]
mod tests;
