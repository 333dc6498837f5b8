//! Scripts that a power failure or a failed command interrupts.

use super::{FETCHING, Sandbox};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const UNIT: &str = "units/eni-bootstrap.service";
const RETRY: &str = "units/eni-bootstrap-retry.service";
const FETCH: &str = "sbin/eni-bootstrap-fetch";
const COPY: &str = "scripts/per-boot/eni-bootstrap";

#[test]
fn the_scripts_flush_each_file_before_and_after_it_is_renamed() {
    for name in FETCHING {
        let sandbox = Sandbox::new();
        sandbox.stand_in("mv", "exec /bin/mv \"$@\"");
        assert_eq!(sandbox.first_boot(name), (Some(0), String::new()), "{name}");
        let mut calls = sandbox.calls();
        calls.retain(|call| call.starts_with("sync") || call.starts_with("mv"));
        let expected = [COPY, FETCH, UNIT, RETRY].map(|file| {
            let (directory, _) = file.rsplit_once('/').unwrap();
            let renamed = format!("mv -T {file}.new {file}");
            match name {
                "al2.txt" => ["sync".to_owned(), renamed, "sync".to_owned()],
                _ => [format!("sync {file}.new"), renamed, format!("sync {directory}")],
            }
        });
        assert_eq!(calls, expected.concat(), "{name}");
    }
}

/// cloud-init runs the copy on every boot after the first one.
#[test]
fn files_that_a_power_failure_left_empty_are_repaired_on_the_next_boot() {
    for (name, after_repair, interrupted) in [
        (
            "al2.txt",
            "systemctl restart --no-block kubelet.service",
            "systemctl is-enabled --quiet kubelet.service",
        ),
        (
            "al2023.txt",
            "systemctl start --no-block nodeadm-run.service",
            "systemctl start --no-block nodeadm-run.service",
        ),
    ] {
        let sandbox = Sandbox::new();
        sandbox.stand_in("sync", "");
        assert_eq!(sandbox.first_boot(name), (Some(0), String::new()), "{name}");
        let files = || [UNIT, RETRY, FETCH].map(|file| sandbox.read(file));
        let installed = files();
        sandbox.calls();
        let next_boot = || {
            assert_eq!(sandbox.run(COPY), (Some(0), String::new()), "{name}");
            let mut calls = sandbox.calls();
            calls.retain(|call| !call.starts_with("sync"));
            calls
        };
        assert_eq!(next_boot(), Vec::<String>::new(), "{name}: nothing to repair");

        for empty in [UNIT, RETRY, FETCH] {
            fs::File::create(sandbox.path(empty)).unwrap();
            let calls = next_boot();
            assert!(calls[0].starts_with("systemctl enable eni-bootstrap.service"), "{calls:?}");
            assert_eq!(calls.last().unwrap(), after_repair, "{name}: {empty}");
            assert_eq!(files(), installed, "{name}: {empty}");
            let mode = fs::metadata(sandbox.path(FETCH)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o755);
        }

        // An operator who removed or changed a file did so on purpose.
        fs::remove_file(sandbox.path(FETCH)).unwrap();
        sandbox.program(UNIT, "[Service]\n");
        assert_eq!(next_boot(), Vec::<String>::new(), "{name}");
        assert_eq!(files(), ["[Service]\n", &installed[1], ""], "{name}");

        // The first boot was interrupted before the unit was enabled.
        fs::remove_file(sandbox.path(&format!("{COPY}.done"))).unwrap();
        let calls = next_boot();
        assert!(calls.contains(&interrupted.to_owned()), "{calls:?}");
        assert_eq!(files(), installed, "{name}");
    }
}

/// The script ends with an error, and the kubelet does not start on this boot or on a later one.
#[test]
fn a_script_that_fails_disables_the_unit_that_starts_the_kubelet() {
    const ENABLE: &str = "systemctl enable eni-bootstrap.service nodeadm-run.service";
    const START: &str = "systemctl start --no-block eni-bootstrap.service";
    const DISABLE: &str = "systemctl disable --now nodeadm-run.service";
    for name in ["al2023-own-image.txt", "al2023.txt"] {
        for (failing, expected) in [
            ("enable", (Some(3), &[ENABLE, DISABLE][..])),
            ("start", (Some(3), &[ENABLE, START, DISABLE])),
            ("no command", (Some(0), &[ENABLE, START])),
        ] {
            let sandbox = Sandbox::new();
            sandbox.stand_in("systemctl", &format!("[ \"$1\" != '{failing}' ] || exit 3"));
            let (status, errors) = sandbox.first_boot(name);
            let mut calls = sandbox.calls();
            calls.retain(|call| call.starts_with("systemctl "));
            let calls: Vec<_> = calls.iter().map(String::as_str).collect();
            assert_eq!((status, &calls[..]), expected, "{name}, {failing}: {errors}");
        }
    }
}
