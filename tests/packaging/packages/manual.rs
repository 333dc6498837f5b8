//! The man pages and the completions, as each one's readers read them.

#[path = "../../../packaging/manual/completions.rs"]
mod completions;
#[path = "../../../packaging/manual/notices.rs"]
mod notices;
#[path = "../../../packaging/manual/pages.rs"]
mod pages;

use crate::support::real_parts::program;
use eni_bootstrap::cli::command_line;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// `folder`, filled as `cargo run --example manual` fills it.
#[expect(clippy::disallowed_methods, reason = "a test's fixture, not a node's file")]
pub fn written(folder: &Path) -> PathBuf {
    fs::create_dir_all(folder).unwrap();
    let pages = pages::all(&command_line(), "2026-01-01").unwrap();
    for (name, text) in pages.into_iter().chain(completions::all(&command_line())) {
        fs::write(folder.join(name), text).unwrap();
    }
    fs::write(folder.join("third-party-licenses"), notices::all().unwrap()).unwrap();
    folder.to_owned()
}

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let folder = written(scratch.path());
    (scratch, folder)
}

/// What a program says of a file, on both outputs; its status is in the first line.
fn said(program: &Path, arguments: &[&str], file: &Path) -> String {
    let ended = Command::new(program).args(arguments).arg(file).output().unwrap();
    let status = ended.status.code().unwrap();
    format!("{status}\n{}", String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()))
}

#[test]
fn every_command_has_a_page_of_which_no_formatter_complains() {
    let (Some(groff), Some(mandoc)) = (program("groff", "groff-base"), program("mandoc", "mandoc"))
    else {
        return;
    };
    let (_scratch, folder) = scratch();
    let pages = glob::glob(folder.join("*.1").to_str().unwrap()).unwrap().map(Result::unwrap);
    let pages: Vec<PathBuf> = pages.collect();
    let names: Vec<_> =
        pages.iter().map(|page| page.file_stem().unwrap().to_str().unwrap()).collect();
    let commands = [
        "-check",
        "-limits-refresh",
        "-limits-show",
        "-limits",
        "-max-pods",
        "-plan",
        "-run",
        "-token",
        "-undo",
        "-wait",
        "",
    ];
    assert_eq!(names, commands.map(|command| format!("eni-bootstrap{command}")));
    for page in pages {
        // -z: no output but complaints; -ww: all of them.
        assert_eq!(said(&groff, &["-man", "-ww", "-z", "-Kutf8", "-Tutf8"], &page), "0\n");
        assert_eq!(said(&mandoc, &["-Tlint", "-Wwarning"], &page), "0\n");
    }
}

#[test]
fn a_page_says_what_its_reader_needs() {
    let Some(mandoc) = program("mandoc", "mandoc") else { return };
    let (_scratch, folder) = scratch();
    let page = said(&mandoc, &["-Tascii"], &folder.join("eni-bootstrap-limits-show.1"));
    // Bold and underlined are a letter over another.
    let plain = without_overstrikes(&page);
    let head = "0
ENI-BOOTSTRAP-LIMITS-SHOW(1)     eni-bootstrap    ENI-BOOTSTRAP-LIMITS-SHOW(1)

NAME
       eni-bootstrap-limits-show - Print the limits of known instance types,
       without calling EC2

SYNOPSIS
       eni-bootstrap limits show [OPTIONS] [TYPE]...

DESCRIPTION
       Print the limits of known instance types, without calling EC2

OPTIONS
       -h, --help
              Print help

       [TYPE] Instance types or patterns such as 'm7g.*' [default: all
              instance types]
";
    assert!(plain.starts_with(head), "{plain}");
    let tail = format!(
        "
EXAMPLES
           eni-bootstrap limits show 'm7g.*'

EXIT STATUS
       0      success

       64     invalid command line

       65     invalid data from the instance

       69     a required service is unreachable

       73     failed to write a file; the previous file is intact

       75     timed out waiting for the cluster

       77     permission denied by Kubernetes RBAC or AWS IAM, or no AWS
              credentials

       78     invalid settings, or settings that do not match this instance

SEE ALSO
       eni-bootstrap-limits(1), systemctl(1)

eni-bootstrap {}               2026-01-01      ENI-BOOTSTRAP-LIMITS-SHOW(1)
",
        env!("CARGO_PKG_VERSION")
    );
    assert!(plain.ends_with(&tail), "{plain}");
    let run =
        without_overstrikes(&said(&mandoc, &["-Tascii"], &folder.join("eni-bootstrap-run.1")));
    for part in [
        "FILES\n       /usr/lib/eni-bootstrap/50-defaults.toml\n",
        "\n       0      success; for run: the node is ready for the kubelet\n",
    ] {
        assert!(run.contains(part), "{part}: {run}");
    }
}

/// The text without what overstrikes it.
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
fn bash_completes_a_command_and_a_flag() {
    let Some(bash) = program("bash", "bash") else { return };
    let (_scratch, folder) = scratch();
    let script = r#"
        source "$1"
        complete -p eni-bootstrap | grep -o -- '-F [^ ]*'
        COMP_WORDS=(eni-bootstrap un) COMP_CWORD=1
        _eni__bootstrap eni-bootstrap un eni-bootstrap; echo "${COMPREPLY[@]}"
        COMP_WORDS=(eni-bootstrap limits refresh --reg) COMP_CWORD=3
        _eni__bootstrap eni-bootstrap --reg refresh; echo "${COMPREPLY[@]}"
        COMP_WORDS=(eni-bootstrap max-pods --inst) COMP_CWORD=2
        _eni__bootstrap eni-bootstrap --inst max-pods; echo "${COMPREPLY[@]}"
    "#;
    assert_eq!(
        said(&bash, &["--norc", "-c", script, "bash"], &folder.join("eni-bootstrap")),
        "0\n-F _eni__bootstrap\nundo\n--region\n--instance-type --instance-type-from-imds\n"
    );
}

#[test]
fn zsh_and_fish_can_read_theirs() {
    let (_scratch, folder) = scratch();
    for (shell, file) in [("zsh", "_eni-bootstrap"), ("fish", "eni-bootstrap.fish")] {
        let Some(program) = program(shell, shell) else { return };
        assert_eq!(said(&program, &["-n"], &folder.join(file)), "0\n", "{shell}");
    }
    let Some(fish) = program("fish", "fish") else { return };
    let script =
        "source $argv[1]; complete --do-complete 'eni-bootstrap und' | string split -f1 \\t";
    let completed = said(&fish, &["--no-config", "-c", script], &folder.join("eni-bootstrap.fish"));
    assert_eq!(completed, "0\nundo\n");
}

#[test]
fn the_notices_name_every_crate_in_the_program_and_no_other() {
    let notices = notices::all().unwrap();
    let named = |name: &str| notices.lines().any(|line| line.starts_with(&format!("{name} ")));
    for (name, is_in) in
        [("kube", true), ("ring", true), ("clap_mangen", false), ("tempfile", false)]
    {
        assert_eq!(named(name), is_in, "{name}");
    }
    // In a text that no other crate has.
    assert!(notices.contains(" Brian Smith."), "ring's");
    let list = notices.split("\n\n").nth(1).unwrap();
    let unlicensed: Vec<&str> = list.lines().filter(|line| line.ends_with(": ")).collect();
    assert_eq!(unlicensed, Vec::<&str>::new());
}
