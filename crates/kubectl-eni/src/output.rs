//! Prints results on standard output, and formats tables.

use crate::error::Error;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use eni_core::failure::printable;
use std::io::{self, Write as _};

/// Prints the result of a command. Messages and errors go to stderr.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(printable(text).as_bytes()).map_err(Error::Output)?;
    stdout.flush().map_err(Error::Output)
}

/// Prints a message on stderr.
pub(crate) fn message(text: &str) -> Result<(), Error> {
    io::stderr().lock().write_all(printable(text).as_bytes()).map_err(Error::Output)
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
