//! The command of a unit, and whether arguments at its end reach a kubelet.

use super::UnitError;
use super::script::ScriptArguments;
use super::words::{is_blank, words};
use std::path::Path;

/// The prefixes of a command.
///
/// Source: systemd.service(5), table "Special executable prefixes".
const PREFIXES: [char; 5] = ['@', '-', ':', '+', '!'];
/// Shells, which do not pass the arguments after `-c SCRIPT` to the programs that the script starts.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"];

/// The value of `ExecStart=`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Command {
    /// Whether systemd replaces variables: the prefix `:` is missing.
    pub expands: bool,
    /// The program and its arguments, without quotes.
    pub words: Vec<String>,
    /// The value as written in the unit.
    text: String,
}

impl Command {
    /// Parses the value of `ExecStart=`.
    pub(crate) fn parse(text: &str) -> Self {
        let unprefixed = text.trim_start_matches(PREFIXES);
        let prefixes = &text[..text.len() - unprefixed.len()];
        let mut words = words(unprefixed);
        if prefixes.contains('@') && words.len() > 1 {
            // The second word becomes the name of the process.
            words.remove(1);
        }
        Self { expands: !prefixes.contains(':'), words, text: text.to_owned() }
    }

    /// Returns the command in which systemd replaces the variable `name` after the last argument.
    pub(crate) fn with_variable(&self, name: &str) -> String {
        if self.ends_with_variable(name) {
            return self.text.clone();
        }
        if self.expands {
            return format!("{} ${name}", self.text);
        }
        // Without its prefix `:`, systemd would also replace the variables in the command.
        let unprefixed = self.text.trim_start_matches(PREFIXES);
        let prefixes = self.text[..self.text.len() - unprefixed.len()].replace(':', "");
        // systemd does not replace variables in the path of the program.
        let (program, arguments) =
            unprefixed.split_at(unprefixed.find(is_blank).unwrap_or(unprefixed.len()));
        let literal = arguments.replace('$', "$$");
        format!("{prefixes}{program}{literal} ${name}")
    }

    /// Returns whether systemd replaces the variable `name` after the last argument.
    pub(crate) fn ends_with_variable(&self, name: &str) -> bool {
        let last = self.words.last().and_then(|word| word.strip_prefix('$'));
        self.expands && last == Some(name)
    }

    /// Returns the names of the variables that systemd replaces in the command.
    ///
    /// Source: systemd.service(5), "Command lines": `$NAME` as a separate word, and `${NAME}`.
    pub(crate) fn variables(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for word in self.words.iter().filter(|_| self.expands) {
            let bare = word.strip_prefix('$').filter(|name| !name.contains(['$', '{']));
            names.extend(bare);
            let mut rest = word.as_str();
            while let Some((_, after)) = rest.split_once('$') {
                rest = after.strip_prefix('$').unwrap_or(after);
                if let Some((name, end)) =
                    after.strip_prefix('{').and_then(|braced| braced.split_once('}'))
                {
                    names.push(name);
                    rest = end;
                }
            }
        }
        names
    }

    /// Returns an error if arguments at the end of the command do not reach a kubelet. `script` is the
    /// text of [`kubelet_program`] if it is a script, which may use the environment variable `variable`
    /// instead of its arguments.
    pub(crate) fn check(&self, script: Option<&str>, variable: &str) -> Result<(), UnitError> {
        if self.words.iter().any(|word| word == ";") {
            let separators = self.words.iter().filter(|word| *word == ";").count();
            return Err(UnitError::ManyExecStarts(separators + 1));
        }
        let mut expected = words(&self.text);
        expected.push(variable.to_owned());
        if words(&format!("{} {variable}", self.text)) != expected {
            return Err(UnitError::OpenEnd);
        }
        let uses = self.variables().into_iter().filter(|name| *name == variable).count();
        if uses > usize::from(self.ends_with_variable(variable)) {
            return Err(UnitError::VariableNotLast(variable.to_owned()));
        }
        let word = kubelet_word(&self.words);
        match (word, script.map(|script| ScriptArguments::parse(script, variable))) {
            (Ok(_) | Err(UnitError::NotKubelet(_)), Some(ScriptArguments::Ignored)) => {
                let program = kubelet_program(&self.words).unwrap_or_default();
                Err(UnitError::Script(program.to_owned()))
            }
            (Ok(_), _) | (Err(UnitError::NotKubelet(_)), Some(_)) => Ok(()),
            (Err(error), _) => Err(error),
        }
    }
}

