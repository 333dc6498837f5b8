//! Keys of the data store: dotted names, of which a segment with dots in it stands in quotes.
//!
//! Source: `sources/api/datastore/src/key.rs`, bottlerocket-os/bottlerocket-core-kit.

use std::fmt;

/// A key's name is at most as long as a file's.
const LONGEST: usize = 255;

/// A key, by its segments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key(Vec<String>);

impl Key {
    /// Reads a name as a client writes it; an error is the data store's own text.
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

    /// The key of one segment, which is not in quotes.
    pub fn of(segment: &str) -> Self {
        Self(vec![segment.to_owned()])
    }

    /// This key with one more segment.
    pub fn with(&self, segment: &str) -> Result<Self, String> {
        let longer = Self([&self.0[..], &[segment.to_owned()]].concat());
        let name = longer.to_string();
        longer.checked(&name)
    }

    fn checked(self, name: &str) -> Result<Self, String> {
        if name.len() > LONGEST {
            return Err(format!("Key name beyond maximum length {name}: {LONGEST}"));
        }
        Ok(self)
    }

    /// Its segments, without quotes.
    pub fn segments(&self) -> &[String] {
        &self.0
    }

    /// Below `settings`, whether or not a client wrote that.
    pub fn in_settings(self) -> Self {
        let prefix = (self.0[0] != "settings").then(|| "settings".to_owned());
        Self(prefix.into_iter().chain(self.0).collect())
    }
}

/// A segment as it stands in a name.
pub(super) fn quoted(segment: &str) -> String {
    if segment.contains('.') { format!("\"{segment}\"") } else { segment.to_owned() }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let segments: Vec<String> = self.0.iter().map(|segment| quoted(segment)).collect();
        formatter.write_str(&segments.join("."))
    }
}
