//! What we need from a systemd unit: the command that it starts, and the arguments that come to it.
//!
//! Source: systemd.syntax(7), systemd.service(5) and systemd.exec(5): an empty assignment clears what
//! came before, a line that ends in a backslash goes on in the next, the later of two variables of one
//! name wins, and one in a file wins over `Environment=`.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Why no command can be taken from a unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// None.
    #[error("it has no ExecStart")]
    NoExecStart,
    /// Several, so "our arguments last" has no meaning.
    #[error("it has {0} ExecStart lines")]
    ManyExecStarts(usize),
}

/// The `ExecStart` in force after `texts`: a unit and its drop-ins, in systemd's order.
pub fn exec_start(texts: &[String]) -> Result<String, UnitError> {
    let mut commands = in_force(texts, "ExecStart");
    match commands.len() {
        0 => Err(UnitError::NoExecStart),
        1 => Ok(commands.remove(0)),
        many => Err(UnitError::ManyExecStarts(many)),
    }
}

/// The files of variables that it reads, in its order.
pub(super) fn environment_files(texts: &[String]) -> Vec<PathBuf> {
    // A dash says that it may be missing.
    let files = in_force(texts, "EnvironmentFile");
    files.iter().map(|file| file.trim_start_matches('-').into()).collect()
}

/// The arguments that `texts` start the kubelet with: its commands, each variable in its place. Those
/// that no command names come first, for what is started may be a script that passes them on.
/// `files` are what stands in files of variables, by their paths.
pub(super) fn arguments(texts: &[String], files: &[(PathBuf, String)]) -> String {
    let assigned = in_force(texts, "Environment");
    let mut assigned: Vec<String> = assigned.iter().flat_map(|it| words(it)).collect();
    for file in environment_files(texts) {
        let text = files.iter().find(|(path, _)| *path == file);
        let lines = text.map(|(_, text)| logical_lines(text)).unwrap_or_default();
        assigned.extend(lines.iter().map(|line| line.replace(['"', '\''], "")));
    }
    let pairs = assigned.iter().filter_map(|it| it.split_once('='));
    let variables: BTreeMap<&str, &str> =
        pairs.map(|(name, value)| (name.trim(), value.trim())).collect();
    let mut command = in_force(texts, "ExecStart").join(" ");
    for (name, value) in variables {
        let put_in = in_place(&command, name, value);
        command = put_in.unwrap_or_else(|| format!("{value} {command}"));
    }
    command
}

/// The command with a variable's value for `$NAME` and `${NAME}`; `None` where it names neither.
fn in_place(command: &str, name: &str, value: &str) -> Option<String> {
    let braced = format!("${{{name}}}");
    let is_bare =
        |word: &str| word.trim_matches(['"', '\'']).strip_prefix('$').is_some_and(|it| it == name);
    let words = command.split_whitespace();
    if !words.clone().any(|word| is_bare(word) || word.contains(&braced)) {
        return None;
    }
    let put_in =
        |word: &str| if is_bare(word) { value.to_owned() } else { word.replace(&braced, value) };
    Some(words.map(put_in).collect::<Vec<_>>().join(" "))
}

/// What `[Service]` assigns to `key`.
fn in_force(texts: &[String], key: &str) -> Vec<String> {
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

/// The words of an assignment, without the quotes that hold them together.
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

/// The lines without comments and empty ones, continued lines joined by one space.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    for line in text.lines().map(str::trim) {
        // A comment inside a continued line is passed over, as systemd does.
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
    fn the_arguments_are_what_is_in_force_and_never_a_comment() {
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
    fn a_unit_without_one_command_is_refused() {
        assert_eq!(of(&["[Service]\nRestart=always\n"]), Err(UnitError::NoExecStart));
        assert_eq!(of(&[AL2, "[Service]\nExecStart=\n"]), Err(UnitError::NoExecStart));
        assert_eq!(
            of(&["[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n"]),
            Err(UnitError::ManyExecStarts(2))
        );
    }
}
