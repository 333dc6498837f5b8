//! Support for the tests in `tests/faults`.

pub mod crash_node;
pub mod power_loss;
pub mod snapshot;
pub mod strace;

/// Prints a line of a table of results.
#[expect(clippy::print_stdout, reason = "the tables are the results of the tests")]
pub fn print_line(line: impl std::fmt::Display) {
    println!("{line}");
}