/// Returns the word of a command that is the kubelet, or a script that starts it.
///
/// A program before it, such as `nice` or `hyperkube`, passes its arguments on. A script is
/// recognized by its name.
pub(crate) fn kubelet_word(words: &[String]) -> Result<&str, UnitError> {
    let program = words.first().map(String::as_str).unwrap_or_default();
    for (at, word) in words.iter().enumerate() {
        let mut options = words.iter().skip(at + 1).take_while(|it| it.starts_with('-'));
        let takes_text = |option: &String| !option.starts_with("--") && option.ends_with('c');
        if is_shell(word) && options.any(takes_text) {
            return Err(UnitError::Shell(word.clone()));
        }
    }
    let mut named =
        words.iter().skip(usize::from(is_shell(program))).filter(|it| !it.starts_with('-'));
    let script = named.next().filter(|word| file_name(word).contains("kubelet"));
    let kubelet = script.or_else(|| words.iter().find(|word| file_name(word) == "kubelet"));
    let kubelet = kubelet.filter(|word| !word.contains(char::is_whitespace));
    kubelet.map(String::as_str).ok_or_else(|| UnitError::NotKubelet(program.to_owned()))
}

/// Returns the absolute path of the program in a command that is the kubelet, or may be a script that
/// starts it.
pub(crate) fn kubelet_program(words: &[String]) -> Option<&str> {
    let starts_shell = words.first().is_some_and(|program| is_shell(program));
    let mut named = words.iter().skip(usize::from(starts_shell)).filter(|it| !it.starts_with('-'));
    let program = kubelet_word(words).ok().or_else(|| named.next().map(String::as_str));
    program.filter(|path| path.starts_with('/'))
}

