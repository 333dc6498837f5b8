//! The groups of measurements.

pub mod boots;
pub mod max_pods;
pub mod peers;
pub mod sizes;

use crate::measure::Measurement;
use crate::row::Row;
use crate::trace::Trace;

/// The result of a group.
#[derive(Debug, Default)]
pub struct Results {
    /// The rows of the table.
    pub rows: Vec<Row>,
    /// All samples.
    pub measurements: Vec<Measurement>,
    /// The round trips of typical runs, by name.
    pub traces: Vec<(String, Trace)>,
}

impl From<Vec<Row>> for Results {
    fn from(rows: Vec<Row>) -> Self {
        Self { rows, ..Self::default() }
    }
}
