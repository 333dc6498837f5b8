//! The lists of the crates in a binary: its SBOM, its own list, and `packaging/dependencies.txt`.

use crate::support::real_parts::cargo_cyclonedx;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Names and versions of crates, such as `serde 1.0.229`.
pub type Crates = BTreeSet<String>;

/// Runs `packaging/sbom.sh`, as the Makefile does.
pub fn write_sbom(architecture: &str, binary: &Path, file: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/sbom.sh");
    let mut command = Command::new(script);
    command.arg(architecture).args([binary, file]);
    command.env("CARGO_CYCLONEDX", cargo_cyclonedx().unwrap());
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), stderr.as_ref()), (Some(0), ""));
}

fn name_and_version(package: &Value) -> String {
    format!("{} {}", package["name"].as_str().unwrap(), package["version"].as_str().unwrap())
}

/// Returns the crates of an SBOM, with eni-bootstrap itself.
pub fn crates_of_sbom(sbom: &Value) -> Crates {
    let components = sbom["components"].as_array().unwrap().iter();
    components.chain([&sbom["metadata"]["component"]]).map(name_and_version).collect()
}

/// Returns the crates in `packaging/dependencies.txt` that are linked into the binary for
/// `architecture` (`amd64` or `arm64`).
pub fn linked_crates(architecture: &str) -> Crates {
    listed_crates("Linked into the binary", architecture)
}

/// Returns the crates of a section of `packaging/dependencies.txt`.
fn listed_crates(section: &str, architecture: &str) -> Crates {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/dependencies.txt");
    let text = fs::read_to_string(list).unwrap();
    let (_, lines) = text.split_once(&format!("\n{section} (")).unwrap();
    let lines = lines.lines().skip(1).take_while(|line| !line.is_empty());
    let is_built =
        |line: &&str| line.rsplit_once("  only ").is_none_or(|(_, only)| only == architecture);
    let named = lines.filter(is_built).map(|line| line.split("  ").next().unwrap());
    // The list contains the crates of this repository without their version.
    let with_version = |name: &str| {
        if name.contains(' ') {
            name.to_owned()
        } else {
            format!("{name} {}", env!("CARGO_PKG_VERSION"))
        }
    };
    named.map(with_version).collect()
}

/// Returns the list of crates in the binary, without build scripts and their dependencies.
pub fn audited_crates(binary: &Path) -> Crates {
    let json = auditable_info::json_from_file(binary, auditable_info::Limits::default()).unwrap();
    let list: Value = serde_json::from_str(&json).unwrap();
    let packages = list["packages"].as_array().unwrap().iter();
    packages.filter(|package| package["kind"] != "build").map(name_and_version).collect()
}

/// Asserts that the list of crates in the binary, which cargo-auditable has added, contains all linked
/// crates. It also contains procedural macros, and crates that only features for the tests or the
/// kubectl plugin enable, such as the colors of clap.
pub fn assert_audited(binary: &Path, architecture: &str) {
    let audited = audited_crates(binary);
    let linked = linked_crates(architecture);
    assert_eq!(linked.difference(&audited).collect::<Vec<_>>(), Vec::<&String>::new());
    let build = listed_crates("Procedural macros and build scripts", architecture);
    let others = audited.iter().filter(|it| !linked.contains(*it) && !build.contains(*it));
    let others: Vec<_> = others.map(|it| it.split(' ').next().unwrap()).collect();
    let of_tests = ["httpdate", "toml_writer", "zlib-rs"];
    let of_plugin = [
        "anstream",
        "anstyle-parse",
        "anstyle-query",
        "colorchoice",
        "is_terminal_polyfill",
        "linux-raw-sys",
        "rustix",
        "terminal_size",
        "utf8parse",
    ];
    let expected: BTreeSet<&str> = of_tests.into_iter().chain(of_plugin).collect();
    assert_eq!(others, Vec::from_iter(expected));
}
