//! Plan → machine. Doing it twice is the same as doing it once.

mod bottlerocket;

use crate::adapter::bottlerocket::BottlerocketError;
use crate::adapter::disk::{self, DiskError, Outcome};
use crate::adapter::snap::{self, SnapError};
use crate::adapter::systemd::{self, SystemdError};
use eni_core::error::{Advice, ExitCode};
use eni_core::host::Change;
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A change, and what it came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What it was about, as the node calls it.
    pub target: String,
    /// What it came to.
    pub outcome: Outcome,
}

/// A change that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// On the disk.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A file of another program's stands where ours belongs.
    #[error("{} was not written by eni-bootstrap", .0.display())]
    Foreign(PathBuf),
    /// The kubelet's snap would not take its arguments.
    #[error("the kubelet's snap could not be given its arguments")]
    Snap(#[from] SnapError),
    /// Bottlerocket would not take its settings, or would not render them.
    #[error(transparent)]
    Bottlerocket(#[from] BottlerocketError),
    /// systemd did not read its units again.
    #[error(transparent)]
    Systemd(#[from] SystemdError),
}

impl Advice for ApplyError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Disk(error) => error.help(),
            Self::Foreign(_) => {
                "see whose it is, and move it away: two programs cannot share a name".into()
            }
            Self::Snap(error) => error.help(),
            Self::Bottlerocket(error) => error.help(),
            Self::Systemd(error) => error.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Disk(error) => error.exit_code(),
            Self::Foreign(_) => ExitCode::CannotWrite,
            Self::Snap(error) => error.exit_code(),
            Self::Bottlerocket(error) => error.exit_code(),
            Self::Systemd(error) => error.exit_code(),
        }
    }
}

/// Makes every change true under `root`: `/` on a node, a scratch folder in tests. Bottlerocket may
/// take `render_wait` to render the kubelet's files.
pub async fn apply(
    root: &Path,
    changes: &[Change],
    render_wait: Duration,
) -> Result<Vec<Applied>, ApplyError> {
    // All of it is looked at before anything is changed: a refusal must not leave half.
    for change in changes {
        let Some(path) = change.path() else { continue };
        let old = disk::read(&disk::under(root, path))?;
        if old.is_some_and(|old| !change.may_touch(&old)) {
            return Err(ApplyError::Foreign(path.to_owned()));
        }
    }
    let mut applied = Vec::new();
    let mut reload = false;
    for change in changes {
        let outcome = match change {
            Change::File { path, contents } => {
                disk::write_atomic(&disk::under(root, path), contents)?
            }
            Change::Absent { path } => disk::remove(&disk::under(root, path))?,
            Change::SnapArguments { current, arguments } if current == arguments => {
                Outcome::Unchanged
            }
            Change::SnapArguments { arguments, .. } => {
                snap::set_arguments(arguments)?;
                Outcome::Written
            }
            Change::BottlerocketSettings { current, wanted } => {
                bottlerocket::set(root, current, wanted, render_wait).await?
            }
        };
        let is_new = matches!(outcome, Outcome::Written | Outcome::Removed);
        reload |= is_new && change.concerns_systemd();
        applied.push(Applied { target: change.target(), outcome });
    }
    // Only the running system's own files are the running systemd's business.
    if reload && root == Path::new("/") {
        systemd::daemon_reload().await?;
    }
    Ok(applied)
}
