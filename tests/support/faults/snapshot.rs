//! All files below a root, with their contents, modes and owners.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// The end of the name of every temporary file of eni-bootstrap.
const DRAFT: &str = ".eni-bootstrap-partial";
/// The names of the record of the last run. It contains the time of the run.
const RECORDS: [&str; 2] = ["last-run.json", "eni-bootstrap-last-run.json"];
/// The names of the result of a run, which contains times. A killed run leaves none, and it is not flushed.
const RESULTS: [&str; 2] = ["result.json", "eni-bootstrap-result.json"];

/// The files below a root by their paths, relative to the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot(BTreeMap<PathBuf, Entry>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    content: Content,
    /// The permission bits; 0 for a symbolic link.
    mode: u32,
    uid: u32,
    gid: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Directory,
    /// In a record, the time of the run is replaced.
    File(Vec<u8>),
    Link(PathBuf),
}

impl Snapshot {
    /// Reads all files below `root`, except sockets and the result of a run.
    pub fn of(root: &Path) -> Self {
        let mut entries = BTreeMap::new();
        let mut directories = vec![root.to_owned()];
        while let Some(directory) = directories.pop() {
            for path in fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path()) {
                if RESULTS.iter().any(|name| path.file_name() == Some(OsStr::new(name))) {
                    continue;
                }
                let metadata = path.symlink_metadata().unwrap();
                let Some(entry) = Entry::read(&path, &metadata) else { continue };
                if entry.content == Content::Directory {
                    directories.push(path.clone());
                }
                entries.insert(path.strip_prefix(root).unwrap().to_owned(), entry);
            }
        }
        Self(entries)
    }

    /// Creates the files below `root`, which may contain some of them.
    #[expect(clippy::disallowed_methods, reason = "a test fixture, not a file of a node")]
    pub fn restore(&self, root: &Path) {
        for (path, entry) in &self.0 {
            let path = root.join(path);
            match &entry.content {
                Content::Directory => fs::create_dir_all(&path).unwrap(),
                Content::File(contents) => fs::write(&path, contents).unwrap(),
                Content::Link(target) => {
                    symlink(target, &path).unwrap();
                    continue;
                }
            }
            fs::set_permissions(&path, Permissions::from_mode(entry.mode)).unwrap();
        }
    }

    /// Returns the temporary files.
    pub fn drafts(&self) -> Vec<&Path> {
        self.0.keys().map(PathBuf::as_path).filter(|path| is_draft(path)).collect()
    }

    /// Returns a line for each path that is neither as in `old` nor as in `new`, except temporary files.
    pub fn neither(&self, old: &Self, new: &Self) -> Vec<String> {
        let paths = self.0.keys().chain(old.0.keys()).chain(new.0.keys());
        let paths: BTreeSet<_> = paths.filter(|path| !is_draft(path)).collect();
        let mut lines = Vec::new();
        for path in paths {
            let entry = self.0.get(path);
            if entry != old.0.get(path) && entry != new.0.get(path) {
                lines.push(format!("{}: {}", path.display(), text(entry)));
            }
        }
        lines
    }

    /// Returns a line for each path that differs.
    pub fn differences(&self, expected: &Self) -> Vec<String> {
        let paths: BTreeSet<_> = self.0.keys().chain(expected.0.keys()).collect();
        let differs = |path: &&&PathBuf| self.0.get(**path) != expected.0.get(**path);
        let line = |path: &PathBuf| {
            let (entry, expected) = (self.0.get(path), expected.0.get(path));
            format!("{}: {} instead of {}", path.display(), text(entry), text(expected))
        };
        paths.iter().filter(differs).map(|path| line(path)).collect()
    }

    /// Returns the paths that differ.
    pub fn differing<'a>(&'a self, other: &'a Self) -> BTreeSet<&'a Path> {
        let paths: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differs = |path: &&PathBuf| self.0.get(*path) != other.0.get(*path);
        paths.into_iter().filter(differs).map(PathBuf::as_path).collect()
    }

    /// Appends a line to each file that eni-bootstrap owns, so that the next run writes it again.
    pub fn outdate_own_files(&mut self) {
        for entry in self.0.values_mut() {
            if let Content::File(contents) = &mut entry.content
                && contents.starts_with(b"# eni-bootstrap writes this file")
            {
                contents.extend_from_slice(b"# of an earlier version\n");
            }
        }
    }

    /// Returns the same files, but with the file `target` also at the path `link`.
    pub fn with_file_of(mut self, link: &Path, target: &Path) -> Self {
        let file = self.0[target].clone();
        self.0.insert(link.to_owned(), file);
        self
    }

    /// Returns the same files, but with the file at `path` of `other`.
    pub fn with(mut self, path: &Path, other: &Self) -> Self {
        self.0.insert(path.to_owned(), other.0[path].clone());
        self
    }

    /// Returns whether the file exists and its contents are as in `other`.
    pub fn is_same(&self, other: &Self, path: &Path) -> bool {
        self.0.get(path) == other.0.get(path)
    }
}

impl Entry {
    fn read(path: &Path, metadata: &Metadata) -> Option<Self> {
        let kind = metadata.file_type();
        let content = if kind.is_dir() {
            Content::Directory
        } else if kind.is_symlink() {
            Content::Link(fs::read_link(path).unwrap())
        } else if kind.is_file() {
            Content::File(comparable(path, fs::read(path).unwrap()))
        } else {
            return None;
        };
        let mode = if kind.is_symlink() { 0 } else { metadata.mode() & 0o7777 };
        Some(Self { content, mode, uid: metadata.uid(), gid: metadata.gid() })
    }
}

/// Replaces the time in a valid record.
fn comparable(path: &Path, contents: Vec<u8>) -> Vec<u8> {
    if !RECORDS.iter().any(|name| path.file_name() == Some(OsStr::new(name))) {
        return contents;
    }
    let Ok(mut record) = serde_json::from_slice::<Value>(&contents) else { return contents };
    let Some(time) = record.get_mut("time") else { return contents };
    *time = "2026-01-01T00:00:00Z".into();
    format!("{record:#}\n").into_bytes()
}

fn is_draft(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().ends_with(DRAFT))
}

fn text(entry: Option<&Entry>) -> String {
    let Some(Entry { content, mode, uid, gid }) = entry else { return "missing".to_owned() };
    let content = match content {
        Content::Directory => "directory".to_owned(),
        Content::Link(target) => format!("link to {}", target.display()),
        Content::File(contents) => format!("file {:?}", String::from_utf8_lossy(contents)),
    };
    format!("{content} (mode {mode:o}, owner {uid}:{gid})")
}
