//! Kubelet flags in command lines.

/// Returns the values of a flag such as `--node-labels`, in their order: of `--flag=value` and of
/// `--flag value`. Quotes around a word or a value are removed, also with
/// backslashes.
///
/// The kubelet reads an underscore in the name of a flag as a dash.
///
/// Source: `WordSepNormalizeFunc`, `staging/src/k8s.io/component-base/cli/flag/flags.go`,
/// kubernetes/kubernetes.
pub(super) fn values<'a>(arguments: &'a str, flag: &str) -> Vec<&'a str> {
    const QUOTES: [char; 3] = ['"', '\'', '\\'];
    let mut words = arguments.split_whitespace().map(|word| word.trim_matches(QUOTES));
    let mut values = Vec::new();
    while let Some(word) = words.next() {
        let (name, value) = word.split_once('=').map_or((word, None), |(a, b)| (a, Some(b)));
        if name.replace('_', "-") == flag {
            values.extend(value.map(|value| value.trim_matches(QUOTES)).or_else(|| words.next()));
        }
    }
    values
}

/// Returns the arguments behind the kubelet's program in a command line, or else all of it: the
/// command may be a script, or a part of a command line.
///
/// Before the program, the line has the values of variables that the command does not use.
pub(super) fn behind_program(line: &str) -> &str {
    let is_program = |word: &&str| {
        let path = word.trim_matches(['"', '\'', '@', '-', ':', '+', '!']);
        !word.starts_with("--") && (path == "kubelet" || path.ends_with("/kubelet"))
    };
    let Some(program) = line.split_whitespace().find(is_program) else { return line };
    line.split_once(program).map_or(line, |(_, arguments)| arguments)
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
            assert_eq!(values(arguments, "--node-labels"), expected, "{arguments}");
        }
    }

    #[test]
    fn variables_that_the_command_does_not_use_do_not_count() {
        for (line, expected) in [
            ("--v=9 /usr/bin/kubelet --v=2", " --v=2"),
            ("--root-dir=/var/lib/kubelet -/usr/bin/kubelet --v=2", " --v=2"),
            ("/bin/sh -c 'exec kubelet --v=2'", " --v=2'"),
            ("--v=9 /opt/start.sh", "--v=9 /opt/start.sh"),
            ("--v=9", "--v=9"),
        ] {
            assert_eq!(behind_program(line), expected, "{line}");
        }
    }

    #[test]
    fn pairs_are_separated_by_commas() {
        let read = |text: &'static str| pairs(text, '=').collect::<Vec<_>>();
        assert_eq!(read("a=1,,b, c = x=y "), [("a", "1"), ("b", ""), ("c", "x=y")]);
        assert_eq!(read(""), []);
    }
}
