//! The commands of `ExecStart=`.

use super::BadUnit;
use super::words::{Quoting, first_word_of_command, is_separator, words};
use std::collections::BTreeMap;

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Whether systemd replaces variables.
    pub expands: bool,
    /// The path of the program.
    pub path: String,
    /// The name of the process and its arguments, before variables are replaced.
    pub words: Vec<String>,
}

impl Command {
    /// Returns the program and its arguments with every variable replaced.
    #[must_use]
    pub fn expand(&self, variables: &BTreeMap<String, String>) -> Vec<String> {
        let mut arguments = vec![self.path.clone()];
        for word in &self.words[1..] {
            let name =
                word.strip_prefix('$').filter(|it| !it.starts_with(['{', '$']) && !it.is_empty());
            match name.filter(|_| self.expands) {
                Some(name) => {
                    let value = variables.get(name).map(String::as_str).unwrap_or_default();
                    arguments.extend(words(value, Quoting::Variable).unwrap_or_default());
                }
                None if self.expands => arguments.push(replaced(word, variables)),
                None => arguments.push(word.clone()),
            }
        }
        arguments
    }
}

/// Returns the word with the value of each `${NAME}`.
///
/// Source: `replace_env_full` without `REPLACE_ENV_ALLOW_BRACELESS`.
fn replaced(word: &str, variables: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut rest = word;
    while let Some((before, after)) = rest.split_once('$') {
        result.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some((name, after)) =
            after.strip_prefix('{').and_then(|it| it.split_once('}'))
        {
            result.push_str(variables.get(name).map(String::as_str).unwrap_or_default());
            rest = after;
        } else {
            result.push('$');
            rest = after;
        }
    }
    result + rest
}

/// Parses the value of `ExecStart=`.
pub fn parse(value: &str) -> Result<Vec<Command>, BadUnit> {
    let mut commands = Vec::new();
    let mut rest = value;
    loop {
        // systemd ignores the line if it cannot read the first word.
        let Some(Some((first, after))) = first_word_of_command(rest) else {
            return Ok(commands);
        };
        rest = after;
        if first == ";" {
            continue;
        }
        let (path, prefixes) = without_prefixes(&first);
        let path = path.replace("%%", "%");
        let is_ignored = prefixes.contains('-');
        let failure = || if is_ignored { None } else { Some(BadUnit) };
        let is_path = path.starts_with('/') || (!path.is_empty() && !path.contains('/'));
        let is_safe =
            !path.contains(|it: char| it.is_ascii_control() || matches!(it, '"' | '\'' | '\\'));
        if !is_path
            || !is_safe
            || path.ends_with(['/'])
            || path.ends_with("/.")
            || path == "."
            || path == ".."
        {
            return failure().map_or(Ok(commands), Err);
        }
        let mut words = Vec::new();
        if !prefixes.contains('@') {
            words.push(path.clone());
        }
        let mut continues = false;
        loop {
            let ends = |rest: &str| rest.is_empty() || rest.starts_with(is_separator);
            if let Some(after) = rest.strip_prefix(';').filter(|it| ends(it)) {
                rest = after.trim_start_matches(is_separator);
                continues = true;
                break;
            }
            if let Some(after) = rest.strip_prefix("\\;").filter(|it| ends(it)) {
                rest = after.trim_start_matches(is_separator);
                words.push(";".to_owned());
                continue;
            }
            match first_word_of_command(rest) {
                None => return failure().map_or(Ok(commands), Err),
                Some(None) => break,
                Some(Some((word, after))) => {
                    // Other specifiers stand for a text that does not depend on eni-bootstrap.
                    words.push(word.replace("%%", "%"));
                    rest = after;
                }
            }
        }
        if words.first().is_none_or(String::is_empty) {
            return failure().map_or(Ok(commands), Err);
        }
        commands.push(Command { expands: !prefixes.contains(':'), path: simplified(&path), words });
        if !continues {
            return Ok(commands);
        }
    }
}

/// Returns the path without the prefixes, and the prefixes. Each may stand once.
fn without_prefixes(word: &str) -> (String, String) {
    let mut prefixes = String::new();
    let mut rest = word;
    while let Some(prefix) = rest.chars().next() {
        let is_again = prefixes.contains(prefix);
        let allowed = match prefix {
            '-' | '@' | ':' => !is_again,
            '+' => !prefixes.contains(['+', '!']),
            // `!!` is one prefix.
            '!' => !prefixes.contains('+') && prefixes.matches('!').count() < 2,
            _ => false,
        };
        if !allowed {
            break;
        }
        prefixes.push(prefix);
        rest = &rest[1..];
    }
    (rest.to_owned(), prefixes)
}

/// Returns the path without repeated slashes and `.` components.
pub(super) fn simplified(path: &str) -> String {
    let parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    let joined = parts.collect::<Vec<_>>().join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}
