//! One row of the table of results.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One measured property of the program, beside its target.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub struct Row {
    /// What was measured, for example `run, first boot: wall time`.
    pub what: String,
    /// The target as text, for example `≤ 10 MiB`. None if the row only informs.
    pub target: Option<String>,
    /// The measured value as text, with its unit and its spread.
    pub measured: String,
    /// Whether the measured value meets the target. None without a target.
    pub met: Option<bool>,
    /// The measured values by name, with the unit at the end of the name: `wall_ms`, `peak_mib`.
    pub values: BTreeMap<String, f64>,
}

impl Row {
    /// Returns a row without a target.
    #[must_use]
    pub fn new(what: impl Into<String>, measured: impl Into<String>) -> Self {
        Self { what: what.into(), measured: measured.into(), ..Self::default() }
    }

    /// Adds a measured value.
    #[must_use]
    pub fn value(mut self, name: &str, value: f64) -> Self {
        self.values.insert(name.to_owned(), value);
        self
    }

    /// Adds the target, and whether it is met.
    #[must_use]
    pub fn target(mut self, target: impl Into<String>, met: bool) -> Self {
        (self.target, self.met) = (Some(target.into()), Some(met));
        self
    }
}
