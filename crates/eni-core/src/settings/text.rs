//! A settings file's text → [`Layer`], with the place of what is wrong.

use super::Layer;
use std::path::{Path, PathBuf};

/// A settings file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {line}: {reason}", path.display())]
pub struct FileError {
    /// The file, so that the reader need not guess which layer is at fault.
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
    /// What TOML or the key's type said.
    pub reason: String,
    /// The known key most like the unknown one.
    pub nearest: Option<String>,
}

impl Layer {
    /// Reads `text`, which stood in `path`.
    pub fn from_toml(path: &Path, text: &str) -> Result<Self, FileError> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).map_or(1, |before| before.matches('\n').count() + 1);
            let reason = error.message().replace('\n', " ");
            let nearest = nearest_known(&reason);
            FileError { path: path.to_owned(), line, reason, nearest }
        })
    }
}

/// In serde's message on an unknown key (``unknown field `a`, expected one of `b`, `c` ``): which
/// of the expected ones was probably meant.
fn nearest_known(message: &str) -> Option<String> {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let (unknown, known) = quoted.split_first()?;
    message.starts_with("unknown field").then(|| nearest(unknown, known.iter().copied()))?
}

/// The word most like `word`, if any is like it at all.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    /// Below this, two words have nothing to do with each other (Jaro-Winkler, 0 to 1).
    const ALIKE: f64 = 0.75;
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > ALIKE)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, candidate)| candidate.to_owned())
}
