//! Support for the tests in `tests/faults`.

pub mod power_loss;
