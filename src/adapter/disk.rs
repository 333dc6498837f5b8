//! Reads, writes and locks files. Only this module writes to the disk.

mod input;
mod links;
mod lock;
mod replace;

pub(crate) use lock::RunLock;
pub(crate) use replace::{remove_file, write_atomic};

use eni_core::domain::instance_limits::{InvalidRow, NamedRow, rows};
use eni_core::failure::{Advice, ExitCode, one_line};
use eni_core::host::bottlerocket::USER_DATA;
use eni_core::host::{Outcome, file_text};
use links::FinalLink;
use std::borrow::Cow;
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

/// A failed file operation.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// A file exists but cannot be read.
    #[error("failed to read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The path of a file to read leads to something else, such as a FIFO.
    #[error("{} is {kind}, not a regular file", path.display())]
    NotRegular {
        path: PathBuf,
        /// Such as `a FIFO`.
        kind: &'static str,
    },
    /// A file to read is too large.
    #[error("{} exceeds {} MiB", path.display(), limit >> 20)]
    TooLarge {
        path: PathBuf,
        /// The size limit in bytes.
        limit: u64,
    },
    /// A file cannot be written. The previous file is intact.
    #[error("failed to write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A file cannot be removed.
    #[error("failed to remove {}", path.display())]
    Remove { path: PathBuf, source: io::Error },
    /// A line of the instance type table is invalid.
    #[error("{}, line {line} is not a valid row of the instance type table", path.display())]
    Row {
        path: PathBuf,
        /// The line number, starting at 1.
        line: usize,
        /// The reason why the row is invalid.
        source: InvalidRow,
    },
    /// A file to write is a symbolic link, for example to `/dev/null`.
    #[error("{} is a symbolic link to {}, which is not a regular file", path.display(), target.display())]
    NotAFile {
        path: PathBuf,
        /// The end of the chain of links.
        target: PathBuf,
    },
    /// The lock file is a symbolic link, which could lead to a file of another program.
    #[error("the lock {} is a symbolic link", path.display())]
    LockIsLink { path: PathBuf },
    /// Another process holds the lock.
    #[error("another eni-bootstrap process holds the lock {}", path.display())]
    Locked { path: PathBuf },
}

impl DiskError {
    /// Returns this error about a file to read with another path, such as that of a link to it.
    fn at(self, path: PathBuf) -> Self {
        match self {
            Self::Read { source, .. } => Self::Read { path, source },
            Self::NotRegular { kind, .. } => Self::NotRegular { path, kind },
            Self::TooLarge { limit, .. } => Self::TooLarge { path, limit },
            error => error,
        }
    }

    /// Returns whether the file system or the quota of the user is full. Other programs may free space.
    fn is_full(&self) -> bool {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        let Self::Write { source, .. } = self else { return false };
        matches!(source.kind(), StorageFull | QuotaExceeded)
    }

    /// Returns whether a file or its directory must not be written.
    fn is_read_only(&self) -> bool {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let Self::Write { source, .. } = self else { return false };
        matches!(source.kind(), ReadOnlyFilesystem | PermissionDenied)
    }
}

impl Advice for DiskError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Read { .. } => "run eni-bootstrap as root, or make the file readable",
            Self::NotRegular { path, .. } | Self::TooLarge { path, .. } => {
                return format!(
                    "check which program created {}, and remove it or replace it with a file",
                    path.display()
                )
                .into();
            }
            Self::Write { .. } => {
                "run eni-bootstrap as root, and check that the file system is writable and has free space; the previous file is intact"
            }
            Self::Remove { path, .. } => {
                let directory = path.parent().unwrap_or(path).display();
                return format!(
                    "run eni-bootstrap as root, and check that the file system is writable; for eni-bootstrap.service, add ReadWritePaths={directory} to a drop-in of the unit"
                )
                .into();
            }
            Self::Row { .. } => {
                "correct the line, or create the file again: `eni-bootstrap limits refresh --output FILE`"
            }
            Self::NotAFile { .. } => "remove the link, or replace it with a file",
            Self::LockIsLink { path } => {
                return format!("remove the link: `rm {}`", path.display()).into();
            }
            Self::Locked { .. } => {
                "wait until the other process ends (`systemctl status eni-bootstrap`), or stop it"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Row { .. } => ExitCode::Settings,
            Self::Read { .. }
            | Self::NotRegular { .. }
            | Self::TooLarge { .. }
            | Self::Write { .. }
            | Self::Remove { .. }
            | Self::NotAFile { .. }
            | Self::LockIsLink { .. }
            | Self::Locked { .. } => ExitCode::CannotWrite,
        }
    }
}

/// Returns the absolute path `path` of the node below `root`.
#[must_use]
pub(crate) fn under(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// Returns the text of a file, or `None` if it does not exist. Invalid UTF-8 is replaced.
pub(crate) fn read(path: &Path) -> Result<Option<String>, DiskError> {
    let bytes = input::read(path)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns the text of a file that a user has named on the command line, like [`read`]. The file may be a
/// pipe.
pub(crate) fn read_argument(path: &Path) -> Result<Option<String>, DiskError> {
    let bytes = input::read_argument(path)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Returns the text of the node's file `path` below `root` as [`file_text`] converts it, or `None` if it
/// does not exist. Follows symbolic links below `root`.
pub(crate) fn read_node_file(root: &Path, path: &Path) -> Result<Option<String>, DiskError> {
    let failed = |source| DiskError::Read { path: under(root, path), source };
    let file = links::follow(root, path, FinalLink::Follow).map_err(failed)?;
    let bytes = input::read(&file).map_err(|error| error.at(under(root, path)))?;
    Ok(bytes.map(|bytes| file_text::decode(&bytes)))
}

/// Returns an error if `path` exists, but is not a regular file of limited size.
pub(crate) fn check(path: &Path) -> Result<(), DiskError> {
    match input::read(path) {
        Err(error @ (DiskError::NotRegular { .. } | DiskError::TooLarge { .. })) => Err(error),
        _ => Ok(()),
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
    replace::replace_link(&own, &file, &text).map_err(failed)
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
    let paths = list(&links::follow(root, path, FinalLink::Follow).map_err(failed)?)?;
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
        if let Some(text) = read(&path)? {
            files.push((path, text));
        }
    }
    Ok(files)
}

/// Returns the rows of the override file below `root`, which take precedence over the embedded table. Its
/// format is that of `limits refresh`.
pub(crate) fn type_overrides(root: &Path) -> Result<Vec<NamedRow>, DiskError> {
    let path = root.join(TYPE_OVERRIDES);
    let text = read(&path)?.unwrap_or_default();
    let rows: Result<Vec<_>, _> = rows(&text).collect();
    rows.map_err(|(line, source)| DiskError::Row { path, line, source })
}

impl super::Transient for DiskError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Locked { .. }) || self.is_full()
    }
}
