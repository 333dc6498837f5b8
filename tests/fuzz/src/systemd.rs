//! A reader of systemd units and environment files that shares no code with eni-bootstrap. It returns the
//! arguments that systemd passes to a program.
//!
//! Source: `config_parse` in `src/shared/conf-parser.c`, `config_parse_exec` and
//! `config_parse_environ` in `src/core/load-fragment.c`, `extract_first_word` in
//! `src/basic/extract-word.c`, `parse_env_file_internal` in `src/basic/env-file.c` and
//! `replace_env_argv` in `src/basic/env-util.c`, systemd 252.

use crate::archive::Archive;
use std::collections::BTreeMap;
use std::path::Path;

mod environment_file;
mod exec_start;
mod lines;
mod words;

pub use environment_file::environment_file;
pub use exec_start::Command;
pub use words::{Quoting, words};

/// The directories of units, the highest precedence first. `/lib` is a link to `/usr/lib` on most systems.
const DIRECTORIES: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// A unit as systemd loads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unit {
    pub commands: Vec<Command>,
    /// The variables of `Environment=`, the last value of each.
    pub environment: Vec<(String, String)>,
    /// The values of `EnvironmentFile=`.
    pub environment_files: Vec<String>,
    pub unset: Vec<String>,
    /// Whether the type of the service allows more than one command.
    pub is_oneshot: bool,
    /// Whether systemd logs an error and ignores the rest of a drop-in.
    pub has_bad_drop_in: bool,
}

/// Why systemd does not start a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadUnit;

impl Unit {
    /// Returns the unit `name` of an image with its drop-ins.
    ///
    /// # Errors
    ///
    /// [`BadUnit`] if systemd would not load the unit file, or would not start the unit.
    pub fn load(image: &Archive, name: &str) -> Result<Self, BadUnit> {
        let fragment =
            DIRECTORIES.iter().find_map(|directory| image.root(&format!("{directory}/{name}")));
        let mut unit = Self::default();
        // An empty file masks the unit.
        unit.read(fragment.filter(|text| !text.is_empty()).ok_or(BadUnit)?)?;
        let mut drop_ins = BTreeMap::new();
        for directory in DIRECTORIES.iter().rev() {
            let directory = format!("{directory}/{name}.d");
            let files = image.directory(&directory).filter(|(file, _)| is_drop_in(file));
            drop_ins.extend(files.map(|(file, text)| (file.to_owned(), text.to_owned())));
        }
        for text in drop_ins.values() {
            // systemd ignores the rest of a drop-in after an error.
            unit.has_bad_drop_in |= unit.read(text).is_err();
        }
        match unit.commands.len() {
            0 => Err(BadUnit),
            1 => Ok(unit),
            _ if unit.is_oneshot => Ok(unit),
            _ => Err(BadUnit),
        }
    }

    /// Reads a unit file or a drop-in.
    fn read(&mut self, text: &str) -> Result<(), BadUnit> {
        let mut section = String::new();
        for line in lines::logical(text)? {
            if let Some(header) = line.strip_prefix('[') {
                let name = header.strip_suffix(']').ok_or(BadUnit)?;
                if name
                    .contains(|it: char| it.is_ascii_control() || matches!(it, '"' | '\'' | '\\'))
                {
                    return Err(BadUnit);
                }
                name.clone_into(&mut section);
                continue;
            }
            let Some((key, value)) = line.split_once('=') else { continue };
            if section == "Service" {
                self.assign(lines::strip(key), lines::strip(value))?;
            }
        }
        Ok(())
    }

    fn assign(&mut self, key: &str, value: &str) -> Result<(), BadUnit> {
        match (key, value) {
            ("ExecStart", "") => self.commands.clear(),
            ("ExecStart", value) => self.commands.extend(exec_start::parse(value)?),
            ("Environment", "") => self.environment.clear(),
            ("Environment", value) => {
                for word in words::accepted_words(value) {
                    if let Some((name, value)) = word.split_once('=').filter(is_variable) {
                        self.environment.retain(|(it, _)| it != name);
                        self.environment.push((name.to_owned(), value.to_owned()));
                    }
                }
            }
            ("UnsetEnvironment", "") => self.unset.clear(),
            ("UnsetEnvironment", value) => self.unset.extend(words::accepted_words(value)),
            ("EnvironmentFile", "") => self.environment_files.clear(),
            ("EnvironmentFile", value)
                if value.strip_prefix('-').unwrap_or(value).starts_with('/') =>
            {
                let (dash, path) = value.split_at(usize::from(value.starts_with('-')));
                self.environment_files.push(dash.to_owned() + &exec_start::simplified(path));
            }
            ("Type", value) => self.is_oneshot = value == "oneshot",
            _ => {}
        }
        Ok(())
    }

    /// Returns the environment variables of the unit. A file takes precedence over `Environment=`.
    ///
    /// # Errors
    ///
    /// [`BadUnit`] if systemd rejects a required file, or if its versions read a file differently. A missing file counts as empty: another program
    /// may write it later.
    pub fn variables(&self, image: &Archive) -> Result<BTreeMap<String, String>, BadUnit> {
        let mut all: BTreeMap<String, String> = self.environment.iter().cloned().collect();
        for file in &self.environment_files {
            let path = file.strip_prefix('-').unwrap_or(file);
            let text = image.root(path).unwrap_or_default();
            if environment_file::depends_on_version(text) {
                return Err(BadUnit);
            }
            let pairs = environment_file(text);
            // systemd rejects a file with other bytes than UTF-8, or with a zero byte.
            let is_text = |text: &str| !text.contains(|it| ('\u{f780}'..='\u{f7ff}').contains(&it));
            let is_valid = pairs.iter().all(|(name, value)| is_text(name) && is_text(value))
                && !image.root(path).is_some_and(|text| text.contains('\0'));
            if !is_valid && path == file {
                return Err(BadUnit);
            }
            let pairs = pairs.into_iter().filter(|_| is_valid);
            all.extend(pairs.filter(|(name, value)| is_variable(&(name, value))));
        }
        let is_unset = |name: &str, value: &str| {
            self.unset.iter().any(|it| it == name || *it == format!("{name}={value}"))
        };
        all.retain(|name, value| !is_unset(name, value));
        Ok(all)
    }

    /// Returns the program and the arguments of each command.
    ///
    /// # Errors
    ///
    /// [`BadUnit`] if systemd would not start the unit.
    pub fn arguments(&self, image: &Archive) -> Result<Vec<Vec<String>>, BadUnit> {
        let variables = self.variables(image)?;
        Ok(self.commands.iter().map(|command| command.expand(&variables)).collect())
    }
}

fn is_drop_in(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|it| it == "conf") && !name.starts_with('.')
}

/// Returns whether this is the name of an environment variable.
fn is_name(text: &str) -> bool {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    !text.is_empty() && !text.as_bytes()[0].is_ascii_digit() && text.bytes().all(is_plain)
}

/// Returns whether this is a name and a value that systemd accepts.
#[must_use]
pub fn is_variable((name, value): &(&str, &str)) -> bool {
    is_name(name) && !value.contains(|it: char| it.is_ascii_control() && !matches!(it, '\t' | '\n'))
}
