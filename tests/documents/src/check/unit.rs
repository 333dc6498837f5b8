//! systemd units and drop-ins.

use crate::text_of;
use eni_bootstrap_real_parts::program;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Parses a unit, or a drop-in for eni-bootstrap.service, with `systemd-analyze verify`. A text without a section
/// is a part of `[Service]`. A program that exists on this machine replaces the programs of the units.
pub fn check(text: &str) -> Result<(), String> {
    let Some(analyze) = program("systemd-analyze", "systemd") else { return Ok(()) };
    let folder = tempfile::tempdir().unwrap();
    let is_unit = text.contains("[Unit]") && text.contains("[Service]");
    let mut unit = text_of("systemd/eni-bootstrap.service");
    if is_unit {
        unit = text.to_owned();
    } else {
        let section =
            if text.contains("\n[") || text.starts_with('[') { "" } else { "[Service]\n" };
        let drop_in = format!("{section}{}", with_existing_programs(text));
        write(&folder.path().join("example.service.d/10-example.conf"), &drop_in);
    }
    let path = folder.path().join("example.service");
    write(&path, &with_existing_programs(&unit));
    let output = Command::new(analyze).arg("verify").arg(&path).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && stderr.is_empty() { Ok(()) } else { Err(stderr) }
}

/// Replaces the program of each `Exec…=` line by `/bin/true`.
fn with_existing_programs(unit: &str) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some((key, value)) if key.starts_with("Exec") => {
            let (program, arguments) = value.split_once(' ').unwrap_or((value, ""));
            let prefix = &program[..program.find('/').unwrap_or(0)];
            format!("{key}={prefix}/bin/true {arguments}\n")
        }
        _ => format!("{line}\n"),
    };
    unit.lines().map(line).collect()
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    File::create(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn systemd_rejects_unknown_keys_and_sections() {
    if program("systemd-analyze", "systemd").is_none() {
        return;
    }
    for text in [
        "[Service]\nEnvironment=HTTPS_PROXY=http://proxy.example.com:3128\n",
        "ExecStartPre=-+/usr/local/sbin/eni-bootstrap-fetch\n",
        "[Unit]\nDescription=test\n[Service]\nExecStart=/opt/test --flag\n",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
    for text in ["[Service]\nEnvironments=A=1\n", "[Services]\nType=oneshot\n", "Type\n"] {
        assert!(check(text).is_err(), "{text}");
    }
}
