//! Lines of at most 100 columns: comments, and YAML values.

use super::super::comparison::Difference;
use crate::output::{self, WIDTH};

/// The lines of a text.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    pub(super) fn into_text(self) -> String {
        self.0
    }

    pub(super) fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    pub(super) fn empty(&mut self) {
        self.line("");
    }

    pub(super) fn heading(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.empty();
        }
        self.comment(text);
    }

    /// Adds a comment.
    pub(super) fn comment(&mut self, text: &str) {
        self.wrapped("# ", "# ", text);
    }

    /// Adds an item of a list in a comment.
    pub(super) fn item(&mut self, text: &str) {
        self.wrapped("# - ", "#   ", text);
    }

    /// Adds `key` and a value in double quotes, or a folded block if the line is too long.
    pub(super) fn yaml(&mut self, key: &str, value: &str) {
        let is_short = key.len() + value.len() + 2 <= WIDTH;
        // The other values contain neither double quotes nor backslashes.
        if value.bytes().all(|it| it.is_ascii_digit()) {
            self.line(&format!("{key}{value}"));
        } else if is_short {
            self.line(&format!("{key}\"{value}\""));
        } else {
            self.line(&format!("{key}>-"));
            let indent = " ".repeat(key.len() - key.trim_start().len() + 2);
            self.wrapped(&indent, &indent, value);
        }
    }

    /// Adds `text` in lines that start with `first`, and then with `next`.
    fn wrapped(&mut self, first: &str, next: &str, text: &str) {
        self.0.push_str(&output::wrapped(first, next, text));
    }
}

/// Returns the first differences, such as `m5.8xlarge (110, not 234)`.
pub(super) fn examples(differences: &[Difference], most: usize) -> String {
    let each = differences.iter().take(most);
    let each = each.map(|it| format!("{} ({}, not {})", it.instance_type, it.tool, it.node));
    each.collect::<Vec<_>>().join(", ")
}
