//! The files of a mounted disk image.

use crate::support::golden::files_under;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// A regular file.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct FileState {
    /// The permission bits.
    mode: u32,
    /// The user and the group.
    owner: (u32, u32),
    pub contents: Vec<u8>,
}

impl std::fmt::Debug for FileState {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = String::from_utf8_lossy(&self.contents);
        write!(formatter, "mode {:o}, owner {:?}, {text:?}", self.mode, self.owner)
    }
}

/// The files below a folder by their relative paths.
pub type FileTree = BTreeMap<String, FileState>;

/// Reads the files below `root`.
pub fn read(root: &Path) -> FileTree {
    let files = files_under(root).into_iter();
    files
        .map(|path| {
            let file = root.join(&path);
            let metadata = fs::metadata(&file).unwrap();
            let state = FileState {
                mode: metadata.permissions().mode() & 0o7777,
                owner: (metadata.uid(), metadata.gid()),
                contents: fs::read(&file).unwrap(),
            };
            (path, state)
        })
        .collect()
}

/// Describes a file of a tree in a few words.
pub fn describe(file: Option<&FileState>) -> String {
    match file {
        None => "missing".to_owned(),
        Some(FileState { mode, contents, .. }) => {
            format!("{} bytes with mode {mode:o}", contents.len())
        }
    }
}
