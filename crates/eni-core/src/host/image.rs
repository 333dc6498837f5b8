//! The contents of a node image. The families request them, and the agent reads them into an
//! [`Image`].

use super::bottlerocket::Bottlerocket;
use super::{kubelet_unit, unit_file};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A request to read something from an image. Paths are absolute, as the node sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The first of these files that exists.
    FirstOf(Vec<PathBuf>),
    /// Every file in a directory that has one of these extensions, in either case.
    Directory {
        /// The directory, which may be missing.
        path: PathBuf,
        /// The extensions in lower case, without the dot.
        extensions: &'static [&'static str],
    },
    /// The files that `kubelet.service` names, after the earlier requests for the unit and its
    /// drop-ins: [`Image::environment_files`], and [`Image::kubelet_program`] if it is a script.
    KubeletUnitFiles,
    /// A configuration option of a snap, if the image has the unit of the snap.
    SnapOption {
        option: SnapOption,
        /// The unit, which an earlier [`Read::FirstOf`] reads.
        unit: &'static str,
    },
}

impl Read {
    /// Returns the request for one file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> Self {
        Self::FirstOf(vec![path.into()])
    }

    /// Returns whether a directory request includes this file.
    pub(crate) fn includes(&self, file: &Path) -> bool {
        let Self::Directory { path, extensions } = self else { return false };
        let extension = file.extension().unwrap_or_default().to_ascii_lowercase();
        file.parent() == Some(path) && extensions.iter().any(|it| extension == **it)
    }
}

/// A configuration option of a snap, as in `snap get SNAP KEY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapOption {
    pub snap: &'static str,
    pub key: &'static str,
}

/// The contents of a node image that the families requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    files: BTreeMap<PathBuf, String>,
    snap_options: BTreeMap<SnapOption, String>,
    /// Bottlerocket's settings; `None` outside of a Bottlerocket bootstrap container.
    pub bottlerocket: Option<Bottlerocket>,
}

impl Image {
    /// Adds a file by its absolute path.
    pub fn insert_file(&mut self, path: impl Into<PathBuf>, text: impl Into<String>) {
        self.files.insert(path.into(), text.into());
    }

    /// Adds an option of a snap. The value of an unset option is empty.
    pub fn insert_snap_option(&mut self, option: SnapOption, value: impl Into<String>) {
        self.snap_options.insert(option, value.into());
    }

    /// Returns the text of a file; `None` if it does not exist or was not requested.
    #[must_use]
    pub fn file(&self, path: impl AsRef<Path>) -> Option<&str> {
        self.files.get(path.as_ref()).map(String::as_str)
    }

    /// Returns the names and the texts of the files in a directory, ordered by name.
    pub(crate) fn directory<'a>(
        &'a self,
        path: &'a Path,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files = self.files.iter().filter(move |(file, _)| file.parent() == Some(path));
        files.filter_map(|(file, text)| Some((file.file_name()?.to_str()?, text.as_str())))
    }

    /// Returns the text of a systemd unit without its drop-ins; `None` if the unit does not exist.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<&str> {
        unit_file::paths(name).into_iter().find_map(|path| self.file(path))
    }

    /// Returns the paths of the environment files of `kubelet.service`, without those that
    /// eni-bootstrap and nodeadm write.
    #[must_use]
    pub fn environment_files(&self) -> Vec<PathBuf> {
        kubelet_unit::environment_files(self)
    }

    /// Returns the path of the program in `kubelet.service` that is the kubelet, or may be a script
    /// that starts it.
    #[must_use]
    pub fn kubelet_program(&self) -> Option<PathBuf> {
        kubelet_unit::program(self)
    }

    /// Returns the value of a snap's option; `None` if the snap is not installed.
    #[must_use]
    pub fn snap_option(&self, option: SnapOption) -> Option<&str> {
        self.snap_options.get(&option).map(String::as_str)
    }
}
