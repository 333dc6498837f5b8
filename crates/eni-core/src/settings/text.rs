//! Parses a settings file and locates what is wrong in it.

use super::Settings;
use crate::nearest::nearest;
use std::path::{Path, PathBuf};

/// A settings file with an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}, line {line}: {reason}", path.display())]
pub struct FileError {
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with the line.
    pub reason: String,
    /// The valid key or value most similar to the invalid one.
    pub nearest: Option<String>,
}

impl Settings {
    /// Parses `text`, the contents of the file `path`.
    pub fn from_toml(path: &Path, text: &str) -> Result<Self, FileError> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.get(..start).map_or(1, |before| before.matches('\n').count() + 1);
            let (reason, nearest) = explain(&error.message().replace('\n', " "));
            FileError { path: path.to_owned(), line, reason, nearest }
        })
    }
}

/// Rewords serde's two messages that list every alternative, such as ``unknown field `a`, expected
/// one of `b`, `c` ``, and returns the alternative most similar to what the file contains.
fn explain(message: &str) -> (String, Option<String>) {
    let quoted: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match quoted.split_first() {
        Some((key, known)) if message.starts_with("unknown field") => {
            (format!("unknown key {key:?}"), nearest(key, known.iter().copied()))
        }
        Some((value, known)) if message.starts_with("unknown variant") => {
            let reason = format!("{value:?} is not one of {}", known.join(", "));
            (reason, nearest(value, known.iter().copied()))
        }
        // serde names Rust's type.
        _ => (message.replace("expected u32", "expected a whole number"), None),
    }
}
