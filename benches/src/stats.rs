//! Medians and quartiles.

use serde::{Deserialize, Serialize};

/// The least noise, as a share of the median. A few samples, such as of memory, can be equal by chance.
const LEAST_NOISE: f64 = 0.02;

/// The samples of one property, such as the wall time of a program, with their median and quartiles.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Series {
    /// The samples in the order of the runs.
    pub samples: Vec<f64>,
    /// The median.
    pub median: f64,
    /// The lower and the upper quartile: half of the samples are between them.
    pub quartiles: [f64; 2],
}

impl Series {
    /// Returns the samples with their median and quartiles. All are 0 without samples.
    #[must_use]
    pub fn new(samples: Vec<f64>) -> Self {
        let mut sorted = samples.clone();
        sorted.sort_by(f64::total_cmp);
        let quartiles = [quantile(&sorted, 1), quantile(&sorted, 3)];
        Self { median: quantile(&sorted, 2), quartiles, samples }
    }

    /// Returns the noise of the median: the distance of the quartiles, but at least [`LEAST_NOISE`].
    #[must_use]
    pub fn noise(&self) -> f64 {
        (self.quartiles[1] - self.quartiles[0]).max(self.median * LEAST_NOISE)
    }

    /// Returns the noise of the difference of both medians: the root of the sum of the squares, because both vary
    /// independently.
    #[must_use]
    pub fn noise_of_difference(&self, other: &Self) -> f64 {
        self.noise().hypot(other.noise())
    }

    /// Returns the largest sample; 0 without samples.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.samples.iter().copied().fold(0.0, f64::max)
    }

    /// Returns the median and the quartiles with this unit: `12.3 (12.1–12.9) ms`.
    #[must_use]
    pub fn text(&self, unit: &str) -> String {
        let [lower, upper] = self.quartiles.map(digits);
        format!("{} ({lower}–{upper}) {unit}", digits(self.median))
    }
}

/// Returns the number with three significant digits, but at most two decimals.
#[must_use]
pub fn digits(number: f64) -> String {
    match number.abs() {
        it if it >= 100.0 => format!("{number:.0}"),
        it if it >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

/// Returns the value below which this many quarters of the sorted samples are, interpolated between the two
/// nearest samples.
fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let (index, rest) = (last * quarters / 4, last * quarters % 4);
    let next = sorted[(index + 1).min(last)];
    #[expect(clippy::cast_precision_loss, reason = "0, 1, 2 or 3")]
    let fraction = rest as f64 / 4.0;
    sorted[index] + (next - sorted[index]) * fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_interpolated() {
        let series = Series::new(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!((series.median, series.quartiles), (2.5, [1.75, 3.25]));
        assert_eq!(series.samples, [4.0, 1.0, 3.0, 2.0]);
        assert_eq!(series.text("ms"), "2.50 (1.75–3.25) ms");
        let empty = Series::new(Vec::new());
        assert_eq!((empty.median, empty.quartiles, empty.max()), (0.0, [0.0, 0.0], 0.0));
    }

    #[test]
    fn noise_of_a_difference_includes_both_medians() {
        let narrow = Series::new(vec![10.0, 11.0, 12.0]);
        assert_eq!((narrow.median, narrow.noise()), (11.0, 1.0));
        let wide = Series::new(vec![9.0, 11.0, 13.0]);
        assert_eq!(digits(narrow.noise_of_difference(&wide)), "2.24");
        let equal = Series::new(vec![100.0, 100.0]);
        assert_eq!(digits(equal.noise_of_difference(&equal)), "2.83");
    }

    #[test]
    fn numbers_have_three_digits() {
        assert_eq!([0.061, 9.876, 12.34, 765.4].map(digits), ["0.06", "9.88", "12.3", "765"]);
    }
}
