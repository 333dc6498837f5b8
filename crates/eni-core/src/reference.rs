//! The pages of `docs/` and the JSON Schema that are generated from the code.
//!
//! The module exists only in tests. `UPDATE_GOLDEN=1 cargo test -p eni-core reference` writes the files.

mod diagnostics;
mod exit_codes;
mod reported_by;
mod schema;
mod settings;
mod symptoms;
mod troubleshooting;

use crate::sources::repository;
use std::fs;

/// The comment at the start of each generated page, after its heading.
const GENERATED: &str = "\
<!-- Generated from the code. Do not edit: run `UPDATE_GOLDEN=1 cargo test -p eni-core reference`. -->
";

/// Returns `paragraph` in lines of at most 125 characters.
fn wrapped(paragraph: &str) -> String {
    let mut text = String::new();
    let mut length = 0;
    for word in paragraph.split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > 125 {
            text.push('\n');
            length = 0;
        } else if length > 0 {
            text.push(' ');
            length += 1;
        }
        text.push_str(word);
        length += word_length;
    }
    text
}

/// Asserts that the file `path` of the repository contains `text`. If the environment variable
/// `UPDATE_GOLDEN` is set, writes `text` to the file first.
fn expect(path: &str, text: &str) {
    let file = repository(path);
    #[expect(clippy::disallowed_methods, reason = "writes the generated file on request")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
    }
    let written = fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == text,
        "{path} is out of date: run `UPDATE_GOLDEN=1 cargo test -p eni-core reference`"
    );
}
