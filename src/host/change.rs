//! One thing to make true on the machine, and which files are ours to touch.

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
}

impl Change {
    /// The file that it is about; a snap's setting is none.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } | Self::Absent { path } => Some(path),
            Self::SnapArguments { .. } => None,
        }
    }

    /// What it is about, for a reader.
    #[must_use]
    pub fn target(&self) -> String {
        self.path()
            .map_or_else(|| "snap kubelet-eks, args".to_owned(), |it| it.display().to_string())
    }

    /// Whether a file that stands there now may be replaced or removed: one of ours as a whole says so
    /// in its first line, and kubeadm's, which is not, is taken over with what stands in it.
    #[must_use]
    pub fn may_touch(&self, old: &str) -> bool {
        let ours = NOTICE.lines().next().unwrap_or_default();
        let whole = match self {
            Self::File { contents, .. } => contents.starts_with(ours),
            Self::Absent { .. } => true,
            Self::SnapArguments { .. } => false,
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
