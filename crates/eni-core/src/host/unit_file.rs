//! systemd units: their paths, and the effective settings after all drop-ins.
//!
//! Source: systemd.syntax(7), systemd.service(5) and systemd.exec(5). An empty assignment resets
//! the setting. A line that ends in a backslash continues on the next line. Of two variables with
//! one name the later one takes precedence, and one from a file takes precedence over
//! `Environment=`.

mod command;
mod script;
mod unit_error;
mod words;

pub use unit_error::UnitError;

pub(crate) use command::{Command, kubelet_program, kubelet_word};
pub(crate) use script::ScriptArguments;
pub(crate) use words::{accepts_assignments, environment_file, is_blank, is_variable, words};

use self::words::words_of_setting;
use super::{Image, Read, file_text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The directories that systemd loads units from, the highest precedence first.
///
/// Source: systemd.unit(5), "Unit File Load Path".
const DIRECTORIES: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The characters that end a line of a unit.
const LINE_ENDS: [char; 3] = ['\n', '\r', '\0'];
/// systemd ignores the first one at the start of a line.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Returns the paths at which systemd looks for a unit, the highest precedence first.
pub(super) fn paths(unit: &str) -> Vec<PathBuf> {
    DIRECTORIES.iter().map(|directory| Path::new(directory).join(unit)).collect()
}

/// Returns the requests for the drop-ins of a unit.
pub(super) fn drop_in_reads(unit: &str) -> impl Iterator<Item = Read> {
    drop_in_directories(unit).map(|path| Read::Directory { path, extensions: &["conf"] })
}

fn drop_in_directories(unit: &str) -> impl Iterator<Item = PathBuf> {
    DIRECTORIES.iter().map(move |directory| Path::new(directory).join(format!("{unit}.d")))
}

/// Returns the paths and the texts of a unit's drop-ins in systemd's order, which is by name. Of
/// two drop-ins with one name, systemd reads the one in the directory of higher precedence.
pub(super) fn drop_ins(image: &Image, unit: &str) -> Vec<(PathBuf, String)> {
    let mut drop_ins: BTreeMap<String, (PathBuf, String)> = BTreeMap::new();
    let directories: Vec<PathBuf> = drop_in_directories(unit).collect();
    for directory in directories.iter().rev() {
        for (name, text) in image.directory(directory) {
            // systemd ignores other extensions, compares them case-sensitively, and ignores hidden files.
            let is_drop_in = Path::new(name).extension().is_some_and(|it| it == "conf");
            if is_drop_in && !name.starts_with('.') {
                drop_ins.insert(name.to_owned(), (directory.join(name), text.to_owned()));
            }
        }
    }
    drop_ins.into_values().collect()
}

/// Returns the effective `ExecStart` of a unit. `texts` are the unit and its drop-ins in systemd's
/// order.
pub(super) fn exec_start(texts: &[String]) -> Result<Command, UnitError> {
    match &effective(texts, "ExecStart")[..] {
        [] => Err(UnitError::NoExecStart),
        [command] => Ok(Command::parse(command)),
        commands => Err(UnitError::ManyExecStarts(commands.len())),
    }
}

/// Returns whether this text of a unit or a drop-in has an assignment to `key`.
pub(crate) fn assigns(text: &str, key: &str) -> bool {
    assignments(text, key).next().is_some()
}

/// Returns whether this text of a unit or a drop-in sets the environment variable `name`.
pub(crate) fn sets_variable(text: &str, name: &str) -> bool {
    let mut words = assignments(text, "Environment").flat_map(|value| words_of_setting(&value));
    words.any(|word| word.split_once('=').is_some_and(|(variable, _)| variable == name))
}

/// Returns the paths of the environment files that the unit reads, in its order.
pub(super) fn environment_files(texts: &[String]) -> Vec<PathBuf> {
    // A dash marks a file that may be missing.
    let files = effective(texts, "EnvironmentFile");
    files.iter().map(|file| file.trim_start_matches('-').into()).collect()
}

/// Returns the environment variables of the unit. `files` are the texts of environment files by
/// path.
pub(super) fn environment(
    texts: &[String],
    files: &[(PathBuf, String)],
) -> BTreeMap<String, String> {
    let words = effective(texts, "Environment");
    let words = words.into_iter().flat_map(|value| words_of_setting(&value));
    let mut variables: BTreeMap<String, String> = words
        .filter_map(|word| word.split_once('=').map(|(name, value)| (name.into(), value.into())))
        .filter(|(name, value): &(String, String)| is_variable(name, value))
        .collect();
    for file in environment_files(texts) {
        let text = files.iter().find(|(path, _)| *path == file);
        variables.extend(text.map(|(_, text)| environment_file(text)).unwrap_or_default());
    }
    variables
}

/// Returns the command lines of a unit with every variable replaced by its value.
///
/// The value of a variable that no command contains comes first, because the command may be a
/// script that passes the variable on. `files` are the texts of environment files by path.
pub(super) fn arguments(texts: &[String], files: &[(PathBuf, String)]) -> String {
    let mut command = effective(texts, "ExecStart").join(" ");
    for (name, value) in environment(texts, files) {
        let value = with_closed_quotes(value);
        let expanded = expand(&command, &name, &value);
        command = expanded.unwrap_or_else(|| format!("{value} {command}"));
    }
    command
}

/// Returns the value with its quotes escaped if one of them is not closed: it must not change how the
/// rest of the command line is split into words.
fn with_closed_quotes(value: String) -> String {
    if words(&format!("{value} end")).last().is_some_and(|last| last == "end") {
        return value;
    }
    let escaped = |it: char| {
        let is_special = matches!(it, '"' | '\'' | '\\');
        is_special.then_some('\\').into_iter().chain(std::iter::once(it))
    };
    value.chars().flat_map(escaped).collect()
}

/// Returns the command with a variable's value in place of `$NAME` and `${NAME}`; `None` if the
/// command contains neither.
fn expand(command: &str, name: &str, value: &str) -> Option<String> {
    let braced = format!("${{{name}}}");
    let is_bare =
        |word: &str| word.trim_matches(['"', '\'']).strip_prefix('$').is_some_and(|it| it == name);
    let words = command.split_whitespace();
    if !words.clone().any(|word| is_bare(word) || word.contains(&braced)) {
        return None;
    }
    let replace =
        |word: &str| if is_bare(word) { value.to_owned() } else { word.replace(&braced, value) };
    Some(words.map(replace).collect::<Vec<_>>().join(" "))
}

/// Returns the effective values of `key` in `[Service]`.
fn effective(texts: &[String], key: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    for value in texts.iter().flat_map(|text| assignments(text, key)) {
        match value.as_str() {
            "" => values.clear(),
            _ => values.push(value),
        }
    }
    values
}

/// Returns the values that a text assigns to `key` in `[Service]`, including the empty ones.
///
/// Source: `parse_line` in `src/shared/conf-parser.c`, systemd.
fn assignments(text: &str, key: &str) -> impl Iterator<Item = String> {
    let mut section = String::new();
    // systemd ignores the rest of the text after a bad header.
    let lines = logical_lines(text).into_iter().take_while(|line| !is_bad_header(line));
    lines.filter_map(move |line| {
        if line.starts_with('[') {
            section = line;
            return None;
        }
        let (name, value) = line.split_once('=')?;
        (section == "[Service]" && name.trim_matches(is_blank) == key)
            .then(|| value.trim_matches(is_blank).to_owned())
    })
}

/// Returns whether a line starts like the header of a section, but is not one.
fn is_bad_header(line: &str) -> bool {
    let is_unsafe = |it: char| it.is_ascii_control() || matches!(it, '"' | '\'' | '\\');
    let name = line.strip_prefix('[').map(|rest| rest.strip_suffix(']'));
    name.is_some_and(|name| name.is_none_or(|name| name.contains(is_unsafe)))
}

/// Returns the lines without comments and empty lines. Continued lines are joined.
///
/// Source: `config_parse` in `src/shared/conf-parser.c`, systemd.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    let mut has_mark = false;
    for line in physical_lines(text) {
        // systemd also skips a comment inside a continued line.
        if line.trim_start_matches(is_blank).starts_with(['#', ';']) {
            continue;
        }
        let marked = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| !has_mark);
        has_mark |= marked.is_some();
        let line = marked.unwrap_or(line);
        pending.push_str(line);
        // Of two backslashes, the first one escapes the second one. A blank after a backslash is escaped, too.
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            pending.pop();
            pending.push(' ');
        } else {
            lines.push(std::mem::take(&mut pending));
        }
    }
    lines.push(pending);
    let lines = lines.iter().map(|line| line.trim_matches(is_blank));
    // systemd ignores a line that is not UTF-8.
    let lines = lines.filter(|line| !line.is_empty() && !file_text::has_escapes(line));
    lines.map(with_single_blanks).collect()
}

/// Returns the lines without their ends. A line ends at a newline, a carriage return or a zero byte. Different
/// ones of these characters in a row are one line end, and a zero byte is the last one of them.
///
/// Source: `read_line_full` in `src/basic/fileio.c`, systemd.
fn physical_lines(text: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some((line, from_end)) = rest.find(LINE_ENDS).map(|at| rest.split_at(at)) {
        let mut end = String::new();
        for character in from_end.chars().take(LINE_ENDS.len()) {
            let is_next = LINE_ENDS.contains(&character) && !end.contains(['\0', character]);
            if !is_next {
                break;
            }
            end.push(character);
        }
        lines.push(line);
        rest = &from_end[end.len()..];
    }
    lines.push(rest);
    lines
}

/// Returns a line with one blank between words, unless the line contains quotes or escapes.
fn with_single_blanks(line: &str) -> String {
    if line.contains(['"', '\'', '\\']) {
        return line.to_owned();
    }
    line.split(is_blank).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
