//! Files that need no flush: those of the current boot, and those that a run replaces in any case.

use super::replace::{create_directories, draft_path};
use super::{DiskError, under};
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Replaces the node's file `path` below `root` atomically, with these permission bits. Does not follow a symbolic link at
/// `path`. After a power failure, the file may be empty.
pub(crate) fn write_volatile(
    root: &Path,
    path: &Path,
    contents: &[u8],
    mode: u32,
) -> Result<(), DiskError> {
    let path = under(root, path);
    let draft = draft_path(&path);
    let written = write(&path, &draft, contents, mode);
    written.map_err(|source| {
        // Report the first error. A remaining temporary file has no effect.
        let _ = fs::remove_file(&draft);
        DiskError::Write { path, source }
    })
}

fn write(path: &Path, draft: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    path.parent().map_or(Ok(()), create_directories)?;
    remove(draft)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(draft)?;
    // The umask may restrict the mode of a new file.
    file.set_permissions(Permissions::from_mode(mode))?;
    file.write_all(contents)?;
    fs::rename(draft, path)
}

/// Removes the node's file `path` below `root`, and its temporary file, if they exist.
pub(crate) fn remove_volatile(root: &Path, path: &Path) -> Result<(), DiskError> {
    let path = under(root, path);
    let removed = remove(&draft_path(&path)).and_then(|()| remove(&path));
    removed.map_err(|source| DiskError::Remove { path, source })
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            // On a read-only file system, removing a file that does not exist is an error.
            if fs::symlink_metadata(path).is_ok() { Err(error) } else { Ok(()) }
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_replaced_with_its_mode_and_without_its_link() {
        let root = tempfile::tempdir().unwrap();
        let other = root.path().join("other");
        fs::File::create(&other).unwrap();
        let path = Path::new("/run/eni-bootstrap/result.json");
        let file = root.path().join("run/eni-bootstrap/result.json");
        write_volatile(root.path(), path, b"first", 0o644).unwrap();
        remove_volatile(root.path(), path).unwrap();
        remove_volatile(root.path(), path).unwrap();
        symlink(&other, &file).unwrap();
        // The temporary file of a run that was killed.
        symlink(&other, draft_path(&file)).unwrap();
        write_volatile(root.path(), path, b"second", 0o600).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"second");
        assert_eq!(fs::read(&other).unwrap(), b"");
        let metadata = fs::symlink_metadata(&file).unwrap();
        assert!(metadata.is_file());
        assert_eq!(metadata.permissions().mode() & 0o7777, 0o600);
        assert_eq!(file.parent().unwrap().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_directory_at_the_path_is_an_error() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        let error = write_volatile(root.path(), Path::new("/a"), b"", 0o644).unwrap_err();
        assert_eq!(error.to_string(), format!("failed to write {}/a", root.path().display()));
        let error = remove_volatile(root.path(), Path::new("/a")).unwrap_err();
        assert_eq!(error.to_string(), format!("failed to remove {}/a", root.path().display()));
        assert_eq!(root.path().read_dir().unwrap().count(), 1);
    }
}
