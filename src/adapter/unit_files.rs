//! Reads the files of systemd units: unit files, environment files, and scripts that start the kubelet.

use crate::adapter::disk::{self, DiskError};
use eni_core::host::{LoadedUnit, UnitFiles};
use std::path::{Path, PathBuf};

/// The longest part of a script that is read, in bytes.
const SCRIPT: u64 = 64 * 1024;

/// Returns the texts of the files of a unit. `program` is the path of the program that may be a script.
pub(crate) fn read(unit: &LoadedUnit, program: Option<&str>) -> Result<UnitFiles, DiskError> {
    let texts = |paths: &[PathBuf], read: &dyn Fn(&Path) -> Result<Option<String>, DiskError>| {
        let texts = paths.iter().map(|path| Ok((path.clone(), read(path)?.unwrap_or_default())));
        texts.collect::<Result<Vec<_>, DiskError>>()
    };
    Ok(UnitFiles {
        unit: texts(&unit.files, &disk::read)?,
        environment: texts(&unit.environment_files, &|path| environment(Path::new("/"), path))?,
        script: program.and_then(|path| script(Path::new(path))),
        config: Vec::new(),
    })
}

/// Returns the text of an environment file below `root`; `None` if it does not exist. A file name with
/// `*` or `?` stands for every file that matches it, in the order of their names.
pub(crate) fn environment(root: &Path, path: &Path) -> Result<Option<String>, DiskError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(directory) = path.parent().filter(|_| name.contains(['*', '?'])) else {
        return disk::read_node_file(root, path);
    };
    let mut text = String::new();
    for file in disk::list_node_directory(root, directory)? {
        if matches(&name, &file.to_string_lossy()) {
            text.push_str(&disk::read_node_file(root, &directory.join(&file))?.unwrap_or_default());
            text.push('\n');
        }
    }
    Ok(Some(text))
}

/// Returns whether a file name matches a pattern, as glob(7) does for `*` and `?`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut rest = name.chars();
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => {
            let after = &pattern[1..];
            let mut ends = name.char_indices().map(|(at, _)| at).chain([name.len()]);
            ends.any(|end| matches(after, &name[end..]))
        }
        Some(first) => {
            let is_equal = rest.next().is_some_and(|it| first == '?' || first == it);
            is_equal && matches(&pattern[first.len_utf8()..], rest.as_str())
        }
    }
}

/// Returns the beginning of a script; `None` for a binary, or if the file cannot be read.
pub(crate) fn script(path: &Path) -> Option<String> {
    let bytes = disk::read_start(path, SCRIPT).ok()?;
    bytes.starts_with(b"#!").then(|| String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_file_names() {
        for (pattern, name, expected) in [
            ("*.env", "a.env", true),
            ("*.env", "a.env~", false),
            ("kubelet-?.*", "kubelet-1.", true),
            ("kubelet-?.*", "kubelet-.x", false),
            ("*a*b", "xaab", true),
            ("", "", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
