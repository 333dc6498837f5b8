//! Kubelet flags in command lines.

use crate::host::unit_file::{self, environment_file, is_blank};

/// Returns the words of a command line as the kubelet gets them: systemd removes quotes and
/// backslashes, also inside a word. The words of a shell's command are included.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in unit_file::words(text) {
        let is_value = words.last().is_some_and(|last| takes_value(last));
        let is_command =
            !is_value && !word.starts_with('-') && word.trim_matches(is_blank).contains(is_blank);
        if is_command {
            words.extend(self::words(&word));
        } else {
            words.push(word);
        }
    }
    words
}

/// Returns the words of the flags in a `NodeConfig`, as the kubelet gets them: nodeadm writes them to
/// an environment file without quotes.
///
/// Source: `nodeadm/internal/kubelet/environment.go`, awslabs/amazon-eks-ami.
pub(super) fn words_of_node_config(flags: &[String]) -> Vec<String> {
    // The flags of nodeadm itself are before those of the NodeConfig.
    let text = format!("ARGUMENTS=kubelet {}", flags.join(" "));
    let variable = environment_file(&text).into_iter().next();
    variable.map(|(_, value)| words(&value).split_off(1)).unwrap_or_default()
}

/// Returns whether the next word may be the value of this one.
fn takes_value(word: &str) -> bool {
    word.starts_with("--") && !word.contains('=')
}

/// Returns the values of a flag such as `--node-labels`, in their order: of `--flag=value` and of
/// `--flag value`.
///
/// The kubelet reads an underscore in the name of a flag as a dash.
///
/// Source: `WordSepNormalizeFunc`, `staging/src/k8s.io/component-base/cli/flag/flags.go`,
/// kubernetes/kubernetes.
pub(super) fn values<'a>(words: &'a [String], flag: &str) -> Vec<&'a str> {
    let mut words = words.iter().map(String::as_str);
    let mut values = Vec::new();
    while let Some(word) = words.next() {
        let (name, value) = word.split_once('=').map_or((word, None), |(a, b)| (a, Some(b)));
        if name.replace('_', "-") == flag {
            values.extend(value.or_else(|| words.next()));
        }
    }
    values
}

/// Returns the arguments behind the kubelet's program in the words of a command line, or else all of
/// them: the command may be a script, or a part of a command line.
///
/// Before the program, the line has the values of variables that the command does not use.
pub(super) fn behind_program(mut words: Vec<String>) -> Vec<String> {
    let is_program = |(position, word): (usize, &String)| {
        let path = word.trim_matches(['@', '-', ':', '+', '!']);
        let is_value = position.checked_sub(1).is_some_and(|before| takes_value(&words[before]));
        !is_value && !word.starts_with("--") && (path == "kubelet" || path.ends_with("/kubelet"))
    };
    match words.iter().enumerate().position(is_program) {
        Some(program) => words.split_off(program + 1),
        None => words,
    }
}

/// Returns the pairs in a value such as `a=1,b=2`. A key without a value has an empty one.
///
/// Source: `ConfigurationMap`, `configuration_map.go`, same directory.
pub(super) fn pairs(value: &str, separator: char) -> impl Iterator<Item = (&str, &str)> {
    let parts = value.split(',').filter(|part| !part.is_empty());
    parts.map(move |part| {
        let (key, value) = part.split_once(separator).unwrap_or((part, ""));
        (key.trim(), value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_may_occur_repeatedly_in_both_forms() {
        for (arguments, expected) in [
            ("", &[][..]),
            ("--node-labels=a=1 --v=2 --node-labels b=2", &["a=1", "b=2"]),
            ("--node_labels=a=1", &["a=1"]),
            ("'--node-labels=a=1' --node-labels=\"b=2\"", &["a=1", "b=2"]),
            ("/bin/sh -c 'exec kubelet --node-labels=a=1'", &["a=1"]),
            ("--node-labels-x=a=1 --node-labels", &[]),
        ] {
            assert_eq!(values(&words(arguments), "--node-labels"), expected, "{arguments}");
        }
    }

    #[test]
    fn quotes_in_labels_are_removed_as_systemd_does() {
        for (arguments, expected) in [
            ("--node-labels=team=\"blue\",env=\"prod\"", &["team=blue,env=prod"][..]),
            ("--node-labels=\"x=y\",'z=1'", &["x=y,z=1"]),
            ("--node-labels=\"a=b,c=d\"", &["a=b,c=d"]),
            ("--node-labels \"a=1, b=2\"", &["a=1, b=2"]),
            ("/bin/sh -c 'exec kubelet --node-labels=\"a=1\"'", &["a=1"]),
            ("/bin/sh -c \"exec kubelet --node-labels=\\\"a=1\\\"\"", &["a=1"]),
        ] {
            assert_eq!(values(&words(arguments), "--node-labels"), expected, "{arguments}");
        }
        let flags = ["--node-labels=a=\\\"1\\\",b=\"2\"".to_owned(), "--v=2".to_owned()];
        assert_eq!(words_of_node_config(&flags), ["--node-labels=a=1,b=2", "--v=2"]);
        assert_eq!(words_of_node_config(&[]), Vec::<String>::new());
    }

    #[test]
    fn variables_that_the_command_does_not_use_do_not_count() {
        for (line, expected) in [
            ("--v=9 /usr/bin/kubelet --v=2", &["--v=2"][..]),
            ("--root-dir=/var/lib/kubelet -/usr/bin/kubelet --v=2", &["--v=2"]),
            ("/bin/sh -c 'exec kubelet --v=2'", &["--v=2"]),
            ("--v=9 /opt/start.sh", &["--v=9", "/opt/start.sh"]),
            ("--v=9", &["--v=9"]),
        ] {
            assert_eq!(behind_program(words(line)), expected, "{line}");
        }
    }

    #[test]
    fn the_root_directory_is_not_the_program() {
        for (line, expected) in [
            ("--v=9 --root-dir /var/lib/kubelet", &["--v=9", "--root-dir", "/var/lib/kubelet"][..]),
            (
                "--root-dir /var/lib/kubelet /usr/bin/kubelet --v=2 --root-dir /var/lib/kubelet",
                &["--v=2", "--root-dir", "/var/lib/kubelet"],
            ),
            ("--log-file=kubelet kubelet --v=2", &["--v=2"]),
        ] {
            assert_eq!(behind_program(words(line)), expected, "{line}");
        }
    }

    #[test]
    fn pairs_are_separated_by_commas() {
        let read = |text: &'static str| pairs(text, '=').collect::<Vec<_>>();
        assert_eq!(read("a=1,,b, c = x=y "), [("a", "1"), ("b", ""), ("c", "x=y")]);
        assert_eq!(read(""), []);
    }
}
