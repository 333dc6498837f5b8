//! Compares the reader of environment files with systemd itself: for the files that eni-bootstrap renders from the
//! corpus and from changed inputs, `30-systemd-environment-d-generator` reads the same variables. It uses the
//! parser of `EnvironmentFile=`, and then expands references.
//!
//! Source: `merge_env_file` and `load_env_file` in `src/basic/env-file.c`, systemd.

#![expect(clippy::disallowed_methods, reason = "files and variables of a test")]

mod changed;
mod systemd_252;

use changed::Random;
use eni_bootstrap_fuzz::archive::Archive;
use eni_bootstrap_fuzz::node::{Node, applied};
use eni_bootstrap_fuzz::systemd::{environment_file, is_variable};
use eni_bootstrap_fuzz::{KUBEADM, readback::check};
use eni_core::host::file_text;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use systemd_252::{not_run, quoted};

const GENERATOR: &str =
    "/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";
const FILE: &str = "root/etc/default/kubelet";
/// The number of changed inputs.
const CHANGED: usize = 300;

/// Returns the texts of the corpora and regressions, and changed ones.
fn texts() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for directory in ["corpus/kubeadm", "regressions/kubeadm"] {
        let entries = fs::read_dir(root.join(directory)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
        paths.sort();
        texts.extend(paths.iter().map(|path| file_text::decode(&fs::read(path).unwrap())));
    }
    let mut random = Random::default();
    for _ in 0..CHANGED {
        let text = texts[random.below(texts.len())].clone();
        texts.push(random.changed(text));
    }
    texts
}

/// Returns the lines that the generator prints for a file. In `text`, `$$` stands for `$`.
fn generated(directory: &Path, text: &str) -> BTreeSet<String> {
    fs::write(directory.join("environment.d/file.conf"), file_text::encode(text)).unwrap();
    let output = Command::new(GENERATOR)
        .env_clear()
        .env("HOME", directory)
        .env("XDG_CONFIG_HOME", directory)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn systemd_reads_the_rendered_environment_files_as_this_crate_does() {
    if !Path::new(GENERATOR).exists() {
        not_run(
            "systemd_reads_the_rendered_environment_files_as_this_crate_does: 30-systemd-environment-d-generator is missing; install systemd",
        );
        return;
    }
    let root = tempfile::Builder::new().prefix("fuzz-environment").tempdir().unwrap();
    fs::create_dir(root.path().join("environment.d")).unwrap();
    let of_machine = generated(root.path(), "");
    let (mut rendered, mut differences) = (0, Vec::new());
    for text in texts() {
        let mut archive = Archive::of(KUBEADM);
        archive.0.insert(FILE.to_owned(), text);
        check(&archive);
        let Some(node) = Node::new(&archive) else { continue };
        let after = applied(&archive, &node.plan.changes);
        let Some(text) = after.text(FILE) else { continue };
        let pairs = environment_file(text);
        // systemd rejects a file that is not UTF-8 text.
        let is_text = |it: &str| !it.contains(|it| ('\u{f780}'..='\u{f7ff}').contains(&it));
        if !is_text(text) || text.contains('\0') {
            continue;
        }
        // The generator ignores an assignment of an empty value.
        let valid: BTreeMap<_, _> = pairs
            .into_iter()
            .filter(|(name, value)| !value.is_empty() && is_variable(&(name, value)))
            .collect();
        let mut expected: BTreeSet<String> =
            valid.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
        expected.extend(of_machine.iter().cloned());
        rendered += 1;
        let actual = generated(root.path(), &text.replace('$', "$$"));
        if actual != expected {
            differences.push(format!("{expected:#?}, but systemd reads {actual:#?}\n{text}"));
        }
    }
    println!("systemd read {rendered} environment files");
    assert!(rendered > 100, "{rendered} files");
    let text = differences.join("\n");
    assert!(differences.is_empty(), "{} differences\n{text}", differences.len());
}
