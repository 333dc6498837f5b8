//! The distribution of measured times.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::measure::Measurement;
use crate::stats::Series;

/// Measured times in milliseconds, in ascending order.
#[derive(Clone, Debug)]
pub struct Times(Vec<f64>);

impl Times {
    /// Returns the times in milliseconds from `start` to each of `ends`. An end before the start is negative.
    pub fn between(start: Instant, ends: impl IntoIterator<Item = Instant>) -> Self {
        Self::new(ends.into_iter().map(|end| milliseconds(start, end)))
    }

    /// Sorts `times`, which are in milliseconds.
    pub fn new(times: impl IntoIterator<Item = f64>) -> Self {
        let mut times: Vec<f64> = times.into_iter().collect();
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    /// Returns the smallest time that is not shorter than `percent` of the times; 100 is the longest one.
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// Returns the median, the 99th percentile and the maximum as text.
    pub fn text(&self) -> String {
        let [median, late, longest] = [50, 99, 100].map(|percent| self.percentile(percent));
        format!("p50 {median:.1} ms, p99 {late:.1} ms, maximum {longest:.1} ms")
    }

    /// Returns the times as a property of the program `name`.
    pub fn measurement(&self, name: &str) -> Measurement {
        let series = [("exit_ms".to_owned(), Series::new(self.0.clone()))].into();
        Measurement { name: name.to_owned(), series }
    }

    /// Returns the values for the JSON file.
    pub fn values(&self) -> BTreeMap<String, f64> {
        [("p50_ms", 50), ("p99_ms", 99), ("maximum_ms", 100)]
            .map(|(name, percent)| (name.to_owned(), self.percentile(percent)))
            .into()
    }
}

/// Returns the time from `start` to `end` in milliseconds; negative if `end` is earlier.
pub fn milliseconds(start: Instant, end: Instant) -> f64 {
    let after = end.saturating_duration_since(start).as_secs_f64();
    let before = start.saturating_duration_since(end).as_secs_f64();
    (after - before) * 1000.0
}
