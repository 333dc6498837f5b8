//! The fault matrix: reads a table of cases, runs each case with its own stand-ins and root, and compares
//! the result with the table.

mod agent;
mod bottlerocket;
mod case;
mod chroot;
mod inject;
mod namespace;
mod normal;
mod outcome;
mod real;
mod schedule;
mod secrets;
mod stack;
mod table;
mod toxiproxy;
mod update;
mod workers;

pub use case::{Case, read_cases};
pub use namespace::run_in_this_namespace;
pub use secrets::{Secret, search};
pub use table::print;
pub use workers::run_all;
