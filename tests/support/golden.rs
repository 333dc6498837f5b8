//! The golden files in `tests/golden`, which hold the expected output of the program.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the paths of all files below `root`, relative to it and sorted.
pub fn files_under(root: &Path) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    files.sort();
    files
}

/// Returns the path of `tests/golden`.
pub fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Asserts that the golden file `path` contains `actual`. If the environment variable `UPDATE_GOLDEN`
/// is set, writes `actual` to the file first.
pub fn expect_golden(path: &Path, actual: &str) {
    #[expect(clippy::disallowed_methods, reason = "a switch and files of the tests, not of a node")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, actual).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert_eq!(
        actual,
        expected,
        "{}: run with UPDATE_GOLDEN=1 to accept the change",
        path.display()
    );
}

/// Returns the file that a host writes in a CNI mode, as the scenario of the host's name has it.
pub fn host_file(host: &str, mode: &str, path: &str) -> String {
    let scenario =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/scenarios/{host}.txt"));
    let text = fs::read_to_string(scenario).unwrap();
    let (_, results) = text.split_once("-- expected.txt --\n").unwrap();
    let (_, of_mode) = results.split_once(&format!("\n{mode}: max-pods ")).unwrap();
    let (_, file) = of_mode.split_once(&format!("\n{path}:\n")).unwrap();
    let lines = file.lines().map_while(|line| line.strip_prefix("    "));
    lines.flat_map(|line| [line, "\n"]).collect()
}
