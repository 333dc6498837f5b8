//! Licenses of the crates in a binary.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Prefixes of license file names, such as `LICENSE-MIT`.
const PREFIXES: [&str; 5] = ["license", "licence", "copying", "copyright", "notice"];

/// Returns a list of the crates in the binary `program` with their licenses, then each license text once with
/// its crates.
pub fn all(program: &str) -> Result<String, Box<dyn Error>> {
    let metadata = metadata()?;
    let mut list = format!(
        "{program} contains these crates under the licenses listed. The license texts follow.\n\n"
    );
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, (license, folder)) in crates(&metadata, program)? {
        writeln!(list, "{name}: {license}")?;
        for file in files(&folder)? {
            let text = String::from_utf8_lossy(&fs::read(file)?).replace('\r', "");
            texts.entry(text.trim_end().to_owned()).or_default().push(name.clone());
        }
    }
    let mut texts: Vec<_> = texts.into_iter().map(|(text, names)| (names, text)).collect();
    texts.sort();
    for (names, text) in texts {
        writeln!(list, "\n{}\n{}:\n\n{text}", "=".repeat(72), names.join(", "))?;
    }
    Ok(list)
}

fn metadata() -> Result<Value, Box<dyn Error>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version=1", "--locked"]);
    cargo.arg("--filter-platform=x86_64-unknown-linux-gnu");
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Returns the license and the folder of every third-party crate in the binary `program`, by name and version.
/// The crates of this workspace are under the license of eni-bootstrap.
fn crates(
    metadata: &Value,
    program: &str,
) -> Result<BTreeMap<String, (String, PathBuf)>, Box<dyn Error>> {
    let by_id = |list: &Value| -> BTreeMap<String, Value> {
        let list = list.as_array().into_iter().flatten();
        list.map(|it| (text(it, "id"), it.clone())).collect()
    };
    let packages = by_id(&metadata["packages"]);
    let nodes = by_id(&metadata["resolve"]["nodes"]);
    let workspace = metadata["workspace_members"].as_array().ok_or("no workspace members")?;
    let mut members = workspace.iter().filter_map(Value::as_str);
    let root = members.find(|id| text(&packages[*id], "name") == program);
    let root = root.ok_or("the program is not in the workspace")?.to_owned();
    let is_third_party = |id: &String| !workspace.iter().any(|member| member == id.as_str());
    let (mut linked, mut rest) = (BTreeSet::new(), vec![root]);
    while let Some(id) = rest.pop() {
        let dependencies = nodes[&id]["deps"].as_array().into_iter().flatten();
        // A null kind is a normal dependency, not one of tests or build scripts.
        let normal = dependencies.filter(|it| {
            it["dep_kinds"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind["kind"].is_null()))
        });
        rest.extend(normal.map(|it| text(it, "pkg")).filter(|id| linked.insert(id.clone())));
    }
    let described = linked.iter().filter(|id| is_third_party(id)).map(|id| {
        let package = &packages[id];
        let manifest = PathBuf::from(text(package, "manifest_path"));
        let folder = manifest.parent().ok_or("a manifest path has no folder")?;
        let name = format!("{} {}", text(package, "name"), text(package, "version"));
        Ok((name, (text(package, "license"), folder.to_owned())))
    });
    described.collect()
}

/// Returns the license files of a crate in alphabetical order.
fn files(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if entry.path().is_file() && PREFIXES.iter().any(|it| name.starts_with(it)) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}
