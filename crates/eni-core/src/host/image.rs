//! The contents of a node image. The families request them, and the agent reads them into an
//! [`Image`].

use super::bottlerocket::Bottlerocket;
use super::{kubelet_unit, unit_file};
use std::collections::BTreeMap;
use std::fmt;
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
    /// Whether eni-bootstrap can write a drop-in of the kubelet to this directory, which may be missing,
    /// and whether the kubelet then reads only this file and its neighbors: [`Image::unsuitable_directory`].
    Suitability(PathBuf),
    /// The output of `kubelet --version`: [`KUBELET_VERSION`], or else the program is started if it
    /// belongs to the running system.
    KubeletVersion {
        /// The absolute path of the kubelet.
        program: PathBuf,
    },
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

/// The file with the output of `kubelet --version` on EKS images.
///
/// Source: `templates/al2023/provisioners/install-worker.sh`, awslabs/amazon-eks-ami.
pub const KUBELET_VERSION: &str = "/etc/eks/kubelet-version.txt";

/// A configuration option of a snap, as in `snap get SNAP KEY`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SnapOption {
    pub snap: &'static str,
    pub key: &'static str,
}

impl fmt::Display for SnapOption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "snap {} option {}", self.snap, self.key)
    }
}

/// The contents of a node image that the families requested.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    files: BTreeMap<PathBuf, String>,
    snap_options: BTreeMap<SnapOption, String>,
    unsuitable_directories: BTreeMap<PathBuf, String>,
    kubelet_version: Option<String>,
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

    /// Adds a directory that a drop-in of the kubelet cannot be written to. `state` completes a sentence
    /// about the directory, such as `is read-only`.
    pub fn insert_unsuitable_directory(
        &mut self,
        path: impl Into<PathBuf>,
        state: impl Into<String>,
    ) {
        self.unsuitable_directories.insert(path.into(), state.into());
    }

    /// Sets the output of `kubelet --version`.
    pub fn set_kubelet_version(&mut self, output: impl Into<String>) {
        self.kubelet_version = Some(output.into());
    }

    /// Returns why a drop-in of the kubelet cannot be written to a directory.
    pub(crate) fn unsuitable_directory(&self, path: &Path) -> Option<&str> {
        self.unsuitable_directories.get(path).map(String::as_str)
    }

    /// Returns the output of `kubelet --version`, if it was requested and is known.
    pub(crate) fn kubelet_version(&self) -> Option<&str> {
        self.kubelet_version.as_deref()
    }

    /// Returns the paths of all files that were read.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.keys().map(PathBuf::as_path)
    }

    /// Returns the text of a file; `None` if it does not exist or was not requested.
    #[must_use]
    pub fn file(&self, path: impl AsRef<Path>) -> Option<&str> {
        self.files.get(path.as_ref()).map(String::as_str)
    }

    /// Returns the name of the first file or snap option that differs from an earlier read of the same
    /// image; `None` if nothing has changed. Bottlerocket's settings are not compared.
    #[must_use]
    pub fn change_since(&self, earlier: &Self) -> Option<String> {
        let file = first_difference(&self.files, &earlier.files);
        let option = first_difference(&self.snap_options, &earlier.snap_options);
        file.map(|path| path.display().to_string()).or_else(|| option.map(ToString::to_string))
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

/// Returns the first key whose values differ, or that only one of the maps has.
fn first_difference<'a, K: Ord>(
    one: &'a BTreeMap<K, String>,
    other: &'a BTreeMap<K, String>,
) -> Option<&'a K> {
    let keys = one.keys().chain(other.keys());
    keys.filter(|&key| one.get(key) != other.get(key)).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_change_of_a_file_or_snap_option_is_named() {
        let option = SnapOption { snap: "kubelet-eks", key: "args" };
        let mut earlier = Image::default();
        earlier.insert_file("/etc/default/kubelet", "A=1\n");
        earlier.insert_snap_option(option, "--v=2");
        assert_eq!(earlier.clone().change_since(&earlier), None);
        let mut later = earlier.clone();
        later.insert_snap_option(option, "--v=4");
        assert_eq!(later.change_since(&earlier).unwrap(), "snap kubelet-eks option args");
        later.insert_file("/etc/default/kubelet", "A=2\n");
        assert_eq!(later.change_since(&earlier).unwrap(), "/etc/default/kubelet");
        let drop_in = "/etc/a.conf";
        later.insert_file(drop_in, "");
        assert_eq!(later.change_since(&earlier).unwrap(), drop_in, "a new file");
        assert_eq!(earlier.change_since(&later).unwrap(), drop_in, "a removed file");
    }
}
