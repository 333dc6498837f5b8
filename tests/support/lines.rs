//! Lines of text.

use std::fmt::Display;
use std::io::{self, Write as _};

/// Returns the lines, each with a newline at its end.
pub fn text_of(lines: impl IntoIterator<Item = impl Display>) -> String {
    lines.into_iter().fold(String::new(), |text, line| text + &line.to_string() + "\n")
}

/// Prints a line to the stdout of the test process. The test harness captures `println!`.
pub fn report(line: &str) {
    io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}
