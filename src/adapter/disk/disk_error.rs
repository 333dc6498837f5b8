//! The error of a file operation.

use crate::adapter::Transient;
use eni_core::domain::instance_limits::InvalidRow;
use eni_core::failure::{Advice, ExitCode};
use nix::errno::Errno;
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

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
    #[error("{} exceeds {}", path.display(), size(*limit))]
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
    /// The directory of a file cannot be flushed after the file was replaced or removed.
    #[error("failed to flush {} to the disk after {} was changed", parent(path).display(), path.display())]
    Flush { path: PathBuf, source: io::Error },
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
    /// The lock file cannot be created or locked.
    #[error("failed to take the lock {}", path.display())]
    Lock { path: PathBuf, source: io::Error },
    /// The lock file is a symbolic link, which could lead to a file of another program.
    #[error("the lock {} is a symbolic link", path.display())]
    LockIsLink { path: PathBuf },
    /// Another process holds the lock.
    #[error("another eni-bootstrap process holds the lock {}", path.display())]
    Locked { path: PathBuf },
}

impl DiskError {
    /// Returns this error about a file to read with another path, such as that of a link to it.
    pub(super) fn at(self, path: PathBuf) -> Self {
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
        let (Self::Write { source, .. } | Self::Lock { source, .. }) = self else { return false };
        matches!(source.kind(), StorageFull | QuotaExceeded)
    }

    /// Returns whether a file or its directory must not be written.
    pub(super) fn is_read_only(&self) -> bool {
        use io::ErrorKind::{PermissionDenied, ReadOnlyFilesystem};
        let Self::Write { source, .. } = self else { return false };
        matches!(source.kind(), ReadOnlyFilesystem | PermissionDenied)
    }
}

/// Returns a number of bytes as text.
fn size(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{} KiB", bytes >> 10),
        mebibytes => format!("{mebibytes} MiB"),
    }
}

impl Advice for DiskError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Read { .. } => "run eni-bootstrap as root, or make the file readable",
            Self::NotRegular { path, .. } | Self::TooLarge { path, .. } => {
                return format!(
                    "remove {}, or replace it with the correct file; check which program created it",
                    path.display()
                )
                .into();
            }
            Self::Write { path, source } if source.kind() == io::ErrorKind::ResourceBusy => {
                return format!(
                    "another file system is mounted on the file; run `umount {}`",
                    path.display()
                )
                .into();
            }
            Self::Write { path, source } if source.raw_os_error() == Some(Errno::EPERM as i32) => {
                return format!(
                    "run eni-bootstrap as root; if the file is immutable (`lsattr {0}`), run `chattr -i {0}`",
                    path.display()
                )
                .into();
            }
            Self::Write { .. } => {
                "run eni-bootstrap as root, and check that the file system is writable and has free space; in eni-bootstrap.service, ReadWritePaths= must contain the directory; the previous file is intact"
            }
            Self::Remove { path, .. } => {
                let directory = parent(path).display();
                return format!(
                    "run eni-bootstrap as root, and check that the file system is writable; for eni-bootstrap.service, add ReadWritePaths={directory} to a drop-in of the unit"
                )
                .into();
            }
            Self::Flush { .. } => {
                "check the disk for errors (`dmesg`), then run the command again; the change is complete, but a power failure may revert it"
            }
            Self::Row { .. } => {
                "correct the line, or create the file again: `kubectl eni limits refresh --region REGION --output FILE`"
            }
            Self::NotAFile { .. } => "remove the link, or replace it with a file",
            Self::Lock { path, .. } => {
                return format!(
                    "run eni-bootstrap as root, and check that the file system of {} is writable and has free space; no file of the node was changed",
                    parent(path).display()
                )
                .into();
            }
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
            | Self::Flush { .. }
            | Self::NotAFile { .. }
            | Self::Lock { .. }
            | Self::LockIsLink { .. }
            | Self::Locked { .. } => ExitCode::CannotWrite,
        }
    }
}

impl Transient for DiskError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Locked { .. }) || self.is_full()
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
