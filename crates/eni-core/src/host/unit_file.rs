//! systemd units: their paths, and the effective settings after all drop-ins.
//!
//! Source: systemd.syntax(7), systemd.service(5) and systemd.exec(5). An empty assignment resets
//! the setting. A line that ends in a backslash continues on the next line. Of two variables with
//! one name the later one takes precedence, and one from a file takes precedence over
//! `Environment=`.

use super::{Image, Read};
use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
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

/// Returns the names and the texts of a unit's drop-ins in systemd's order, which is by name. Of
/// two drop-ins with one name, systemd reads the one in the directory of higher precedence.
pub(super) fn drop_ins(image: &Image, unit: &str) -> Vec<(String, String)> {
    let mut drop_ins: BTreeMap<String, String> = BTreeMap::new();
    let directories: Vec<PathBuf> = drop_in_directories(unit).collect();
    for directory in directories.iter().rev() {
        for (name, text) in image.directory(directory) {
            // systemd ignores other extensions, and compares them case-sensitively.
            if Path::new(name).extension().is_some_and(|extension| extension == "conf") {
                drop_ins.insert(name.to_owned(), text.to_owned());
            }
        }
    }
    drop_ins.into_iter().collect()
}

/// Returns the paths and the texts of a unit's drop-ins, in the same order as [`drop_ins`].
pub(super) fn drop_in_files(image: &Image, unit: &str) -> Vec<(PathBuf, String)> {
    let files = drop_ins(image, unit).into_iter().filter_map(|(name, text)| {
        let mut paths = drop_in_directories(unit).map(|directory| directory.join(&name));
        paths.find(|path| image.file(path).is_some()).map(|path| (path, text))
    });
    files.collect()
}

/// Why no arguments can be added to a unit's command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The unit has no command.
    #[error("kubelet.service has no ExecStart= line")]
    NoExecStart,
    /// The unit has several commands, and the kubelet's is unknown.
    #[error("kubelet.service has {0} ExecStart= lines; expected one")]
    ManyExecStarts(usize),
}

impl Advice for UnitError {
    fn help(&self) -> Cow<'static, str> {
        "run `systemctl cat kubelet.service`, and correct the unit so that it has exactly one ExecStart= line".into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}

/// Returns the effective `ExecStart` of a unit. `texts` are the unit and its drop-ins in systemd's
/// order.
pub(super) fn exec_start(texts: &[String]) -> Result<String, UnitError> {
    let mut commands = effective(texts, "ExecStart");
    match commands.len() {
        0 => Err(UnitError::NoExecStart),
        1 => Ok(commands.remove(0)),
        many => Err(UnitError::ManyExecStarts(many)),
    }
}

/// Returns the paths of the environment files that the unit reads, in its order.
pub(super) fn environment_files(texts: &[String]) -> Vec<PathBuf> {
    // A dash marks a file that may be missing.
    let files = effective(texts, "EnvironmentFile");
    files.iter().map(|file| file.trim_start_matches('-').into()).collect()
}

/// Returns the command lines of a unit with every variable replaced by its value.
///
/// The value of a variable that no command contains comes first, because the command may be a
/// script that passes the variable on. `files` are the texts of environment files by path.
pub(super) fn arguments(texts: &[String], files: &[(PathBuf, String)]) -> String {
    let assigned = effective(texts, "Environment");
    let mut assigned: Vec<String> = assigned.iter().flat_map(|it| words(it)).collect();
    for file in environment_files(texts) {
        let text = files.iter().find(|(path, _)| *path == file);
        let lines = text.map(|(_, text)| logical_lines(text)).unwrap_or_default();
        assigned.extend(lines.iter().map(|line| line.replace(['"', '\''], "")));
    }
    let pairs = assigned.iter().filter_map(|it| it.split_once('='));
    let variables: BTreeMap<&str, &str> =
        pairs.map(|(name, value)| (name.trim(), value.trim())).collect();
    let mut command = effective(texts, "ExecStart").join(" ");
    for (name, value) in variables {
        let expanded = expand(&command, name, value);
        command = expanded.unwrap_or_else(|| format!("{value} {command}"));
    }
    command
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
    for text in texts {
        let mut section = String::new();
        for line in logical_lines(text) {
            if line.starts_with('[') {
                section.clone_from(&line);
            } else if section == "[Service]"
                && let Some((name, value)) = line.split_once('=')
                && name.trim_end() == key
            {
                match value.trim() {
                    "" => values.clear(),
                    value => values.push(value.to_owned()),
                }
            }
        }
    }
    values
}

