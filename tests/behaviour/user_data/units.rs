//! The units in the user data, compared with the packaged ones.

use super::{example, here_document, script};
use std::fs;
use std::path::Path;

/// Returns the lines of a unit without comments and empty lines.
fn lines(unit: &str) -> Vec<&str> {
    unit.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Documentation= is missing: the file that it names is not installed.
#[test]
fn on_al2023_the_unit_is_the_packaged_unit_with_the_fetch_script_before_it() {
    let written = here_document(&script(&example("al2023.txt")), "UNIT");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/eni-bootstrap.service");
    let shipped = fs::read_to_string(shipped).unwrap();
    let mut expected = lines(&shipped);
    expected.retain(|line| !line.starts_with("Documentation="));
    let run = expected.iter().position(|line| line.starts_with("ExecStart=")).unwrap();
    expected.insert(run, "ExecStartPre=+/usr/local/sbin/eni-bootstrap-fetch");
    assert_eq!(lines(&written), expected);
}

#[test]
fn the_units_in_user_data_disable_core_dumps() {
    for name in ["al2.txt", "al2023.txt"] {
        for unit in ["UNIT", "RETRY"] {
            let written = here_document(&script(&example(name)), unit);
            assert_eq!(
                lines(&written)
                    .into_iter()
                    .filter(|it| it.starts_with("LimitCORE"))
                    .collect::<Vec<_>>(),
                ["LimitCORE=0"],
                "{name}: {unit}"
            );
        }
    }
}

/// The fetch script runs without the restrictions, because it writes to `/usr/bin`.
#[test]
fn on_al2023_the_retry_unit_has_the_restrictions_of_the_packaged_unit() {
    let written = here_document(&script(&example("al2023.txt")), "RETRY");
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/eni-bootstrap-retry.service");
    let shipped = fs::read_to_string(shipped).unwrap();
    let restrictions = |text: &str| -> Vec<String> {
        let all = lines(text).into_iter().map(str::to_owned);
        all.skip_while(|line| !line.starts_with("MemoryMax=")).collect()
    };
    assert_eq!(restrictions(&written), restrictions(&shipped));
    assert!(written.contains("\nExecStartPre=-+/usr/local/sbin/eni-bootstrap-fetch\n"));
}

/// systemd 219 ignores most options that it does not support, and misinterprets some.
#[test]
fn on_al2_the_unit_has_only_options_that_systemd_219_supports() {
    let written = here_document(&script(&example("al2.txt")), "UNIT");
    let used: Vec<_> =
        lines(&written).into_iter().map(|it| it.split('=').next().unwrap()).collect();
    let supported = [
        "[Unit]",
        "Description",
        "Wants",
        "After",
        "Before",
        "OnFailure",
        "[Service]",
        "Type",
        "RemainAfterExit",
        "ExecStartPre",
        "ExecStart",
        "TimeoutStartSec",
        "NotifyAccess",
        "StandardError",
        "LimitCORE",
        "RuntimeDirectory",
        "PrivateTmp",
        "[Install]",
        "RequiredBy",
    ];
    assert_eq!(used, supported);
    // It supports the command prefixes `-` and `@` only.
    assert!(written.contains("\nExecStartPre=/usr/local/sbin/eni-bootstrap-fetch\n"), "{written}");
}
