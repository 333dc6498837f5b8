//! One change to the node. Everything that depends on the kind of change is in this file.

use super::bottlerocket::{KubeletSettings, RECORD};
use super::file_text::printable;
use super::snap::RETRY;
use super::{Difference, SnapOption, UnitMismatch};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The first lines of every file that eni-bootstrap owns. The first one identifies such a file.
pub(crate) const NOTICE: &str = "\
# eni-bootstrap writes this file at every boot, before the kubelet starts.
# Edits to this file are overwritten. To change a setting, edit /etc/eni-bootstrap/*.toml.
";

/// The first line of the files that earlier versions wrote.
const OLD_NOTICE: &str =
    "# Written by eni-bootstrap before the kubelet starts, and again at every boot.";

/// The deadline of a `snap` command. Setting an option may restart the kubelet.
const SNAP_DEADLINE: Duration = Duration::from_mins(2);

/// One change to the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Write a file that eni-bootstrap owns.
    OwnedFile {
        /// Absolute path, as the node sees it.
        path: PathBuf,
        /// UTF-8; begins with [`NOTICE`]'s first line and ends with a newline.
        contents: String,
    },
    /// Write a file that other programs or the operator also write.
    SharedFile {
        /// Absolute path, as the node sees it.
        path: PathBuf,
        /// The whole file, including everything that others wrote, as [`super::file_text`] converts it.
        contents: String,
    },
    /// Remove a file that eni-bootstrap owns.
    RemoveFile {
        /// Absolute path, as the node sees it.
        path: PathBuf,
    },
    /// Set an option of a snap.
    SnapOption {
        option: SnapOption,
        /// The current value.
        current: String,
        /// The new value.
        value: String,
    },
    /// Set values in `settings.kubernetes` of Bottlerocket.
    BottlerocketSettings {
        /// The current values of the same keys.
        current: KubeletSettings,
        /// The new values.
        settings: KubeletSettings,
        /// The live value of the label that the CNI reads first, if eni-bootstrap does not set it.
        external_label: Option<String>,
        /// The text of [`RECORD`] during the commit. With it, the next run recognizes the values of
        /// eni-bootstrap whether or not the commit succeeded.
        record_before: String,
        /// The text of [`RECORD`] after the commit.
        record_after: String,
    },
}

/// The effect of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The new contents were written.
    Written,
    /// The contents were the same, so nothing was written.
    Unchanged,
    /// The file was removed.
    Removed,
    /// The file did not exist.
    Absent,
}

/// The current and the new text of a change's target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The target with a leading slash, for the header of a diff.
    pub label: String,
    /// The current text; `None` for a file that does not exist.
    pub current: Option<String>,
    /// The new text; `None` for a file that the change removes.
    pub new: Option<String>,
}

/// A command that a change runs on the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostCommand {
    /// The program: a path, or a name that is found through `PATH`.
    pub program: Cow<'static, str>,
    /// The arguments of the program.
    pub arguments: Vec<String>,
    /// The time after which the command is killed.
    pub deadline: Duration,
    /// The help if the command fails.
    pub help: &'static str,
}

impl HostCommand {
    /// Returns a `snap` command.
    #[must_use]
    pub fn snap(arguments: [&str; 3], help: &'static str) -> Self {
        let arguments = arguments.map(str::to_owned).to_vec();
        Self { program: "snap".into(), arguments, deadline: SNAP_DEADLINE, help }
    }
}

/// The operations on a node that a change needs.
#[expect(async_fn_in_trait, reason = "used in one task, so that no future needs to be Send")]
pub trait System {
    /// Why an operation failed.
    type Error;

    /// Returns the text of a file as [`super::file_text`] converts it, or `None` if it does not exist.
    fn read_file(&self, path: &Path) -> Result<Option<String>, Self::Error>;

    /// Replaces a file atomically. Returns [`Outcome::Written`] or [`Outcome::Unchanged`].
    fn write_file(&self, path: &Path, contents: &str) -> Result<Outcome, Self::Error>;

    /// Removes a file. Returns [`Outcome::Removed`] or [`Outcome::Absent`].
    fn remove_file(&self, path: &Path) -> Result<Outcome, Self::Error>;

    /// Runs a `snap set` command until it ends. Retries while snapd is busy.
    async fn run_snap_set(&self, command: &HostCommand) -> Result<(), Self::Error>;

    /// Commits Bottlerocket's settings, and waits until the kubelet's files contain them.
    async fn set_bottlerocket_settings(
        &self,
        current: &KubeletSettings,
        settings: &KubeletSettings,
    ) -> Result<Outcome, Self::Error>;
}

