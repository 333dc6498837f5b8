//! Keys of the data store: segments separated by dots. Segments that contain dots are quoted.
//!
//! Source: `sources/api/datastore/src/key.rs`, bottlerocket-os/bottlerocket-core-kit.

use std::fmt;

/// The maximum length of a key, which is that of a file name.
const MAX_LENGTH: usize = 255;

/// A key as its segments, without quotes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(Vec<String>);

impl Key {
    /// Parses a key. An error is the message of the data store.
    pub fn parse(name: &str) -> Result<Self, String> {
        let invalid = |why: &str| format!("Key name '{name}' has invalid format: {why}");
        if name.is_empty() {
            return Err(invalid("cannot be empty"));
        }
        let (mut segments, mut segment, mut in_quotes) = (Vec::new(), String::new(), false);
        for c in name.chars() {
            match c {
                '"' => in_quotes = !in_quotes,
                '.' if !in_quotes && segment.is_empty() => {
                    return Err(invalid("empty key segment"));
                }
                '.' if !in_quotes => segments.push(std::mem::take(&mut segment)),
                '.' => segment.push(c),
                _ if c.is_ascii_alphanumeric() || "_-/".contains(c) => segment.push(c),
                _ => return Err(invalid(&format!("invalid character in key: '{c}'"))),
            }
        }
        if in_quotes {
            return Err(invalid("unbalanced quotes"));
        }
        if segment.is_empty() {
            return Err(invalid("ends with separator"));
        }
        segments.push(segment);
        Self(segments).checked(name)
    }

    /// Returns a key with one segment.
    pub fn of(segment: &str) -> Self {
        Self(vec![segment.to_owned()])
    }

    /// Returns this key with one more segment.
    pub fn with(&self, segment: &str) -> Result<Self, String> {
        let longer = Self([&self.0[..], &[segment.to_owned()]].concat());
        let name = longer.to_string();
        longer.checked(&name)
    }

    fn checked(self, name: &str) -> Result<Self, String> {
        if name.len() > MAX_LENGTH {
            return Err(format!("Key name beyond maximum length {name}: {MAX_LENGTH}"));
        }
        Ok(self)
    }

    /// Returns the segments, without quotes.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Returns the key with the first segment `settings`, added if missing.
    pub fn in_settings(self) -> Self {
        let prefix = (self.0[0] != "settings").then(|| "settings".to_owned());
        Self(prefix.into_iter().chain(self.0).collect())
    }
}

/// Quotes a segment if it contains a dot.
pub(super) fn quoted(segment: &str) -> String {
    if segment.contains('.') { format!("\"{segment}\"") } else { segment.to_owned() }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments: Vec<String> = self.0.iter().map(|segment| quoted(segment)).collect();
        formatter.write_str(&segments.join("."))
    }
}
