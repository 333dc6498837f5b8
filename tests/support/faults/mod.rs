//! Support for the tests in `tests/faults`.

pub mod crash_node;
pub mod snapshot;
pub mod strace;
