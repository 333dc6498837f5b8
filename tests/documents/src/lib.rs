//! Tests of the code blocks in the documentation, and of the files in `examples`.
//!
//! Each fenced block of a page is run, compared with a file, parsed by the parser of its language, or has a
//! comment with the reason why it cannot run in a test. `CONTRIBUTING.md` describes these rules for authors.
//!
//! ```text
//! page        finds the pages and their blocks
//! treatment   decides what the tests do with a block
//! output      compares lines with `...` for omitted lines
//! shell       splits scripts into commands
//! programs    the programs that commands call
//! check       parses a block, by language
//! blocks      the tests of all blocks
//! console     the tests that run commands and compare their output
//! examples    the tests of the files in `examples`
//! ```

#![cfg(test)]

mod blocks;
mod check;
mod console;
mod examples;
mod output;
mod page;
mod programs;
mod shell;
mod treatment;

use std::path::{Path, PathBuf};

/// Returns the path `name` in the repository.
fn repository(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(name)
}

/// Returns the text of a file in the repository.
fn text_of(name: &str) -> String {
    std::fs::read_to_string(repository(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Asserts that there are no problems. The message has one problem in each line.
#[track_caller]
fn assert_none(problems: &[String]) {
    assert!(problems.is_empty(), "{} problems:\n{}\n", problems.len(), problems.join("\n"));
}
