//! Prints results on standard output, and formats tables.

use crate::error::Error;
use anstream::{AutoStream, ColorChoice};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use eni_core::failure::printable;
use std::io::{self, Write as _};

/// Prints the result of a command. Messages and errors go to stderr.
///
/// A closed pipe is not an error: the reader, such as `head`, has read enough, and the exit code of the command
/// must not change.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    print_styled(&printable(text))
}

/// Prints a result with the escape sequences of its colors. The caller must pass no other control characters than
/// line breaks: it prints only numbers and validated names, such as instance types. A closed pipe is not an error.
pub(crate) fn print_styled(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
        _ => Ok(()),
    }
}

/// Prints lines about the progress, or warnings, on standard error.
pub(crate) fn note(lines: &str) {
    let lines = lines.trim_end_matches('\n');
    if !lines.is_empty() {
        // If stderr is closed, the result and the exit code do not change.
        let _ = writeln!(io::stderr().lock(), "{}", printable(lines));
    }
}

/// Returns whether standard output is a terminal for colors: `NO_COLOR` and `TERM=dumb` disable them.
pub(crate) fn is_colored() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// The width of lines in columns.
pub(crate) const WIDTH: usize = 100;

/// Returns `text` in lines of at most [`WIDTH`] characters, unless a word is longer. The first line starts with
/// `first`, and all others start with `next`.
pub(crate) fn wrapped(first: &str, next: &str, text: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ') {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines = lines + &line + "\n";
            next.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines + &line + "\n"
}

/// Returns the lines of a table: the header, then the rows. Columns are left-aligned except those in `right`,
/// by their index.
pub(crate) fn table<const COLUMNS: usize>(
    header: [&str; COLUMNS],
    right: &[usize],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(header);
    for row in rows {
        table.add_row(row);
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 2));
        if right.contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_wrapped_and_long_words_are_kept() {
        let word = "x".repeat(60);
        let text = format!("{word} a {word}");
        assert_eq!(wrapped("- ", "  ", &text), format!("- {word} a\n  {word}\n"));
        assert_eq!(wrapped("", "", &"y".repeat(120)), "y".repeat(120) + "\n");
    }
}
