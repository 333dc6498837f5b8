//! The files that `ami/install.sh` installs, and the systemd units.

use crate::support::boot::restrictions::SystemCallSets;
use crate::support::golden::files_under;
use crate::support::real_parts::{part, program};
use crate::support::trace::Trace;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn install(destination: &Path) -> Output {
    Command::new(file("ami/install.sh"))
        .arg(env!("CARGO_BIN_EXE_eni-bootstrap"))
        .env("DESTDIR", destination)
        .output()
        .unwrap()
}

#[test]
fn installer_is_idempotent_and_installs_the_expected_files() {
    let root = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let installed = install(root.path());
        let stderr = String::from_utf8_lossy(&installed.stderr).into_owned();
        assert_eq!((installed.status.code(), stderr.as_str()), (Some(0), ""));
    }
    assert_eq!(
        files_under(root.path()),
        [
            "usr/bin/eni-bootstrap",
            "usr/lib/eni-bootstrap/50-defaults.toml",
            "usr/lib/systemd/system/eni-bootstrap-retry.service",
            "usr/lib/systemd/system/eni-bootstrap.service",
            "usr/share/eni-bootstrap/iam-policy.json",
            "usr/share/eni-bootstrap/rbac.yaml",
            "usr/share/eni-bootstrap/settings.schema.json",
        ]
    );
    let missing = Command::new(file("ami/install.sh")).arg("/nonexistent").output().unwrap();
    assert_eq!(
        (missing.status.code(), String::from_utf8(missing.stderr).unwrap().as_str()),
        (Some(1), "install.sh: \"/nonexistent\" not found; run `make static` to build it\n")
    );
}

/// An exec plugin of a kubeconfig runs with the restrictions of the unit.
#[test]
fn aws_cli_uses_no_system_call_that_the_unit_blocks() {
    let Some(strace) = program("strace", "strace") else { return };
    let Some(analyze) = program("systemd-analyze", "systemd") else { return };
    let how = "tests/real/install.sh awscli";
    let Some(python) = part("awscli/bin/python", "the AWS CLI", how) else { return };
    let filter = Command::new(analyze).args(["--no-pager", "syscall-filter"]).output().unwrap();
    let sets = SystemCallSets::parse(&String::from_utf8(filter.stdout).unwrap());
    let trace = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new(strace)
        .args(["-f", "-qq", "-y", "-o"])
        .arg(trace.path())
        .arg(python)
        .args(["-m", "awscli", "eks", "get-token", "--cluster-name=real", "--region=us-west-2"])
        .env_clear()
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "SECRETEXAMPLE")
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let text = String::from_utf8_lossy(&fs::read(trace.path()).unwrap()).into_owned();
    let calls = Trace::read(&text, "/python").calls;
    let blocked: Vec<&String> = calls.iter().filter(|it| sets.blocked().contains(*it)).collect();
    assert_eq!(blocked, Vec::<&String>::new(), "of {} system calls", calls.len());
}

#[test]
fn units_are_valid_and_hardened() {
    let Some(analyze) = program("systemd-analyze", "systemd") else { return };
    let pattern = file("systemd/*.service");
    let units: Vec<_> =
        glob::glob(pattern.to_str().unwrap()).unwrap().map(Result::unwrap).collect();
    assert!(units.contains(&file("systemd/eni-bootstrap.service")), "{units:?}");
    // Verify copies of the units that run a program that exists on this machine.
    let scratch = tempfile::tempdir().unwrap();
    let mut verify = Command::new(&analyze);
    verify.arg("verify");
    for unit in &units {
        let copy = scratch.path().join(unit.file_name().unwrap());
        let text = fs::read_to_string(unit).unwrap().replace("/usr/bin/eni-bootstrap", "/bin/true");
        for limit in ["MemoryMax=256M", "LimitCORE=0"] {
            assert!(text.contains(&format!("\n{limit}\n")), "{}: {limit}", unit.display());
        }
        fs::File::create(&copy).unwrap().write_all(text.as_bytes()).unwrap();
        verify.arg(copy);
    }
    let verify = verify.output().unwrap();
    assert_eq!(
        (verify.status.code(), String::from_utf8_lossy(&verify.stderr).as_ref()),
        (Some(0), "")
    );
    for unit in &units {
        let security = Command::new(&analyze)
            .args(["security", "--offline=true", "--threshold=20", "--no-pager"])
            .arg(unit)
            .output()
            .unwrap();
        let stdout = String::from_utf8_lossy(&security.stdout);
        assert_eq!(security.status.code(), Some(0), "{}: {stdout}", unit.display());
    }
}
