//! Reads, writes and locks files. Only this module writes to the disk.

mod disk_error;
mod input;
mod links;
mod lock;
mod replace;
mod volatile;

pub use disk_error::DiskError;
pub(crate) use lock::RunLock;
pub(crate) use replace::remove_file;
pub use replace::write_atomic;
pub(crate) use volatile::{remove_volatile, write_volatile};

use eni_core::domain::instance_limits::{NamedRow, rows};
use eni_core::failure::one_line;
use eni_core::host::bottlerocket::USER_DATA;
use eni_core::host::{Outcome, file_text};
use links::FinalLink;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::{Path, PathBuf};
use std::{fs, io};
use tracing::warn;

/// The override file for the embedded table of instance types, relative to the root.
const TYPE_OVERRIDES: &str = "etc/eni-bootstrap/instance-types.csv";
/// The directories of settings files, relative to the root, in ascending order of precedence.
pub(crate) const SETTINGS_DIRECTORIES: [&str; 3] =
    ["usr/lib/eni-bootstrap", "etc/eni-bootstrap", "run/eni-bootstrap"];

/// Returns the absolute path `path` of the node below `root`.
#[must_use]
pub(crate) fn under(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Returns the text of a file, or `None` if it does not exist. Invalid UTF-8 is replaced.
pub fn read(path: &Path) -> Result<Option<String>, DiskError> {
    let bytes = input::read(path, input::LIMIT)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns the text of a TOML file, like [`read`]. Its size limit is smaller.
pub(crate) fn read_toml(path: &Path) -> Result<Option<String>, DiskError> {
    let bytes = input::read(path, input::TOML_LIMIT)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns the text of a TOML file that a user has named on the command line, like [`read_toml`]. The file may
/// be a pipe.
pub(crate) fn read_argument(path: &Path) -> Result<Option<String>, DiskError> {
    let bytes = input::read_argument(path, input::TOML_LIMIT)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns the text of the result of a run, or `None` if the file does not exist. `-` is standard input.
pub(crate) fn read_result(path: &Path) -> Result<Option<String>, DiskError> {
    let bytes = if path == Path::new("-") {
        Some(input::read_stdin(input::RESULT_LIMIT)?)
    } else {
        input::read_argument(path, input::RESULT_LIMIT)?
    };
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns the text of the node's file `path` below `root` as [`file_text`] converts it, or `None` if it
/// does not exist. Follows symbolic links below `root`.
pub(crate) fn read_node_file(root: &Path, path: &Path) -> Result<Option<String>, DiskError> {
    let failed = |source| DiskError::Read { path: under(root, path), source };
    let file = links::readable(root, path).map_err(failed)?;
    let bytes = input::read(&file, input::LIMIT).map_err(|error| error.at(under(root, path)))?;
    Ok(bytes.map(|bytes| file_text::decode(&bytes)))
}

/// Returns the contents of `path`; empty if it cannot be read.
///
/// # Errors
///
/// [`DiskError::NotRegular`] or [`DiskError::TooLarge`] if it is not a regular file of limited size.
pub(crate) fn check(path: &Path) -> Result<Vec<u8>, DiskError> {
    match input::read(path, input::LIMIT) {
        Err(error @ (DiskError::NotRegular { .. } | DiskError::TooLarge { .. })) => Err(error),
        result => Ok(result.ok().flatten().unwrap_or_default()),
    }
}

/// Returns the first `most` bytes of a regular file.
pub(crate) fn read_start(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    input::read_start(path, most)
}

/// Replaces the node's file `path` below `root` with this text, unless it is the same. If the file is a
/// symbolic link, the link is kept and its target is replaced. If the target cannot be written, the link
/// is replaced with a file, and a warning is logged: the systemd unit makes most directories read-only.
pub(crate) fn write_node_file(root: &Path, path: &Path, text: &str) -> Result<Outcome, DiskError> {
    let link = under(root, path);
    let failed = |source| DiskError::Write { path: link.clone(), source };
    let file = links::follow(root, path, FinalLink::Follow).map_err(failed)?;
    if file != link && fs::metadata(&file).is_ok_and(|it| !it.is_file()) {
        return Err(DiskError::NotAFile { path: link, target: file });
    }
    let text = file_text::encode(text);
    let error = match write_atomic(&file, &text) {
        Err(error) if error.is_read_only() => error,
        result => return result,
    };
    let own = links::follow(root, path, FinalLink::Keep).map_err(failed)?;
    if !own.is_symlink() {
        return Err(error);
    }
    let directory = file.parent().unwrap_or(root).display();
    let cause = error.source().map(one_line).unwrap_or_default();
    warn!(
        "apply: failed to write {}, the target of the link {}: {cause}; replacing the link with a file; to keep the link, add ReadWritePaths={directory} to a drop-in of eni-bootstrap.service and create the link again",
        file.display(),
        link.display(),
    );
    replace::replace_link(&own, &file, &text)
}

/// Removes the node's file or symbolic link `path` below `root`, if it exists.
pub(crate) fn remove_node_file(root: &Path, path: &Path) -> Result<Outcome, DiskError> {
    let failed = |source| DiskError::Remove { path: under(root, path), source };
    let file = links::follow(root, path, FinalLink::Keep).map_err(failed)?;
    replace::remove_file(&file)
}

/// Removes the temporary file that a killed run left behind for the node's file `path` below `root`.
/// Returns its path on the node, if it existed.
pub(crate) fn remove_draft(root: &Path, path: &Path) -> Result<Option<PathBuf>, DiskError> {
    let failed = |source| DiskError::Remove { path: under(root, path), source };
    let file = links::follow(root, path, FinalLink::Follow).map_err(failed)?;
    let draft = replace::draft_path(&file);
    let outcome = replace::remove_file(&draft)?;
    let name = Path::new("/").join(draft.strip_prefix(root).unwrap_or(&draft));
    Ok((outcome == Outcome::Removed).then_some(name))
}

/// Returns the path below `root` of the node's file `path`. Follows symbolic links, except the last one.
pub(crate) fn node_path(root: &Path, path: &Path) -> Result<PathBuf, DiskError> {
    let failed = |source| DiskError::Read { path: under(root, path), source };
    links::follow(root, path, FinalLink::Keep).map_err(failed)
}

/// Returns the names in the node's directory `path` below `root`; empty if it does not exist.
pub(crate) fn list_node_directory(root: &Path, path: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let failed = |source| DiskError::Read { path: under(root, path), source };
    let paths = list(&links::readable(root, path).map_err(failed)?)?;
    Ok(paths.iter().filter_map(|it| it.file_name().map(PathBuf::from)).collect())
}

/// Returns the paths in a directory, ordered by name; empty if the directory does not exist.
fn list(directory: &Path) -> Result<Vec<PathBuf>, DiskError> {
    let failed = |source| DiskError::Read { path: directory.to_owned(), source };
    let entries = match directory.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(failed(source)),
    };
    let paths: Result<Vec<_>, _> = entries.map(|entry| Ok(entry?.path())).collect();
    let mut paths = paths.map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// Returns every settings file under `root` in the order of merging: by file name, regardless of the
/// directory, then the user data of a Bottlerocket bootstrap container.
///
/// Of files with the same name, only the one in the last of [`SETTINGS_DIRECTORIES`] is read. An empty
/// file or a symbolic link to `/dev/null` therefore masks a file in an earlier directory.
///
/// Source: systemd, `conf_files_list` in `src/basic/conf-files.c`.
pub(crate) fn settings_files(root: &Path) -> Result<Vec<(PathBuf, String)>, DiskError> {
    let mut by_name = BTreeMap::new();
    for directory in SETTINGS_DIRECTORIES.map(|directory| root.join(directory)) {
        let paths = list(&directory)?.into_iter();
        let toml = paths.filter(|path| path.extension().is_some_and(|it| it == "toml"));
        by_name.extend(toml.map(|path| (path.file_name().map(ToOwned::to_owned), path)));
    }
    let mut files = Vec::new();
    for path in by_name.into_values().chain([under(root, Path::new(USER_DATA))]) {
        if let Some(text) = read_toml(&path)? {
            files.push((path, text));
        }
    }
    Ok(files)
}

/// Returns the rows of the override file below `root`, which take precedence over the embedded table. Its
/// format is that of `kubectl eni limits refresh`.
pub(crate) fn type_overrides(root: &Path) -> Result<Vec<NamedRow>, DiskError> {
    Ok(type_rows(&root.join(TYPE_OVERRIDES))?.unwrap_or_default())
}

/// Returns the rows of a file in the format of `kubectl eni limits refresh`, or `None` if it does not exist.
///
/// # Errors
/// Returns an error if the file cannot be read, or if a row is invalid.
pub fn type_rows(path: &Path) -> Result<Option<Vec<NamedRow>>, DiskError> {
    let Some(text) = read(path)? else { return Ok(None) };
    let rows: Result<Vec<_>, _> = rows(&text).collect();
    let rows =
        rows.map_err(|(line, source)| DiskError::Row { path: path.to_owned(), line, source });
    rows.map(Some)
}
