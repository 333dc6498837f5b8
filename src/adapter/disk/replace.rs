//! Replaces and removes files, so that a power failure leaves either the previous or the new state.

use super::{DiskError, input};
use eni_core::failure::one_line;
use eni_core::host::Outcome;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown,
};
use std::path::{Path, PathBuf};
use tracing::warn;

/// The mode of a new file. The files contain no secrets, so everyone may read them.
const MODE: u32 = 0o644;
/// The mode of a new directory. If every user could add files to it, each could configure the kubelet.
const DIRECTORY_MODE: u32 = 0o755;

/// Creates a directory and its parents, if they do not exist. Only their owner can add files, also if the
/// umask allows more.
pub(super) fn create_directories(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(DIRECTORY_MODE).create(path)
}

/// Returns the path of the temporary file of [`write_atomic`].
///
/// A power failure may leave it behind. nodeadm (.yaml, .yml, .json), systemd (.conf) and eni-bootstrap
/// (.toml) ignore its extension.
pub(super) fn draft_path(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.eni-bootstrap-partial"))
}

/// Replaces the file at `path` atomically, unless it already has these contents. Keeps its mode and, if
/// possible, its owner. Replaces a symbolic link.
///
/// Writes a temporary file in the same directory, flushes it, renames it, and flushes the directory. After a
/// power failure or on a full disk, the file has its previous contents. A file for which this function returned
/// a result has the new contents after a power failure. Removes the temporary file of a run that was killed.
///
/// # Errors
/// Returns an error if the file cannot be written.
pub fn write_atomic(path: &Path, contents: &[u8]) -> Result<Outcome, DiskError> {
    let failed = |source| DiskError::Write { path: path.to_owned(), source };
    let old = metadata(path).map_err(failed)?;
    match input::read(path, input::LIMIT) {
        Ok(Some(current)) if current == contents => {
            // A remaining temporary file has no effect, and the file system may be read-only.
            let _ = fs::remove_file(draft_path(path));
            flush_earlier(path, sync)?;
            return Ok(Outcome::Unchanged);
        }
        Err(error @ DiskError::Read { .. }) => return Err(error),
        _ => {}
    }
    replace(path, contents, old.as_ref())
}

/// Replaces the symbolic link `link` with a file that has these contents, and the mode and the owner of
/// `target`.
pub(super) fn replace_link(
    link: &Path,
    target: &Path,
    contents: &[u8],
) -> Result<Outcome, DiskError> {
    let failed = |source| DiskError::Write { path: link.to_owned(), source };
    replace(link, contents, metadata(target).map_err(failed)?.as_ref())
}

