//! Reads, writes and locks files. Only this module writes to the disk.

use eni_core::domain::instance_limits::{InvalidRow, NamedRow, rows};
use eni_core::failure::{Advice, ExitCode};
use eni_core::host::Outcome;
use eni_core::host::bottlerocket::USER_DATA;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// The mode of a new file. The files contain no secrets, so everyone may read them.
const MODE: u32 = 0o644;
/// The lock file, relative to the root. Only one process at a time may change the node.
const LOCK: &str = "run/eni-bootstrap/lock";
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
    /// A file cannot be written or removed. The previous file is intact.
    #[error("failed to write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A line of the instance type table is invalid.
    #[error("{}, line {line} is not a valid row of the instance type table", path.display())]
    Row {
        path: PathBuf,
        /// The line number, starting at 1.
        line: usize,
        /// The reason why the row is invalid.
        source: InvalidRow,
    },
    /// Another process holds the lock.
    #[error("another eni-bootstrap process holds the lock {}", path.display())]
    Locked { path: PathBuf },
}

impl Advice for DiskError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Read { .. } => "run eni-bootstrap as root, or make the file readable",
            Self::Write { .. } => {
                "run eni-bootstrap as root, and check that the file system is writable and has free space; the previous file is intact"
            }
            Self::Row { .. } => {
                "correct the line, or create the file again: `eni-bootstrap limits refresh --output FILE`"
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
            Self::Read { .. } | Self::Write { .. } | Self::Locked { .. } => ExitCode::CannotWrite,
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
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DiskError::Read { path: path.to_owned(), source }),
    }
}

/// Returns the paths in a directory, ordered by name; empty if the directory does not exist.
pub(crate) fn list(directory: &Path) -> Result<Vec<PathBuf>, DiskError> {
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

/// Replaces the file at `path` atomically, unless it already has these contents. Keeps its mode and owner.
///
/// Writes a temporary file in the same directory, flushes it, renames it, and flushes the directory. After a
/// power failure or on a full disk, the file has its previous contents.
pub(crate) fn write_atomic(path: &Path, contents: &str) -> Result<Outcome, DiskError> {
    let failed = |source| DiskError::Write { path: path.to_owned(), source };
    let old = match File::open(path) {
        Ok(file) => Some(file.metadata().map_err(failed)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(failed(source)),
    };
    if old.is_some() && fs::read(path).map_err(failed)? == contents.as_bytes() {
        return Ok(Outcome::Unchanged);
    }
    let directory = path.parent().unwrap_or_else(|| Path::new("/"));
    fs::create_dir_all(directory).map_err(failed)?;
    // A power failure may leave the temporary file behind. nodeadm (.yaml, .yml, .json), systemd (.conf) and
    // eni-bootstrap (.toml) ignore its extension.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = directory.join(format!(".{name}.eni-bootstrap-partial"));
    let written = draft_and_rename(&draft, path, contents, old.as_ref());
    if written.is_err() {
        // Report the first error. A remaining temporary file has no effect.
        let _ = fs::remove_file(&draft);
    }
    written.map_err(failed)?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    Ok(Outcome::Written)
}

fn draft_and_rename(
    draft: &Path,
    path: &Path,
    contents: &str,
    old: Option<&fs::Metadata>,
) -> io::Result<()> {
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(MODE).open(draft)?;
    // Set the mode explicitly, because the umask may restrict that of a new file.
    let mode = old.map_or(MODE, |old| old.mode() & 0o7777);
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    if let Some(old) = old {
        fchown(&file, Some(old.uid()), Some(old.gid()))?;
    }
    file.write_all(contents.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)
}

/// Removes the file at `path`, if it exists.
pub(crate) fn remove(path: &Path) -> Result<Outcome, DiskError> {
    let failed = |source| DiskError::Write { path: path.to_owned(), source };
    // On a read-only file system, removing a file that does not exist is an error.
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Outcome::Absent),
        Err(source) => Err(failed(source)),
        Ok(_) => fs::remove_file(path).map(|()| Outcome::Removed).map_err(failed),
    }
}

/// The lock of a process that changes the node. The kernel releases it when the process ends.
#[derive(Debug)]
pub(crate) struct RunLock {
    _held: Flock<File>,
}

impl RunLock {
    /// Takes the lock below `root`. Returns [`DiskError::Locked`] if another process holds it.
    pub(crate) fn take(root: &Path) -> Result<Self, DiskError> {
        let path = root.join(LOCK);
        let failed = |source| DiskError::Write { path: path.clone(), source };
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(failed)?;
        }
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(MODE)
            .open(&path)
            .map_err(failed)?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(held) => Ok(Self { _held: held }),
            Err((_, Errno::EWOULDBLOCK)) => Err(DiskError::Locked { path }),
            Err((_, error)) => Err(failed(error.into())),
        }
    }
}

impl super::Transient for DiskError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Locked { .. })
    }
}
