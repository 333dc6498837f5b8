//! Applies the changes of a plan to the node. Applying them twice has the same effect as applying them once.

pub(crate) mod effect;

use crate::adapter::bottlerocket_api::BottlerocketError;
use crate::adapter::bottlerocket_commit;
use crate::adapter::disk::{self, DiskError};
use crate::adapter::host_command::{self, CommandError};
use crate::adapter::image_files::{self, ImageError};
use crate::adapter::{Context, Transient, systemd};
use eni_core::failure::{Advice, ExitCode};
use eni_core::host::bottlerocket::KubeletSettings;
use eni_core::host::{Change, HostCommand, Image, Outcome, System, UnitMismatch};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A change and its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The file or the settings that were changed.
    pub target: String,
    pub outcome: Outcome,
}

/// A failed change.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// A file cannot be read, written or removed.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The path of a new file belongs to a file that eni-bootstrap did not write.
    #[error("{} was not written by eni-bootstrap", .0.display())]
    NotOwned(PathBuf),
    /// Another program changed a file or a snap option after the changes were computed from it.
    #[error("{0} changed after eni-bootstrap read it")]
    Changed(String),
    /// Another program changed a file after the changes were applied.
    #[error("{} changed after eni-bootstrap wrote it", .0.display())]
    Overwritten(PathBuf),
    /// The image cannot be read again.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// A command of the node failed.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The files of a unit have changed since systemd read them.
    #[error("systemd has not read the current files of {0}")]
    NotReloaded(&'static str),
    /// The node would execute something else than planned.
    #[error("the kubelet would not start with the planned configuration")]
    NotEffective(#[from] UnitMismatch),
    /// Bottlerocket's settings cannot be changed, or are not rendered.
    #[error(transparent)]
    Bottlerocket(#[from] BottlerocketError),
}

impl Advice for ApplyError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Disk(error) => error.help(),
            Self::NotOwned(path) => format!(
                "check which program owns {}, then rename or remove the file",
                path.display()
            )
            .into(),
            Self::Changed(target) => format!(
                "find the program that changes {target}, and run the command again after that program has ended"
            )
            .into(),
            Self::Overwritten(path) => format!(
                "find the program that changes {}, and run the command again after that program has ended",
                path.display()
            )
            .into(),
            Self::Image(error) => error.help(),
            Self::Command(error) => error.help(),
            Self::NotReloaded(unit) => format!(
                "run `systemctl daemon-reload`; if the error remains, check which program changes the files of {unit} (`systemctl cat {unit}`)"
            )
            .into(),
            Self::NotEffective(error) => error.help(),
            Self::Bottlerocket(error) => error.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Disk(_)
            | Self::NotOwned(_)
            | Self::Changed(_)
            | Self::Overwritten(_)
            | Self::NotReloaded(_) => ExitCode::CannotWrite,
            Self::Image(error) => error.exit_code(),
            Self::NotEffective(error) => error.exit_code(),
            Self::Command(error) => error.exit_code(),
            Self::Bottlerocket(error) => error.exit_code(),
        }
    }
}

impl Transient for ApplyError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Disk(error) => error.is_transient(),
            Self::Command(error) => error.is_transient(),
            Self::NotReloaded(_) => true,
            _ => false,
        }
    }
}

/// The node below the root directory of `context`.
struct Node<'a> {
    context: &'a Context,
    render_wait: Duration,
}

impl System for Node<'_> {
    type Error = ApplyError;

    fn read_file(&self, path: &Path) -> Result<Option<String>, ApplyError> {
        Ok(disk::read_node_file(&self.context.root, path)?)
    }

    fn write_file(&self, path: &Path, contents: &str) -> Result<Outcome, ApplyError> {
        Ok(disk::write_node_file(&self.context.root, path, contents)?)
    }

    fn remove_file(&self, path: &Path) -> Result<Outcome, ApplyError> {
        Ok(disk::remove_node_file(&self.context.root, path)?)
    }

    async fn run_snap_set(&self, command: &HostCommand) -> Result<(), ApplyError> {
        Ok(host_command::run_snap_set(command).await?)
    }

    async fn set_bottlerocket_settings(
        &self,
        current: &KubeletSettings,
        settings: &KubeletSettings,
    ) -> Result<Outcome, ApplyError> {
        let Self { context, render_wait } = *self;
        Ok(bottlerocket_commit::commit(context, current, settings, render_wait).await?)
    }
}

/// Applies every change below the root of `context`. Bottlerocket may take `render_wait` to render
/// the kubelet's files.
///
/// The changes were computed from `image`. If a file or a snap option has changed since, nothing is applied
/// and the result is [`ApplyError::Changed`].
pub async fn apply(
    context: &Context,
    changes: &[Change],
    image: &Image,
    render_wait: Duration,
) -> Result<Vec<Applied>, ApplyError> {
    let node = Node { context, render_wait };
    let root = &context.root;
    // Check all changes before the first one is applied, so that a conflict leaves the node unchanged.
    for change in changes {
        if let Some(path) = change.conflict(&node)? {
            return Err(ApplyError::NotOwned(path));
        }
    }
    if let Some(target) = image_files::read(root).await?.image.change_since(image) {
        return Err(ApplyError::Changed(target));
    }
    let mut applied = Vec::new();
    let mut needs_reload = false;
    let mut absent = Vec::new();
    for change in changes {
        let outcome = change.apply(&node).await?;
        let is_new = matches!(outcome, Outcome::Written | Outcome::Removed);
        needs_reload |= is_new && change.needs_daemon_reload();
        if let (Change::RemoveFile { path }, Outcome::Absent) = (change, outcome) {
            absent.push(path.as_path());
        }
        context.recorder.changed(change.target(), outcome);
        applied.push(Applied { target: change.target(), outcome });
    }
    if systemd::manages(root) && (needs_reload || effect::is_any_loaded(&absent).await?) {
        effect::reload().await?;
    }
    Ok(applied)
}

/// Checks that the changes that other programs could have reverted since [`apply`] are still in effect, and
/// applies them once more if they are not.
pub(crate) async fn confirm(
    context: &Context,
    changes: &[Change],
    render_wait: Duration,
) -> Result<(), ApplyError> {
    for change in changes {
        if let Change::BottlerocketSettings { settings, external_label, .. } = change {
            let label = external_label.as_deref();
            bottlerocket_commit::confirm(context, settings, label, render_wait).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::Recorder;
    use eni_core::run_result::{ChangeOutcome, ChangeResult};

    #[tokio::test]
    async fn the_changes_before_one_that_fails_are_recorded() {
        let root = tempfile::tempdir().unwrap();
        std::fs::File::create(root.path().join("file")).unwrap();
        let recorder = Recorder::start();
        let context = Context {
            root: root.path().to_owned(),
            recorder: recorder.clone(),
            ..Context::default()
        };
        let shared = |path: &str| Change::SharedFile { path: path.into(), contents: "a\n".into() };
        let image = image_files::read(root.path()).await.unwrap().image;
        for _ in 0..2 {
            let changes = [shared("/written"), shared("/file/b"), shared("/later")];
            let error = apply(&context, &changes, &image, Duration::ZERO).await.unwrap_err();
            let path = root.path().join("file/b");
            assert_eq!(error.to_string(), format!("failed to write {}", path.display()));
        }
        let target = "/written".to_owned();
        let expected = [ChangeResult { target, outcome: ChangeOutcome::Written }];
        assert_eq!(recorder.finish().unwrap().changes, expected);
    }
}