/// Returns the metadata of a file that can be opened; `None` if it does not exist.
fn metadata(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match input::open(path) {
        Ok(file) => file.metadata().map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn replace(path: &Path, contents: &[u8], old: Option<&fs::Metadata>) -> Result<Outcome, DiskError> {
    let directory = directory_of(path);
    let parents_of_new = parents_of_missing(directory);
    let draft = draft_path(path);
    let written =
        create_directories(directory).and_then(|()| draft_and_rename(&draft, path, contents, old));
    written.map_err(|source| {
        // Report the first error. A remaining temporary file has no effect.
        let _ = fs::remove_file(&draft);
        DiskError::Write { path: path.to_owned(), source }
    })?;
    let flush_failed = |source| DiskError::Flush { path: path.to_owned(), source };
    sync(directory).map_err(flush_failed)?;
    // Without this, a file system may lose a new directory in a power failure.
    parents_of_new.into_iter().try_for_each(sync).map_err(flush_failed)?;
    Ok(Outcome::Written)
}

/// Returns the parents of the directories that must be created for `directory`, the deepest one first.
fn parents_of_missing(directory: &Path) -> Vec<&Path> {
    let missing = directory.ancestors().take_while(|it| *it != Path::new("") && !it.exists());
    missing.map(directory_of).collect()
}

fn draft_and_rename(
    draft: &Path,
    path: &Path,
    contents: &[u8],
    old: Option<&fs::Metadata>,
) -> io::Result<()> {
    // The temporary file of a run that was killed.
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(draft)?;
    // Set the mode explicitly, because the umask may restrict that of a new file.
    let mode = old.map_or(MODE, |old| old.mode() & 0o7777);
    file.set_permissions(Permissions::from_mode(mode))?;
    if let Some(old) = old {
        keep_owner(&file, path, old)?;
    }
    file.write_all(contents)?;
    file.sync_all()?;
    fs::rename(draft, path)
}

/// Gives `file`, which replaces `path`, the owner of the old file. Logs a warning if this is not possible:
/// the systemd unit has no `CAP_CHOWN`, and the kubelet and systemd read the file as root.
fn keep_owner(file: &File, path: &Path, old: &fs::Metadata) -> io::Result<()> {
    let new = file.metadata()?;
    let owner = |file: &fs::Metadata| format!("user {}, group {}", file.uid(), file.gid());
    if owner(&new) != owner(old)
        && let Err(error) = fchown(file, Some(old.uid()), Some(old.gid()))
    {
        warn!(
            "apply: failed to keep the owner of {}: {} ({}); the new owner is {}",
            path.display(),
            owner(old),
            one_line(&error),
            owner(&new)
        );
    }
    Ok(())
}

/// Removes the file at `path`, if it exists, and flushes its directory. Removes a symbolic link, not its
/// target.
pub(crate) fn remove_file(path: &Path) -> Result<Outcome, DiskError> {
    remove_and_sync(path, sync)
}

fn remove_and_sync(
    path: &Path,
    sync: impl FnOnce(&Path) -> io::Result<()>,
) -> Result<Outcome, DiskError> {
    let failed = |source| DiskError::Remove { path: path.to_owned(), source };
    // On a read-only file system, removing a file that does not exist is an error.
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            flush_earlier(path, sync)?;
            return Ok(Outcome::Absent);
        }
        Err(source) => return Err(failed(source)),
        Ok(_) => fs::remove_file(path).map_err(failed)?,
    }
    // Without this, the file may exist again after a power failure.
    sync(directory_of(path))
        .map_err(|source| DiskError::Flush { path: path.to_owned(), source })?;
    Ok(Outcome::Removed)
}

/// Flushes the directory of a file that has not changed: a run that was killed may have replaced or removed
/// the file without flushing the directory.
fn flush_earlier(path: &Path, sync: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), DiskError> {
    use io::ErrorKind::{InvalidInput, NotADirectory, NotFound, ReadOnlyFilesystem};
    match sync(directory_of(path)) {
        // The directory does not exist, or its file system cannot be written: no run has changed it.
        Err(error)
            if ![InvalidInput, NotADirectory, NotFound, ReadOnlyFilesystem]
                .contains(&error.kind()) =>
        {
            Err(DiskError::Flush { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        Some(_) => Path::new("."),
        None => Path::new("/"),
    }
}

fn sync(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn the_parents_of_new_directories_are_flushed() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("etc/eks");
        assert_eq!(parents_of_missing(&directory), [&root.path().join("etc"), root.path()]);
        fs::create_dir(root.path().join("etc")).unwrap();
        assert_eq!(parents_of_missing(&directory), [root.path().join("etc")]);
        fs::create_dir(&directory).unwrap();
        assert_eq!(parents_of_missing(&directory), Vec::<&Path>::new());
        assert_eq!(parents_of_missing(Path::new("missing")), [Path::new(".")]);
    }

    #[test]
    fn the_directory_is_flushed_after_a_removal() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        File::create(&path).unwrap();
        let flushed = RefCell::new(Vec::new());
        let remove = || {
            remove_and_sync(&path, |directory| {
                assert!(!path.exists(), "the directory is flushed after the removal");
                flushed.borrow_mut().push(directory.to_owned());
                Ok(())
            })
            .unwrap()
        };
        assert_eq!(remove(), Outcome::Removed);
        // A run that was killed may have removed the file without flushing the directory.
        assert_eq!(remove(), Outcome::Absent);
        assert_eq!(*flushed.borrow(), [directory.path(); 2]);
        let unsupported = remove_and_sync(&path, |_| Err(io::ErrorKind::InvalidInput.into()));
        assert_eq!(unsupported.unwrap(), Outcome::Absent);
        File::create(&path).unwrap();
        let failed = remove_and_sync(&path, |_| Err(io::ErrorKind::StorageFull.into()));
        let message = format!(
            "failed to flush {} to the disk after {} was changed",
            directory.path().display(),
            path.display()
        );
        assert_eq!(failed.unwrap_err().to_string(), message);
    }
}