/// Returns the words of an assignment without their quotes.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (String::new(), None);
    for character in text.chars() {
        match quote {
            Some(open) if open == character => quote = None,
            None if matches!(character, '"' | '\'') => quote = Some(character),
            None if character.is_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    words.push(word);
    words
}

/// Returns the lines without comments and empty lines. Continued lines are joined by one space.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    for line in text.lines().map(str::trim) {
        // systemd also skips a comment inside a continued line.
        if line.starts_with(['#', ';']) || (line.is_empty() && pending.is_empty()) {
            continue;
        }
        if let Some(begun) = line.strip_suffix('\\') {
            pending.push_str(begun.trim_end());
            pending.push(' ');
        } else {
            pending.push_str(line);
            lines.push(std::mem::take(&mut pending));
        }
    }
    if !pending.is_empty() {
        lines.push(pending.trim_end().to_owned());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Result<String, UnitError> {
        exec_start(&texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>())
    }

    const AL2: &str = "[Unit]
ExecStart=not here
[Service]
# ExecStart=/nor/here
ExecStartPre=/sbin/iptables -P FORWARD ACCEPT -w 5
ExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \\
    --kubeconfig /var/lib/kubelet/kubeconfig \\
    $KUBELET_ARGS $KUBELET_EXTRA_ARGS

Restart=on-failure
";

    #[test]
    fn a_continued_command_is_one_line() {
        assert_eq!(
            of(&[AL2]).unwrap(),
            "/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \
             --kubeconfig /var/lib/kubelet/kubeconfig $KUBELET_ARGS $KUBELET_EXTRA_ARGS"
        );
    }

    #[test]
    fn a_later_drop_in_replaces_the_command() {
        let drop_in = "[Service]\nExecStart=\nExecStart = /opt/kubelet $MORE\n";
        assert_eq!(of(&[AL2, drop_in]).unwrap(), "/opt/kubelet $MORE");
    }

    #[test]
    fn only_effective_assignments_count_and_no_comment() {
        let texts = |drop_in: &str| [AL2.to_owned(), drop_in.to_owned()];
        let begins = "/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \
                      --kubeconfig /var/lib/kubelet/kubeconfig";
        for (drop_in, expected) in [
            ("# --max-pods=17 was too low", "$KUBELET_ARGS $KUBELET_EXTRA_ARGS"),
            (
                "[Service]\nEnvironment='KUBELET_EXTRA_ARGS=--v=2 --x' \"KUBELET_ARGS=--a\"",
                "--a --v=2 --x",
            ),
            (
                "[Service]\nEnvironment=KUBELET_ARGS=--a\nEnvironment=\nEnvironment=KUBELET_EXTRA_ARGS=--b",
                "$KUBELET_ARGS --b",
            ),
            (
                "[Service]\nEnvironmentFile=-/etc/default/kubelet\nEnvironment=KUBELET_ARGS=--a",
                "--of-file --v=4",
            ),
        ] {
            let file =
                "# KUBELET_ARGS=--comment\nKUBELET_ARGS=--of-file\nKUBELET_EXTRA_ARGS=\"--v=4\"\n";
            let files = [("/etc/default/kubelet".into(), file.to_owned())];
            assert_eq!(arguments(&texts(drop_in), &files), format!("{begins} {expected}"));
        }
        let cleared =
            "[Service]\nEnvironment=UNUSED=--u X=x\nExecStart=\nExecStart=/opt/it ${X}y $X $XY\n";
        assert_eq!(arguments(&texts(cleared), &[]), "--u /opt/it xy x $XY");
        assert_eq!(arguments(&[], &[]), "");
    }

    #[test]
    fn a_unit_without_exactly_one_command_is_rejected() {
        assert_eq!(of(&["[Service]\nRestart=always\n"]), Err(UnitError::NoExecStart));
        assert_eq!(of(&[AL2, "[Service]\nExecStart=\n"]), Err(UnitError::NoExecStart));
        assert_eq!(
            of(&["[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n"]),
            Err(UnitError::ManyExecStarts(2))
        );
    }
}
