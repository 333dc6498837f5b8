//! Kubelet flags in command lines.

/// Returns the values of a flag such as `--node-labels`, in their order: of `--flag=value` and of
/// `--flag value`. Quotes around a word or a value are removed.
///
/// The kubelet reads an underscore in the name of a flag as a dash.
///
/// Source: `WordSepNormalizeFunc`, `staging/src/k8s.io/component-base/cli/flag/flags.go`,
/// kubernetes/kubernetes.
pub(super) fn values<'a>(arguments: &'a str, flag: &str) -> Vec<&'a str> {
    const QUOTES: [char; 2] = ['"', '\''];
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
    fn pairs_are_separated_by_commas() {
        let read = |text: &'static str| pairs(text, '=').collect::<Vec<_>>();
        assert_eq!(read("a=1,,b, c = x=y "), [("a", "1"), ("b", ""), ("c", "x=y")]);
        assert_eq!(read(""), []);
    }
}
