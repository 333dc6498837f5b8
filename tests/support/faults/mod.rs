//! Support for the tests in `tests/faults`. Most of it is the fault matrix: it reads a table of cases, runs
//! each case with its own stand-ins and root, and compares the result with the table.

mod agent;
mod bottlerocket;
mod case;
mod chroot;
pub mod crash_node;
mod image;
mod inject;
mod injection;
mod mounts;
mod namespace;
mod normal;
mod outcome;
pub mod power_loss;
mod real;
mod schedule;
mod secrets;
pub mod snapshot;
mod stack;
pub mod strace;
mod table;
mod tls_servers;
mod toxiproxy;
mod update;
mod workers;

pub use case::{Case, read_cases};
pub use namespace::run_in_this_namespace;
pub use secrets::{Secret, search};
pub use table::print;
pub use workers::run_all;

/// Prints a line of a table of results.
#[expect(clippy::print_stdout, reason = "the tables are the results of the tests")]
pub fn print_line(line: impl std::fmt::Display) {
    println!("{line}");
}
