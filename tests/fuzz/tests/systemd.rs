//! Compares the readers of this crate with systemd itself: for the units that eni-bootstrap renders from the
//! corpus and from changed inputs, `systemd --test` prints the same command lines and variables.

#![expect(clippy::disallowed_methods, reason = "files and variables of a test")]

mod changed;
mod systemd_252;

use changed::Random;
use eni_bootstrap_fuzz::archive::Archive;
use eni_bootstrap_fuzz::node::{Node, applied};
use eni_bootstrap_fuzz::readback::check;
use eni_bootstrap_fuzz::systemd::Unit;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use systemd_252::{not_run, quoted};

const SYSTEMD: &str = "/lib/systemd/systemd";
const UNIT: &str = "kubelet.service";
/// The user that runs systemd: nobody.
const USER: u32 = 65534;
/// The number of changed inputs.
const CHANGED: usize = 400;

/// Returns the archives of the corpora and regressions, and changed ones.
fn archives() -> Vec<Archive> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for directory in ["corpus/units", "regressions/units"] {
        let entries = fs::read_dir(root.join(directory)).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
        paths.sort();
        texts.extend(paths.iter().filter_map(|path| fs::read_to_string(path).ok()));
    }
    let mut random = Random::default();
    for _ in 0..CHANGED {
        let text = texts[random.below(texts.len())].clone();
        texts.push(random.changed(text));
    }
    texts.iter().map(|text| Archive::parse(text)).collect()
}

/// Writes the unit and its drop-ins as the unit `name`.
fn write(directory: &Path, name: &str, archive: &Archive) {
    let places = ["/lib", "/usr/lib", "/usr/local/lib", "/run", "/etc"];
    let drop_ins = directory.join(format!("{name}.d"));
    fs::create_dir(&drop_ins).unwrap();
    for place in places {
        let units = format!("{place}/systemd/system");
        if let Some(text) = archive.root(&format!("{units}/{UNIT}")) {
            fs::write(directory.join(name), text).unwrap();
        }
        for (file, text) in archive.directory(&format!("{units}/{UNIT}.d")) {
            fs::write(drop_ins.join(file), text).unwrap();
        }
    }
}

/// Returns the command line that systemd prints for each unit.
fn command_lines(directory: &Path) -> BTreeMap<String, Vec<String>> {
    let run = directory.join("run");
    fs::create_dir(&run).unwrap();
    std::os::unix::fs::chown(&run, Some(USER), None).unwrap();
    let output = Command::new("timeout")
        .args(["120", "setpriv", "--reuid", &USER.to_string(), "--clear-groups", SYSTEMD])
        .args(["--user", "--test", "--unit=all.target"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", &run)
        .env("XDG_RUNTIME_DIR", &run)
        .env("SYSTEMD_UNIT_PATH", directory)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    let (mut lines, mut unit) = (BTreeMap::<String, Vec<String>>::new(), String::new());
    for line in output.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("-> Unit ").and_then(|it| it.strip_suffix(':')) {
            name.clone_into(&mut unit);
        } else if let Some(line) = line.strip_prefix("Command Line: ") {
            lines.entry(unit.clone()).or_default().push(line.to_owned());
        }
    }
    lines
}

/// Whether this machine has what the test needs: systemd 252, whose rules the readers implement, and root.
fn can_run() -> bool {
    let version = Command::new(SYSTEMD).arg("--version").output();
    let is_252 = version.is_ok_and(|it| it.stdout.starts_with(b"systemd 252"));
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_252 && status.lines().any(|line| line.starts_with("Uid:\t0\t"))
}

#[test]
fn systemd_reads_the_rendered_units_as_this_crate_does() {
    if !can_run() {
        not_run(
            "systemd_reads_the_rendered_units_as_this_crate_does: root or systemd 252 is missing; run the test as root on Debian 12",
        );
        return;
    }
    let root = tempfile::Builder::new().prefix("fuzz-units").tempdir().unwrap();
    fs::set_permissions(root.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let mut expected = BTreeMap::new();
    for (number, archive) in archives().into_iter().enumerate() {
        check(&archive);
        // Specifiers stand for properties of the unit, such as its name.
        let is_plain = |text: &String| !text.replace("%%", "").contains('%');
        let Some(node) = Node::new(&archive).filter(|_| archive.0.values().all(is_plain)) else {
            continue;
        };
        let after = applied(&archive, &node.plan.changes);
        let name = format!("case-{number}.service");
        write(root.path(), &name, &after);
        let commands = Unit::load(&after, UNIT).map(|unit| unit.commands).unwrap_or_default();
        let lines = commands.iter().map(|command| {
            command.words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
        });
        expected.insert(name, (lines.collect::<Vec<_>>(), after));
    }
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    let target = format!("[Unit]\nWants={}\n", names.join(" "));
    fs::write(root.path().join("all.target"), target).unwrap();
    let actual = command_lines(root.path());
    let mut differences = Vec::new();
    for (name, (lines, archive)) in &expected {
        let actual = actual.get(name).cloned().unwrap_or_default();
        // systemd does not load a unit with an error, and starts none with several commands.
        if *lines != actual && !(lines.is_empty() && actual.len() != 1) {
            differences
                .push(format!("{name}: {lines:#?}, but systemd reads {actual:#?}\n{archive:#?}"));
        }
    }
    println!("systemd read {} units, {} of them with a command", expected.len(), actual.len());
    assert!(expected.len() > 100 && actual.len() > 50, "{} units", actual.len());
    assert!(
        differences.is_empty(),
        "{} differences\n{}",
        differences.len(),
        differences.join("\n")
    );
}
