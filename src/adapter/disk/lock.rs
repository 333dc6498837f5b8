//! The lock of a process that changes the node.

use super::DiskError;
use super::replace::create_directories;
use nix::errno::Errno;
use nix::fcntl::OFlag;
use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// The lock file, relative to the root. Only one process at a time may change the node.
const LOCK: &str = "run/eni-bootstrap/lock";
/// The mode of the lock file. A user who can open the file can hold the lock.
const LOCK_MODE: u32 = 0o600;

/// The lock of a process that changes the node. The kernel releases it when the file is closed.
#[derive(Debug)]
pub(crate) struct RunLock {
    _held: File,
}

impl RunLock {
    /// Takes the lock below `root`. Returns [`DiskError::Locked`] if another process holds it.
    pub(crate) fn take(root: &Path) -> Result<Self, DiskError> {
        let path = root.join(LOCK);
        let failed = |source| DiskError::Lock { path: path.clone(), source };
        if let Some(directory) = path.parent() {
            create_directories(directory).map_err(failed)?;
        }
        let file = match open(&path) {
            Ok(file) => file,
            Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
                return Err(DiskError::LockIsLink { path });
            }
            Err(error) if error.raw_os_error() == Some(Errno::ENXIO as i32) => {
                return Err(DiskError::NotRegular { path, kind: "a FIFO" });
            }
            Err(error) => return Err(failed(error)),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) => Err(DiskError::Locked { path }),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

/// Opens or creates the lock file, and corrects the mode of a file that an earlier version created.
fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(LOCK_MODE)
        // Without O_NONBLOCK, opening a FIFO waits for a reader.
        .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).bits())
        .open(path)?;
    if file.metadata()?.permissions().mode() & 0o7777 != LOCK_MODE {
        file.set_permissions(Permissions::from_mode(LOCK_MODE))?;
    }
    Ok(file)
}
