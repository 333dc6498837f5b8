//! The only code that writes to the disk, and the settings files it reads.

use eni_core::domain::limits::{InvalidRow, NamedRow, rows};
use eni_core::host::bottlerocket::USER_DATA;
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// What a new file may be read by: everyone, as its neighbours. None of ours holds a secret.
const MODE: u32 = 0o644;
/// Where one run keeps others out.
const LOCK: &str = "run/eni-bootstrap/lock";
/// Instance types beyond the embedded table.
const TYPE_OVERRIDES: &str = "etc/eni-bootstrap/instance-types.csv";
/// The directories of settings files, the weakest first.
pub const SETTINGS_DIRECTORIES: [&str; 3] =
    ["usr/lib/eni-bootstrap", "etc/eni-bootstrap", "run/eni-bootstrap"];

/// What making a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file says it now.
    Written,
    /// The file said so already, and was not touched.
    Unchanged,
    /// The file is gone.
    Removed,
    /// There was no such file.
    Absent,
}

/// Something on the disk that could not be done.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// A file that is there and cannot be read.
    #[error("could not read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file that could not be written; the old one is whole.
    #[error("could not write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A table of instance types with a line that is no row.
    #[error("{}, line {line} is not an instance type", path.display())]
    Row {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// What stands there.
        source: InvalidRow,
    },
    /// Another run is at work on this machine.
    #[error("another eni-bootstrap is at work on this machine (it holds {})", path.display())]
    Locked {
        /// The lock.
        path: PathBuf,
    },
}

/// `path`, which is absolute as the node sees it, under `root`.
#[must_use]
pub fn under(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

/// The file's text, if there is one.
pub fn read(path: &Path) -> Result<Option<String>, DiskError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(DiskError::Read { path: path.to_owned(), source }),
    }
}

/// What is in a directory, by name; nothing where there is none. One that cannot be read is an error:
/// what it holds would be missed in silence.
pub fn list(directory: &Path) -> Result<Vec<PathBuf>, DiskError> {
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

/// Returns every settings file under `root` in the order in which they are merged: by file name,
/// whatever directory they are in, then the user data of a Bottlerocket bootstrap container.
///
/// Of files with the same name, only the one in the last of [`SETTINGS_DIRECTORIES`] is read. An empty
/// file or a symbolic link to `/dev/null` therefore masks a file in an earlier directory.
///
/// Source: systemd, `conf_files_list` in `src/basic/conf-files.c`.
pub fn settings_files(root: &Path) -> Result<Vec<(PathBuf, String)>, DiskError> {
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

/// The rows of the override file under `root`: instance types that win over the embedded table, so
/// that a new type needs no new release. Its form is that of `limits refresh`.
pub fn type_overrides(root: &Path) -> Result<Vec<NamedRow>, DiskError> {
    let path = root.join(TYPE_OVERRIDES);
    let text = read(&path)?.unwrap_or_default();
    let rows: Result<Vec<_>, _> = rows(&text).collect();
    rows.map_err(|(line, source)| DiskError::Row { path, line, source })
}

/// Makes `path` hold exactly `contents`: all of it or, after a power cut or on a full disk, what it
/// held before. Writes beside the target, flushes, renames over it, and flushes the directory. A
/// file that says so already is not touched.
pub fn write_atomic(path: &Path, contents: &str) -> Result<Outcome, DiskError> {
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
    // Hidden, and with an ending that neither nodeadm (.yaml, .yml, .json) nor systemd (.conf) nor
    // we ourselves (.toml) read: a draft left by a power cut is nobody's file.
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = directory.join(format!(".{name}.eni-bootstrap-partial"));
    let written = draft_and_rename(&draft, path, contents, old.as_ref());
    if written.is_err() {
        // The failure that counts is the one above; a draft that stays does no harm.
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
    // Mode and owner as they were; as everyone's where there was none, whatever the umask says.
    let mode = old.map_or(MODE, |old| old.mode() & 0o7777);
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    if let Some(old) = old {
        fchown(&file, Some(old.uid()), Some(old.gid()))?;
    }
    file.write_all(contents.as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, path)
}

/// Makes sure that there is no file at `path`.
pub fn remove(path: &Path) -> Result<Outcome, DiskError> {
    let failed = |source| DiskError::Write { path: path.to_owned(), source };
    // Looked for first: on a read-only file system the removal of nothing is an error, too.
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Outcome::Absent),
        Err(source) => Err(failed(source)),
        Ok(_) => fs::remove_file(path).map(|()| Outcome::Removed).map_err(failed),
    }
}

/// Held while a run changes the machine. The kernel lets go of it however the run ends.
#[derive(Debug)]
pub struct RunLock {
    _held: Flock<File>,
}

impl RunLock {
    /// Takes the lock under `root`, or says that another run holds it.
    pub fn take(root: &Path) -> Result<Self, DiskError> {
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
