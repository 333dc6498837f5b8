//! One thing to make true on the machine, and which files are ours to touch.

use super::bottlerocket::KubeletSettings;
use std::path::{Path, PathBuf};

/// One thing to make true on the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A file with exactly these contents.
    File {
        /// Absolute, as the node sees it.
        path: PathBuf,
        /// UTF-8, ending in a newline.
        contents: String,
    },
    /// No such file: another host's, from before an upgrade of the image.
    Absent {
        /// Absolute, as the node sees it.
        path: PathBuf,
    },
    /// These arguments of the kubelet's snap.
    SnapArguments {
        /// As they are.
        current: String,
        /// As they should be.
        arguments: String,
    },
    /// These settings of Bottlerocket's.
    BottlerocketSettings {
        /// As they are, of the same keys.
        current: KubeletSettings,
        /// As they should be.
        wanted: KubeletSettings,
    },
}

impl Change {
    /// The file that it is about; a snap's or Bottlerocket's setting is none.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } | Self::Absent { path } => Some(path),
            Self::SnapArguments { .. } | Self::BottlerocketSettings { .. } => None,
        }
    }

    /// What it is about, for a reader.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::File { path, .. } | Self::Absent { path } => path.display().to_string(),
            Self::SnapArguments { .. } => "snap kubelet-eks, args".to_owned(),
            Self::BottlerocketSettings { .. } => "Bottlerocket's settings.kubernetes".to_owned(),
        }
    }

    /// Whether a file that stands there now may be replaced or removed: one of ours as a whole says so
    /// in its first line, and kubeadm's, which is not, is taken over with what stands in it.
    #[must_use]
    pub fn may_touch(&self, old: &str) -> bool {
        let ours = NOTICE.lines().next().unwrap_or_default();
        let whole = match self {
            Self::File { contents, .. } => contents.starts_with(ours),
            Self::Absent { .. } => true,
            Self::SnapArguments { .. } | Self::BottlerocketSettings { .. } => false,
        };
        !whole || old.is_empty() || old.starts_with(ours)
    }

    /// Whether systemd must read its units again before it takes effect.
    #[must_use]
    pub fn concerns_systemd(&self) -> bool {
        self.path().is_some_and(|path| path.starts_with("/etc/systemd"))
    }
}

/// The first lines of every file we write.
pub(crate) const NOTICE: &str = "\
# Written by eni-bootstrap before the kubelet starts, and again at every boot.
# Settings belong in /etc/eni-bootstrap/*.toml; a change made here is lost.
";
