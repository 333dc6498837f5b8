//! The fault matrix: each dependency with each fault. `cases/` contains the cases.

use std::path::{Path, PathBuf};

use crate::support::faults::{
    Case, Secret, print, read_cases, run_all, run_in_this_namespace, search,
};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults").join(name)
}

/// Returns the cases that the variable `CASES` selects by a part of their names, or all cases.
#[expect(clippy::disallowed_methods, reason = "a switch of the tests")]
fn selected() -> Vec<Case> {
    let mut cases = read_cases(&folder("cases"));
    let names = std::env::var("CASES").unwrap_or_default();
    let names: Vec<&str> = names.split_whitespace().collect();
    cases.retain(|case| names.is_empty() || names.iter().any(|name| case.id().contains(name)));
    cases
}

#[test]
fn every_fault_has_its_expected_result() {
    #[expect(clippy::disallowed_methods, reason = "a switch of the tests")]
    let updates = std::env::var_os("UPDATE_GOLDEN").is_some();
    let reports = run_all(selected(), updates);
    print(&reports);
    let surprises: Vec<&str> = reports
        .iter()
        .filter(|report| !report.surprises.is_empty())
        .map(|report| report.id.as_str())
        .collect();
    assert_eq!(surprises, Vec::<&str>::new());
}

/// Not a test: the matrix starts this test binary again in the namespaces of a case.
#[test]
#[ignore = "only in the namespaces of a case"]
fn one_case_in_its_namespaces() {
    run_in_this_namespace();
}

#[test]
fn a_planted_secret_is_found_in_each_form() {
    let secret = Secret::new("session token", "a+secret/Value==");
    for text in [
        "token=a+secret/Value==;",
        "token=a%2Bsecret%2FValue%3D%3D",
        "token=a%2bsecret%2fValue%3d%3d",
        "{\"token\":\"a+secret\\/Value==\"}",
        "612b7365637265742f56616c75653d3d",
        "YStzZWNyZXQvVmFsdWU9PQ==", // the value
        "OmErc2VjcmV0L1ZhbHVlPT07", // ":a+secret/Value==;"
        "eDphK3NlY3JldC9WYWx1ZT09", // "x:a+secret/Value=="
    ] {
        let files = [("log".to_owned(), format!("before {text} after").into_bytes())];
        assert_eq!(
            search(std::slice::from_ref(&secret), &files),
            ["log contains the session token"],
            "{text}"
        );
    }
    let other = [("log".to_owned(), b"token=a+secret/Value".to_vec())];
    assert_eq!(search(&[secret], &other), Vec::<String>::new());
}

#[test]
fn a_wrong_expectation_is_a_surprise() {
    let reports = run_all(read_cases(&folder("planted")), false);
    let lines = |id: &str| -> Vec<String> {
        let report = reports.iter().find(|report| report.id == id).expect("the static binary");
        report.surprises.iter().map(|it| it.lines().next().unwrap().to_owned()).collect()
    };
    assert_eq!(lines("planted/wrong-status"), ["exit status 69 instead of 0"]);
    assert_eq!(lines("planted/wrong-message-and-files"), ["message", "files"]);
    assert_eq!(
        lines("planted/secret"),
        [
            "message",
            "files",
            "files after the next boot",
            "SECRET: var/log/debug contains the secret access key"
        ]
    );
}
