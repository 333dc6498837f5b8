//! Compares `packaging/dependencies.txt` with the crates that cargo builds, so that a review sees every
//! new crate. Compares the operations in the copies of the AWS SDK with the IAM policy.

use crate::support::golden::expect_golden;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The targets of the packages and of the image, and their names in the list.
const TARGETS: [(&str, &str); 2] =
    [("x86_64-unknown-linux-gnu", "amd64"), ("aarch64-unknown-linux-gnu", "arm64")];

const HEADER: &str = "\
The crates of eni-bootstrap: name, version and license. `UPDATE_GOLDEN=1 cargo test --test it dependencies`
writes this file. Crates of the tests are not listed. Review every new crate.
";

/// Returns name, version and license of each crate that these edges reach on `target`.
fn crates(edges: &str, target: &str) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--locked", "--package=eni-bootstrap", "--prefix=none", "--no-dedupe"]);
    tree.args(["--edges", edges, "--target", target, "--format={p}\t{l}"]);
    let output = tree.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    tree.lines().filter(|line| !line.is_empty()).map(described).collect()
}

/// Returns `NAME VERSION LICENSE` for a line `NAME vVERSION (SOURCE)`, a tab and the license. The crates with
/// the version of the program have no version, so that a new version does not change the list.
fn described(line: &str) -> String {
    let (package, license) = line.split_once('\t').unwrap();
    let mut words = package.split(' ');
    let (name, version) = (words.next().unwrap(), words.next().unwrap());
    let version = version.strip_prefix('v').unwrap();
    let is_own = version == env!("CARGO_PKG_VERSION") && name.starts_with("eni-");
    let version = if is_own { String::new() } else { format!(" {version}") };
    format!("{name}{version}  {}", license.trim_end_matches(" (*)"))
}

/// Returns a line for each crate. If only one target has the crate, the line names this target.
fn lines(
    edges: &str,
    excluded: &BTreeMap<String, Vec<&'static str>>,
) -> BTreeMap<String, Vec<&'static str>> {
    let mut targets: BTreeMap<String, Vec<&'static str>> = BTreeMap::new();
    for (target, name) in TARGETS {
        for line in crates(edges, target) {
            if !excluded.contains_key(&line) {
                targets.entry(line).or_default().push(name);
            }
        }
    }
    targets
}

fn section(title: &str, lines: &BTreeMap<String, Vec<&'static str>>) -> String {
    let mut text = format!("\n{title} ({}):\n", lines.len());
    for (line, targets) in lines {
        let only =
            if let [target] = targets[..] { format!("  only {target}") } else { String::new() };
        writeln!(text, "{line}{only}").unwrap();
    }
    text
}

#[test]
fn list_of_dependencies_matches_cargo() {
    let linked = lines("normal,no-proc-macro", &BTreeMap::new());
    let build = lines("normal,build", &linked);
    let text = [
        HEADER,
        &section("Linked into the binary", &linked),
        &section("Procedural macros and build scripts", &build),
    ];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/dependencies.txt");
    expect_golden(&path, &text.concat());
}

#[test]
fn copies_of_the_sdk_contain_the_operations_of_the_iam_policies() {
    let read = |name: &str| -> Value {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name);
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let strings = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let crates = read("aws-sdk-subset/crates.json");
    let operations = crates.as_object().unwrap().iter().flat_map(|(name, described)| {
        let service = name.strip_prefix("aws-sdk-").unwrap();
        let operations = strings(&described["operations"]).into_iter();
        operations.map(move |operation| format!("{service}:{operation}"))
    });
    let policies = ["iam-policy.json", "iam-policy-operator.json"].map(read);
    let statements = policies.iter().flat_map(|it| it["Statement"].as_array().unwrap());
    let actions: BTreeSet<String> = statements.flat_map(|it| strings(&it["Action"])).collect();
    assert_eq!(operations.collect::<BTreeSet<_>>(), actions);
}
