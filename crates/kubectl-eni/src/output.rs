//! Prints results on standard output, and formats tables.

use crate::error::Error;
use anstream::{AutoStream, ColorChoice};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use eni_bootstrap::adapter::disk::{DiskError, write_atomic};
use eni_core::failure::printable;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

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

/// Writes the result of a command to a file. Replaces a regular file atomically.
///
/// Writes to a symbolic link, a FIFO, a device or a socket as a shell with `>`: `--to /dev/stdout` must not replace the
/// node in /dev. The kernel follows a link, so its checks for links in directories such as /tmp apply.
pub(crate) fn write_file(path: &Path, text: &str) -> Result<(), DiskError> {
    let is_special = |kind: fs::FileType| !kind.is_file() && !kind.is_dir();
    if fs::symlink_metadata(path).is_ok_and(|metadata| is_special(metadata.file_type())) {
        let written = File::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
        return written.map_err(|source| DiskError::Write { path: path.to_owned(), source });
    }
    write_atomic(path, text.as_bytes()).map(|_| ())
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
    use std::os::unix::fs::{MetadataExt as _, symlink};
    use std::process::Command;

    #[test]
    fn only_a_regular_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str| write_file(&path(name), "new");
        write("new").unwrap();
        let inode = fs::metadata(path("new")).unwrap().ino();
        File::create(path("target")).unwrap().write_all(b"previous text").unwrap();
        symlink("target", path("link")).unwrap();
        symlink("/dev/null", path("null")).unwrap();
        assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
        let fifo = path("fifo");
        let reader = std::thread::spawn(move || fs::read_to_string(fifo).unwrap());
        for name in ["link", "null", "fifo"] {
            let kind = fs::symlink_metadata(path(name)).unwrap().file_type();
            write(name).unwrap();
            assert_eq!(fs::symlink_metadata(path(name)).unwrap().file_type(), kind, "{name}");
        }
        assert_eq!(reader.join().unwrap(), "new");
        assert_eq!(fs::read_to_string(path("target")).unwrap(), "new");
        write_file(&path("new"), "newer").unwrap();
        assert_ne!(fs::metadata(path("new")).unwrap().ino(), inode);
        symlink(".", path("directory")).unwrap();
        for name in [".", "directory"] {
            assert!(matches!(write(name), Err(DiskError::Write { .. })), "{name}");
        }
    }

    #[test]
    fn prose_is_wrapped_and_long_words_are_kept() {
        let word = "x".repeat(60);
        let text = format!("{word} a {word}");
        assert_eq!(wrapped("- ", "  ", &text), format!("- {word} a\n  {word}\n"));
        assert_eq!(wrapped("", "", &"y".repeat(120)), "y".repeat(120) + "\n");
    }
}
