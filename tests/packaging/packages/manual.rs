//! The man pages, the completions and the third-party notices, checked with the programs that read them.

use crate::support::manual::{notices, write_manual};
use crate::support::real_parts::program;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Returns a temporary folder with the man pages, completions and notices.
fn manual() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_manual(folder.path());
    folder
}

/// Runs a program on a file. Returns its exit status in the first line, then its stdout and stderr.
fn run(program: &Path, arguments: &[&str], file: &Path) -> String {
    let output = Command::new(program).args(arguments).arg(file).output().unwrap();
    let status = output.status.code().unwrap();
    format!("{status}\n{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()))
}

#[test]
fn every_command_has_a_man_page_without_formatter_warnings() {
    let (Some(groff), Some(mandoc)) = (program("groff", "groff-base"), program("mandoc", "mandoc"))
    else {
        return;
    };
    let folder = manual();
    let pages = |folder: &Path| -> Vec<PathBuf> {
        let pages = glob::glob(folder.join("*.1").to_str().unwrap()).unwrap();
        pages.map(Result::unwrap).collect()
    };
    let own = pages(folder.path());
    let of_plugin = pages(&folder.path().join("plugin"));
    for (pages, command, program) in [
        (&own, eni_bootstrap::cli::command_line(), "eni-bootstrap"),
        (&of_plugin, kubectl_eni::cli::command_line(), "kubectl-eni"),
    ] {
        let names: Vec<_> =
            pages.iter().map(|page| page.file_stem().unwrap().to_str().unwrap()).collect();
        let mut expected = pages_of(&command, program);
        expected.sort_by_key(|name| format!("{name}.1"));
        assert_eq!(names, expected);
    }
    for page in own.into_iter().chain(of_plugin) {
        // -z suppresses the formatted output; -ww enables all warnings.
        assert_eq!(run(&groff, &["-man", "-ww", "-z", "-Kutf8", "-Tutf8"], &page), "0\n");
        assert_eq!(run(&mandoc, &["-Tlint", "-Wwarning"], &page), "0\n");
    }
}

/// Returns the names of the man pages of a command and of its subcommands.
fn pages_of(command: &clap::Command, name: &str) -> Vec<String> {
    let subcommands = command.get_subcommands();
    let below = subcommands.flat_map(|it| pages_of(it, &format!("{name}-{}", it.get_name())));
    [name.to_owned()].into_iter().chain(below).collect()
}

#[test]
fn man_page_has_the_expected_sections() {
    let Some(mandoc) = program("mandoc", "mandoc") else { return };
    let folder = manual();
    let file = folder.path().join("plugin/kubectl-eni-limits-show.1");
    let page = run(&mandoc, &["-Tascii"], &file);
    // mandoc prints bold and underlined text by overstriking.
    let plain = without_overstrikes(&page);
    let head = "0
KUBECTL-ENI-LIMITS-SHOW(1)       eni-bootstrap      KUBECTL-ENI-LIMITS-SHOW(1)

NAME
       kubectl-eni-limits-show - Print the limits of known instance types,
       without calling EC2

SYNOPSIS
       kubectl eni limits show [OPTIONS] [PATTERN]...

DESCRIPTION
       Print the limits of known instance types, without calling EC2

OPTIONS
       --table <FILE>
";
    assert!(plain.starts_with(head), "{plain}");
    let tail = format!(
        "
EXAMPLES
           kubectl eni limits show 'm7g.*'

EXIT STATUS
       0      success

       64     invalid command line

       65     invalid user data, metadata, API response or file

       69     a required service is unreachable

       73     failed to read, write or lock a file

       75     timed out waiting for the CNI configuration or the ENIConfig

       77     permission denied by Kubernetes RBAC or AWS IAM, or no AWS
              credentials

       78     invalid settings, or settings that do not match the instance or
              cluster

       79     the subnet for pods is full, and eni-config.on-full-subnet ends
              the wait

SEE ALSO
       kubectl-eni-limits(1), kubectl(1)

eni-bootstrap {}               2026-01-01        KUBECTL-ENI-LIMITS-SHOW(1)
",
        env!("CARGO_PKG_VERSION")
    );
    assert!(plain.ends_with(&tail), "{plain}");
    let run = without_overstrikes(&run(
        &mandoc,
        &["-Tascii"],
        &folder.path().join("eni-bootstrap-run.1"),
    ));
    for part in [
        "FILES\n       /usr/lib/eni-bootstrap/50-defaults.toml\n",
        "\n       0      success; for run: the node is ready for the kubelet\n",
    ] {
        assert!(run.contains(part), "{part}: {run}");
    }
}

/// Removes overstruck characters.
fn without_overstrikes(text: &str) -> String {
    let mut plain: Vec<char> = Vec::new();
    for character in text.chars() {
        if character == '\u{8}' {
            plain.pop();
        } else {
            plain.push(character);
        }
    }
    plain.into_iter().collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    let Some(bash) = program("bash", "bash") else { return };
    let folder = manual();
    let script = r#"
        source "$1"
        complete -p eni-bootstrap | grep -o -- '-F [^ ]*'
        COMP_WORDS=(eni-bootstrap un) COMP_CWORD=1
        _eni__bootstrap eni-bootstrap un eni-bootstrap; echo "${COMPREPLY[@]}"
        COMP_WORDS=(eni-bootstrap max-pods --inst) COMP_CWORD=2
        _eni__bootstrap eni-bootstrap --inst max-pods; echo "${COMPREPLY[@]}"
    "#;
    assert_eq!(
        run(&bash, &["--norc", "-c", script, "bash"], &folder.path().join("eni-bootstrap")),
        "0\n-F _eni__bootstrap\nundo\n--instance-type --instance-type-from-imds\n"
    );
    let script = r#"
        source "$1"
        complete -p kubectl-eni | grep -o -- '-F [^ ]*'
        COMP_WORDS=(kubectl-eni max) COMP_CWORD=1
        _kubectl__eni kubectl-eni max kubectl-eni; echo "${COMPREPLY[@]}"
        COMP_WORDS=(kubectl-eni limits refresh --outp) COMP_CWORD=3
        _kubectl__eni kubectl-eni --outp refresh; echo "${COMPREPLY[@]}"
    "#;
    let plugin = folder.path().join("plugin/kubectl-eni");
    assert_eq!(
        run(&bash, &["--norc", "-c", script, "bash"], &plugin),
        "0\n-F _kubectl__eni\nmax-pods\n--output\n"
    );
}

#[test]
fn kubectl_completes_the_plugin() {
    let Some(bash) = program("bash", "bash") else { return };
    let folder = manual();
    let script = folder.path().join("plugin/kubectl_complete-eni");
    assert!(fs::read_to_string(&script).unwrap().starts_with("#!/bin/bash\n"));
    // kubectl passes the words after `kubectl eni`; the last one is the word to complete.
    let complete = |words: &[&str]| {
        let output = Command::new(&bash).arg(&script).args(words).output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(complete(&["ch"]), "check\n:4\n");
    assert_eq!(complete(&["limits", ""]).lines().next_back(), Some(":4"));
    assert_eq!(complete(&["limits", "refresh", "--outp"]), "--output\n:4\n");
    assert_eq!(complete(&["configs", "--no-such-flag"]), ":4\n");
    let commands = complete(&[""]);
    for command in kubectl_eni::cli::command_line().get_subcommands() {
        assert!(commands.lines().any(|line| line == command.get_name()), "{commands}");
    }
}

#[test]
fn zsh_and_fish_completions_are_valid() {
    let folder = manual();
    for (shell, file) in [
        ("zsh", "_eni-bootstrap"),
        ("fish", "eni-bootstrap.fish"),
        ("zsh", "plugin/_kubectl-eni"),
        ("fish", "plugin/kubectl-eni.fish"),
    ] {
        let Some(program) = program(shell, shell) else { return };
        assert_eq!(run(&program, &["-n"], &folder.path().join(file)), "0\n", "{shell}");
    }
    let Some(fish) = program("fish", "fish") else { return };
    let script =
        "source $argv[1]; complete --do-complete 'eni-bootstrap und' | string split -f1 \\t";
    let completed =
        run(&fish, &["--no-config", "-c", script], &folder.path().join("eni-bootstrap.fish"));
    assert_eq!(completed, "0\nundo\n");
}

#[test]
fn third_party_notices_list_exactly_the_third_party_crates_of_the_binary() {
    let notices = notices::all("eni-bootstrap").unwrap();
    let is_listed = |name: &str| notices.lines().any(|line| line.starts_with(&format!("{name} ")));
    for (name, expected) in [
        ("kube", true),
        ("ring", true),
        // Only eni-core depends on it directly.
        ("strsim", true),
        ("eni-core", false),
        ("clap_mangen", false),
        ("tempfile", false),
    ] {
        assert_eq!(is_listed(name), expected, "{name}");
    }
    // Only the license of ring contains this name.
    assert!(notices.contains(" Brian Smith."), "the license of ring is missing");
    let list = notices.split("\n\n").nth(1).unwrap();
    let unlicensed: Vec<&str> = list.lines().filter(|line| line.ends_with(": ")).collect();
    assert_eq!(unlicensed, Vec::<&str>::new());
}