fn file_name(word: &str) -> &str {
    Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// Returns whether a word is the name or the path of a shell.
pub(super) fn is_shell(word: &str) -> bool {
    SHELLS.contains(&file_name(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<(), UnitError> {
        Command::parse(text).check(None, "ARGS")
    }

    #[test]
    fn arguments_reach_a_kubelet_directly_or_through_a_program_that_starts_it() {
        for text in [
            "/usr/bin/kubelet --config /etc/x",
            "-/usr/bin/kubelet $KUBELET_ARGS",
            "@/usr/bin/kubelet name --v=2",
            "+!!/usr/bin/kubelet",
            "/usr/bin/nice -n 5 /usr/bin/kubelet --v=2",
            "/usr/bin/env A=1 kubelet",
            "/hyperkube kubelet --v=2",
            "/opt/bin/kubelet-wrapper --v=2",
            "/bin/bash /opt/start-kubelet.sh",
            "/bin/bash -eu /opt/start-kubelet.sh",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_shell_command_does_not_pass_arguments_to_the_kubelet() {
        for (text, program) in [
            ("/bin/sh -c 'exec kubelet $KUBELET_ARGS'", "/bin/sh"),
            ("-/usr/bin/bash -ec \"kubelet\"", "/usr/bin/bash"),
            ("/bin/busybox sh -c kubelet", "sh"),
            ("/usr/bin/nice bash -lc 'kubelet $A'", "bash"),
        ] {
            assert_eq!(check(text), Err(UnitError::Shell(program.to_owned())), "{text}");
        }
        for (text, program) in [
            ("/opt/start --kubelet=/usr/bin/kubelet.sh", "/opt/start"),
            ("/opt/start --config /etc/kubelet-config.json", "/opt/start"),
            ("/usr/bin/containerd", "/usr/bin/containerd"),
            ("/bin/bash -o pipefail -c 'exec kubelet'", "/bin/bash"),
            ("", ""),
        ] {
            assert_eq!(check(text), Err(UnitError::NotKubelet(program.to_owned())), "{text}");
        }
        assert_eq!(check("/bin/true ; /usr/bin/kubelet"), Err(UnitError::ManyExecStarts(2)));
    }

    #[test]
    fn variables_are_words_or_have_braces() {
        for (text, expected) in [
            (
                "/usr/bin/kubelet $A --b=${B}${C} '$D' --e=$E $$F --g=$${G} '${H} ${I}'",
                &["A", "B", "C", "D", "H", "I"][..],
            ),
            (":/usr/bin/kubelet $A", &[]),
        ] {
            assert_eq!(Command::parse(text).variables(), expected, "{text}");
        }
    }

    #[test]
    fn the_variable_may_only_be_the_last_argument() {
        for text in
            ["/usr/bin/kubelet $ARGS", "/usr/bin/kubelet $$ARGS", ":/usr/bin/kubelet ${ARGS}"]
        {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        // Braces make one argument of all arguments in the variable.
        for text in [
            "/usr/bin/kubelet ${ARGS}",
            "/usr/bin/kubelet --v=2 ${ARGS}$MORE $ARGS",
            "/usr/bin/kubelet $ARGS --v=2",
        ] {
            assert_eq!(check(text), Err(UnitError::VariableNotLast("ARGS".to_owned())), "{text}");
        }
    }

    #[test]
    fn a_command_that_ends_in_a_backslash_or_an_open_quote_would_change_the_variable() {
        for text in
            ["/usr/bin/kubelet --v=2\\", "/usr/bin/kubelet '--v=2", "/usr/bin/kubelet \"--v=2\\\\"]
        {
            assert_eq!(check(text), Err(UnitError::OpenEnd), "{text}");
        }
        for text in
            ["/usr/bin/kubelet --v=2\\\\", "/usr/bin/kubelet '--v=2'", "/usr/bin/kubelet \"\\\"\""]
        {
            assert_eq!(check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn a_command_without_expansion_keeps_its_dollar_signs() {
        for (text, expected) in [
            ("-/usr/bin/kubelet $A", "-/usr/bin/kubelet $A $X"),
            ("-:/usr/bin/kubelet $A", "-/usr/bin/kubelet $$A $X"),
            (":/opt/$A/kubelet $A", "/opt/$A/kubelet $$A $X"),
            (":/usr/bin/kubelet", "/usr/bin/kubelet $X"),
            ("/usr/bin/kubelet $A $X", "/usr/bin/kubelet $A $X"),
        ] {
            assert_eq!(Command::parse(text).with_variable("X"), expected);
        }
    }

    #[test]
    fn a_script_with_any_name_may_start_the_kubelet_if_it_passes_its_arguments_on() {
        for (text, program) in [
            ("/opt/start --v=2", "/opt/start"),
            ("/opt/kubelet.sh", "/opt/kubelet.sh"),
            ("-/bin/bash -eu /opt/start", "/opt/start"),
        ] {
            let command = Command::parse(text);
            assert_eq!(kubelet_program(&command.words), Some(program), "{text}");
            assert_eq!(command.check(Some("#!/bin/sh\nexec kubelet \"$@\"\n"), "ARGS"), Ok(()));
            assert_eq!(command.check(Some("#!/bin/sh\nexec kubelet $ARGS\n"), "ARGS"), Ok(()));
            assert_eq!(
                command.check(Some("#!/bin/sh\nexec kubelet\n"), "ARGS"),
                Err(UnitError::Script(program.to_owned()))
            );
        }
    }
}
