//! The source code of both programs, without tests and guides.

use std::fs;
use std::path::{Path, PathBuf};

/// The folders with the source code, relative to the repository.
const FOLDERS: [&str; 3] = ["crates/eni-core/src", "crates/kubectl-eni/src", "src"];

/// Returns the path of a file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Returns the path, relative to the repository, and the text of each file, sorted by path.
pub(crate) fn all() -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders: Vec<String> = FOLDERS.map(str::to_owned).into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(repository(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if is_code(&path) {
                let text = fs::read_to_string(entry.path()).unwrap();
                let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
                files.push((path, code.to_owned()));
            }
        }
    }
    files.sort();
    files
}

/// Returns whether the file contains code of a program.
fn is_code(path: &str) -> bool {
    let is_test =
        path.contains("/tests/") || path.ends_with("tests.rs") || path.contains("/reference");
    Path::new(path).extension().is_some_and(|it| it == "rs") && !is_test && !path.contains("/guide")
}