impl Change {
    /// Returns what the change modifies: a path, or the name of an option.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::OwnedFile { path, .. }
            | Self::SharedFile { path, .. }
            | Self::RemoveFile { path } => path.display().to_string(),
            Self::SnapOption { option, .. } => option.to_string(),
            Self::BottlerocketSettings { .. } => "Bottlerocket settings.kubernetes".to_owned(),
        }
    }

    /// Returns the target and its new text for `plan`, without a final newline.
    #[must_use]
    pub fn show(&self) -> String {
        let target = self.target();
        match self.new_text() {
            Some(text) => format!("{target}:\n{}", indented(&printable(&text))),
            None => format!("{target}: file will be removed"),
        }
    }

    /// Returns the change for `plan --output json`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::OwnedFile { path, contents } | Self::SharedFile { path, contents } => {
                json!({ "path": path, "contents": printable(contents) })
            }
            Self::RemoveFile { path } => json!({ "path": path, "absent": true }),
            Self::SnapOption { option, value, .. } => {
                json!({ "snap": option.snap, "arguments": value })
            }
            Self::BottlerocketSettings { settings, .. } => {
                json!({ "settings.kubernetes": settings })
            }
        }
    }

    /// Returns the change for the result of a run: like [`to_json`](Self::to_json), but without the text of other
    /// programs. It may be confidential, and its file may have another mode than the result.
    #[must_use]
    pub fn to_result_json(&self) -> Value {
        match self {
            Self::SharedFile { path, .. } => json!({ "path": path }),
            Self::SnapOption { option, .. } => json!({ "snap": option.snap }),
            Self::OwnedFile { .. }
            | Self::RemoveFile { .. }
            | Self::BottlerocketSettings { .. } => self.to_json(),
        }
    }

    /// Returns the current and the new text of the target. `read` returns the text of a file on the
    /// node, or `None` if it does not exist.
    pub fn compare<E>(
        &self,
        read: impl Fn(&Path) -> Result<Option<String>, E>,
    ) -> Result<Comparison, E> {
        let current = match self {
            Self::OwnedFile { path, .. }
            | Self::SharedFile { path, .. }
            | Self::RemoveFile { path } => read(path)?,
            Self::SnapOption { current, .. } => Some(format!("{current}\n")),
            Self::BottlerocketSettings { current, .. } => Some(pretty(current)),
        };
        let label = format!("/{}", self.target().trim_start_matches('/'));
        let [current, new] =
            [current, self.new_text()].map(|text| text.map(|text| printable(&text).into_owned()));
        Ok(Comparison { label, current, new })
    }

    /// Returns the path of the file if the change would overwrite or remove a file of another
    /// program.
    pub fn conflict<S: System>(&self, system: &S) -> Result<Option<PathBuf>, S::Error> {
        let path = match self {
            Self::OwnedFile { path, .. } | Self::RemoveFile { path } => path,
            Self::BottlerocketSettings { .. } => Path::new(RECORD),
            Self::SharedFile { .. } | Self::SnapOption { .. } => return Ok(None),
        };
        let is_foreign = system.read_file(path)?.is_some_and(|text| !is_owned(&text));
        Ok(is_foreign.then(|| path.to_owned()))
    }

    /// Applies the change. A second application has no further effect.
    pub async fn apply<S: System>(&self, system: &S) -> Result<Outcome, S::Error> {
        match self {
            Self::OwnedFile { path, contents } | Self::SharedFile { path, contents } => {
                system.write_file(path, contents)
            }
            Self::RemoveFile { path } => system.remove_file(path),
            Self::SnapOption { current, value, .. } if current == value => Ok(Outcome::Unchanged),
            Self::SnapOption { option: SnapOption { snap, key }, value, .. } => {
                let assignment = format!("{key}={value}");
                let help = "run `snap changes` to see whether another change is in progress, then run `eni-bootstrap run` again";
                system.run_snap_set(&HostCommand::snap(["set", snap, &assignment], help)).await?;
                Ok(Outcome::Written)
            }
            Self::BottlerocketSettings {
                current, settings, record_before, record_after, ..
            } => {
                if current != settings {
                    system.write_file(Path::new(RECORD), record_before)?;
                }
                let outcome = system.set_bottlerocket_settings(current, settings).await?;
                system.write_file(Path::new(RECORD), record_after)?;
                Ok(outcome)
            }
        }
    }

    /// Returns the error if the option of a snap has the value `effective` after the change.
    pub fn verify_snap_option(&self, effective: &str) -> Result<(), UnitMismatch> {
        let Self::SnapOption { option: SnapOption { snap, key }, value, .. } = self else {
            return Ok(());
        };
        if effective.trim() == value.trim() {
            return Ok(());
        }
        let (planned, effective) = (value.clone(), effective.trim().to_owned());
        let difference = Difference::SnapOption { key, planned, effective };
        Err(UnitMismatch { subject: snap, difference, retry: RETRY })
    }

    /// Returns whether `systemctl daemon-reload` must follow the change.
    #[must_use]
    pub fn needs_daemon_reload(&self) -> bool {
        match self {
            Self::OwnedFile { path, .. }
            | Self::SharedFile { path, .. }
            | Self::RemoveFile { path } => path.starts_with("/etc/systemd"),
            Self::SnapOption { .. } | Self::BottlerocketSettings { .. } => false,
        }
    }

    /// Returns the text after the change; `None` for a file that is removed.
    fn new_text(&self) -> Option<String> {
        match self {
            Self::OwnedFile { contents, .. } | Self::SharedFile { contents, .. } => {
                Some(contents.clone())
            }
            Self::RemoveFile { .. } => None,
            Self::SnapOption { value, .. } => Some(format!("{value}\n")),
            Self::BottlerocketSettings { settings, .. } => Some(pretty(settings)),
        }
    }
}

/// Returns whether eni-bootstrap may overwrite a file: the file begins with [`NOTICE`] or has no text. After a
/// power loss, a disk that did not execute its flushes leaves empty files and files of NUL bytes.
pub(super) fn is_owned(text: &str) -> bool {
    let notice = NOTICE.lines().next().unwrap_or_default();
    let has_text = text.contains(|character| character != '\0');
    !has_text || text.starts_with(notice) || text.starts_with(OLD_NOTICE)
}

fn pretty(settings: &KubeletSettings) -> String {
    format!("{:#}\n", json!(settings))
}

fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("    {line}") };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
pub(super) mod tests;
