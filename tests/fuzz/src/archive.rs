//! An image of a node as one text: a line `-- NAME --` precedes each file, as in `tests/scenarios`.

use std::collections::BTreeMap;

/// The maximum number of files in an archive.
const MAX_FILES: usize = 64;

/// The files of an archive by name, such as `root/etc/default/kubelet` or `settings.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archive(pub BTreeMap<String, String>);

impl Archive {
    /// Parses an archive. The text before the first file is ignored.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut files = BTreeMap::new();
        let mut name: Option<String> = None;
        for line in text.split_inclusive('\n') {
            let marker = line.trim_end().strip_prefix("-- ").and_then(|it| it.strip_suffix(" --"));
            if let Some(marker) = marker.filter(|it| !it.is_empty()) {
                if files.len() == MAX_FILES {
                    break;
                }
                files.insert(marker.to_owned(), String::new());
                name = Some(marker.to_owned());
            } else if let Some(name) = &name {
                files.entry(name.clone()).or_default().push_str(line);
            }
        }
        Self(files)
    }

    /// Returns an archive with these files.
    #[must_use]
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|&(name, text)| (name.to_owned(), text.to_owned()));
        Self(files.collect())
    }

    /// Returns the text of a file by its name in the archive.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the text of a file by its absolute path on the node.
    #[must_use]
    pub fn root(&self, path: &str) -> Option<&str> {
        self.text(&format!("root{path}"))
    }

    /// Returns the absolute paths on the node and the texts of the files in a directory, by name.
    pub fn directory<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let files =
            self.0.iter().filter_map(|(name, text)| Some((name.strip_prefix("root")?, text)));
        files.filter_map(move |(file, text)| {
            let name = file.strip_prefix(path)?.strip_prefix('/')?;
            (!name.is_empty() && !name.contains('/')).then_some((name, text.as_str()))
        })
    }
}
