//! Whether a script that starts the kubelet passes its arguments on, and which arguments it adds after
//! them.

use super::command::is_shell;
use super::words::words;

/// The commands that only print their arguments.
const PRINTS: [&str; 3] = ["echo", "logger", "printf"];
/// The kubelet flags that eni-bootstrap sets.
const FLAGS: [&str; 3] = ["--kube-reserved", "--max-pods", "--node-labels"];

/// What a script does with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ScriptArguments {
    /// It does not use them.
    Ignored,
    /// It uses them, but perhaps not for the kubelet.
    Unknown,
    /// It passes them to the kubelet, followed by these words for each command that does so.
    Passed(Vec<Vec<String>>),
}

impl ScriptArguments {
    /// Parses a script, which may use the environment variable `variable` instead of its arguments.
    pub(crate) fn parse(script: &str, variable: &str) -> Self {
        let interpreter = script.lines().next().and_then(|line| line.strip_prefix("#!"));
        if !interpreter.is_some_and(|line| line.split_whitespace().any(is_shell)) {
            return Self::Unknown;
        }
        let lines = logical_lines(script);
        let uses: Vec<(&str, &str)> = lines
            .iter()
            .filter_map(|line| Some((line.as_str(), after_last_use(line, variable)?)))
            .collect();
        let starts = uses.iter().filter(|(line, _)| starts_kubelet(line));
        let passed: Vec<_> = starts.map(|(_, rest)| rest_of_command(rest)).collect();
        match (uses.is_empty(), passed.is_empty()) {
            (true, _) => Self::Ignored,
            (false, true) => Self::Unknown,
            (false, false) => Self::Passed(passed),
        }
    }

    /// Returns whether the kubelet gets the arguments of the script, and nothing unknown after them.
    pub(crate) fn is_certain(&self) -> bool {
        let Self::Passed(commands) = self else { return false };
        !commands.iter().flatten().any(|word| is_unknown(word))
    }
}

/// Returns the lines without comments. A line that ends in a backslash continues on the next line.
fn logical_lines(script: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut pending = String::new();
    for line in script.lines() {
        if pending.is_empty() && line.trim_start().starts_with('#') {
            continue;
        }
        if let Some(begun) = line.strip_suffix('\\') {
            pending.push_str(begun);
        } else {
            pending.push_str(line);
            lines.push(std::mem::take(&mut pending));
        }
    }
    lines.push(pending);
    lines
}

/// Returns the text after the last use of all arguments or of the variable; `None` without a use.
fn after_last_use<'a>(line: &'a str, variable: &str) -> Option<&'a str> {
    let is_end = |rest: &str| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_');
    line.match_indices('$').rev().find_map(|(at, _)| {
        let name = &line[at + 1..];
        let bare = name.strip_prefix(['@', '*']);
        let bare = bare.or_else(|| name.strip_prefix(variable).filter(|rest| is_end(rest)));
        let rest = bare.or_else(|| {
            let (name, rest) = name.strip_prefix('{')?.split_once('}')?;
            let is_own = name.strip_prefix(variable).is_some_and(is_end);
            (is_own || name.starts_with(['@', '*'])).then_some(rest)
        })?;
        Some(rest.strip_prefix('"').unwrap_or(rest))
    })
}

/// Returns whether a line starts a program that may be the kubelet.
fn starts_kubelet(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let is_print = words.clone().next().is_some_and(|word| PRINTS.contains(&word));
    !is_print && (line.contains("kubelet") || words.any(|word| word == "exec"))
}

/// Returns the words up to the end of a shell command.
fn rest_of_command(rest: &str) -> Vec<String> {
    let mut command = Vec::new();
    for word in words(rest) {
        if word.starts_with([';', '&', '|', '#', ')']) {
            break;
        }
        let part = word.trim_end_matches([';', ')', '&']);
        let is_last = part.len() < word.len();
        command.push(part.to_owned());
        if is_last {
            break;
        }
    }
    command
}

/// Returns whether a word may set a flag of eni-bootstrap to a value that only the shell knows.
fn is_unknown(word: &str) -> bool {
    let is_replaced = |text: &str| text.trim_start().starts_with(['$', '`']);
    let value = word.split_once('=').filter(|(flag, _)| FLAGS.contains(flag));
    is_replaced(word) || value.is_some_and(|(_, value)| value.split(',').any(is_replaced))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(script: &str) -> ScriptArguments {
        ScriptArguments::parse(&format!("#!/bin/bash\n{script}\n"), "ARGS")
    }

    fn passed(words: &[&str]) -> ScriptArguments {
        ScriptArguments::Passed(vec![words.iter().map(|&it| it.to_owned()).collect()])
    }

    #[test]
    fn a_script_passes_its_arguments_or_a_variable_to_the_kubelet() {
        for (script, later) in [
            ("exec kubelet \"$@\"", &[][..]),
            ("exec \"$KUBELET\" --v=2 \"${@}\"", &[]),
            ("/usr/bin/kubelet $* || exit 1", &[]),
            ("exec kubelet $ARGS --v=2", &["--v=2"]),
            ("exec kubelet \\\n  --v=2 \\\n  \"${ARGS:-}\" \\\n  --x='a b'; exit 1", &["--x=a b"]),
            ("echo \"$@\"\nexec kubelet \"$@\" --a # --b", &["--a"]),
            ("(exec kubelet \"$@\" --a >log 2>&1 )", &["--a", ">log", "2>&1"]),
        ] {
            assert_eq!(parse(script), passed(later), "{script}");
            assert!(parse(script).is_certain(), "{script}");
        }
    }

    #[test]
    fn a_script_that_uses_its_arguments_elsewhere_is_unknown() {
        for script in [
            "logger \"starting kubelet $@\"\nexec kubelet --v=2",
            "flags=(\"$@\")\nexec kubelet \"${flags[@]}\"",
            "log \"$*\"\nkubelet",
            "\"$KUBELET\" \"$@\"",
        ] {
            assert_eq!(parse(script), ScriptArguments::Unknown, "{script}");
            assert!(!parse(script).is_certain(), "{script}");
        }
        let python = ScriptArguments::parse("#!/usr/bin/python3\nimport sys\n", "ARGS");
        assert_eq!(python, ScriptArguments::Unknown);
    }

    #[test]
    fn a_script_without_all_its_arguments_ignores_them() {
        for script in [
            "exec kubelet --v=2",
            "# exec kubelet \"$@\"\nexec kubelet",
            "log() { logger \"$1\" \"${1}\"; }\nexec kubelet",
            "exec kubelet $ARGS_OF_SITE ${ARGS_OF_SITE} $#",
        ] {
            assert_eq!(parse(script), ScriptArguments::Ignored, "{script}");
        }
    }

    #[test]
    fn text_that_the_shell_replaces_after_the_arguments_is_unknown() {
        for (later, is_certain) in [
            ("$EXTRA", false),
            ("\"$(cat flags)\"", false),
            ("--node-labels=$LABELS", false),
            ("--kube-reserved=cpu=1,$RESERVED", false),
            ("--node-labels \"$LABELS\"", false),
            ("--node-ip=$IP", true),
            ("--node-labels=a=1", true),
        ] {
            let script = parse(&format!("exec kubelet \"$@\" {later}"));
            assert_eq!(script.is_certain(), is_certain, "{later}");
        }
    }
}
