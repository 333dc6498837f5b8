//! The programs that commands in the documentation call, and whether they accept the arguments.

mod aws;

pub use aws::aws_problems;

use crate::{repository, text_of};
use eni_bootstrap_real_parts::{helm, not_run};
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The folders whose files commands name. Each such path must exist.
const FOLDERS: [&str; 6] = ["ami/", "crates/", "docs/", "examples/", "packaging/", "systemd/"];

/// The built programs of the project, and Helm.
#[derive(Debug)]
pub struct Programs {
    pub eni_bootstrap: PathBuf,
    pub kubectl_eni: PathBuf,
    /// `None` if it is not installed.
    helm: Option<PathBuf>,
    /// The targets of the Makefile.
    targets: Vec<String>,
}

impl Programs {
    /// Returns the programs in the folder of this test. `cargo test --workspace` builds them.
    pub fn find() -> Option<Self> {
        let folder = env::current_exe().unwrap();
        let folder = folder.parent().and_then(Path::parent).unwrap();
        let [eni_bootstrap, kubectl_eni] =
            ["eni-bootstrap", "kubectl-eni"].map(|name| folder.join(name));
        for program in [&eni_bootstrap, &kubectl_eni] {
            if !program.exists() {
                let how = "cargo build --package eni-bootstrap --package kubectl-eni";
                not_run(&program.display().to_string(), how);
                return None;
            }
        }
        Some(Self { eni_bootstrap, kubectl_eni, helm: helm(), targets: targets() })
    }

    /// Splits the words of a command into a program of the project and its arguments.
    pub fn of<'a>(&self, words: &'a [String]) -> Option<(&Path, &'a [String])> {
        let (first, arguments) = words.split_first()?;
        match first.rsplit('/').next()? {
            "eni-bootstrap" => Some((&self.eni_bootstrap, arguments)),
            "kubectl-eni" => Some((&self.kubectl_eni, arguments)),
            "kubectl" if arguments.first()? == "eni" => Some((&self.kubectl_eni, &arguments[1..])),
            _ => None,
        }
    }

    /// Returns why a command does not work as written.
    pub fn problem(&self, words: &[String]) -> Option<String> {
        if let Some(path) = words.iter().find_map(|word| missing_path(word)) {
            return Some(format!("{path} does not exist in the repository"));
        }
        if let Some((program, arguments)) = self.of(words) {
            // The value of a variable that a command sets is unknown.
            let is_known = |message: &String| !message.contains("invalid value '$");
            return help_problem(program, arguments).filter(is_known);
        }
        match (words[0].as_str(), &self.helm) {
            ("make", _) => self.make_problem(&words[1..]),
            // Helm looks up the versions of a chart in a registry, despite --help.
            ("helm", Some(_)) if words.iter().any(|word| word.contains("://")) => None,
            ("helm", Some(helm)) => help_problem(helm, &words[1..]),
            _ => None,
        }
    }

    /// Returns whether the help of a command contains this synopsis, such as `eni-bootstrap run [OPTIONS]`.
    pub fn has_synopsis(&self, line: &str) -> bool {
        let is_name = |word: &&str| word.starts_with(|it: char| it.is_ascii_lowercase());
        let words = line.split(' ').take_while(is_name).map(str::to_owned).collect::<Vec<_>>();
        let Some((program, commands)) = self.of(&words) else { return false };
        let output = Command::new(program).env_clear().args(commands).arg("--help").output();
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        words(&text(&output.unwrap())).contains(&words(line))
    }

    fn make_problem(&self, arguments: &[String]) -> Option<String> {
        let is_target = |word: &&String| !word.starts_with('-') && !word.contains('=');
        let mut unknown = arguments.iter().filter(is_target);
        let unknown = unknown.find(|word| !self.targets.contains(word))?;
        Some(format!("the Makefile has no target {unknown}"))
    }
}

/// Returns the targets of the Makefile.
fn targets() -> Vec<String> {
    let makefile = text_of("Makefile");
    let lines = makefile.lines().filter_map(|line| line.split_once(':'));
    let is_target = |name: &&str| {
        name.bytes().all(|it| it.is_ascii_lowercase() || b"-0123456789".contains(&it))
    };
    lines.map(|(name, _)| name).filter(is_target).map(str::to_owned).collect()
}

/// Returns a path in the repository that a word of a command names, and that does not exist.
fn missing_path(word: &str) -> Option<&str> {
    let path = word.rsplit_once("://").map_or(word, |(_, path)| path);
    let path = path.rsplit_once('=').map_or(path, |(_, path)| path);
    let is_pattern = path.contains(['*', '$', '{', ' ', ':']);
    let is_ours = FOLDERS.iter().any(|folder| path.starts_with(folder)) && !is_pattern;
    (is_ours && !repository(path).exists()).then_some(path)
}

/// Returns the error of a program that parses these arguments. `--help` after them prevents that the command runs. It
/// also ends the parsing, so a missing argument is not an error.
fn help_problem(program: &Path, arguments: &[String]) -> Option<String> {
    let mut command = Command::new(program);
    command.env_clear().env("HOME", "/nonexistent").args(arguments);
    if !arguments.iter().any(|it| matches!(it.as_str(), "--help" | "-h" | "--version" | "help")) {
        command.arg("--help");
    }
    let output = command.output().unwrap();
    (!output.status.success()).then(|| text(&output).trim().to_owned())
}

/// Returns stdout and then stderr of a program.
pub fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

#[test]
fn unknown_flags_commands_targets_and_paths_are_problems() {
    let Some(programs) = Programs::find() else { return };
    let problem = |command: &str| programs.problem(&crate::shell::commands(command)[0]);
    for command in [
        "eni-bootstrap run --eni-config-wait 5m",
        "target/release/eni-bootstrap max-pods --instance-type m5.large",
        "eni-bootstrap --version",
        "kubectl eni nodes --context prod",
        "kubectl eni configs --security-groups \"$security_group\"",
        "kubectl get nodes",
        "make test SIGNING_KEY=key.asc",
        "kubectl apply -f packaging/rbac.yaml",
        "aws s3 cp ami/image-builder/component.yaml s3://my-bucket/docs/none",
    ] {
        assert_eq!(problem(command), None, "{command}");
    }
    assert!(programs.has_synopsis("eni-bootstrap run [OPTIONS]"));
    assert!(programs.has_synopsis("kubectl eni check [OPTIONS]"));
    assert!(!programs.has_synopsis("eni-bootstrap run [FLAGS]"));
    for command in [
        "eni-bootstrap run --eni-config-waits 5m",
        "eni-bootstrap runs",
        "eni-bootstrap run --eni-config-wait five",
        "kubectl eni node",
        "kubectl-eni nodes --contexts prod",
        "make tests",
        "kubectl apply -f packaging/none.yaml",
        "aws iam put-role-policy --policy-document file://packaging/none.json",
    ] {
        assert!(problem(command).is_some(), "{command}");
    }
}
