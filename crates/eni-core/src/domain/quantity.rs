//! Kubernetes quantities.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A Kubernetes quantity, such as `100m`, `475Mi` or `1Gi`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(pub(super) String);

/// Suffixes of a quantity, with their factor in units of 10⁻⁹.
///
/// Source: "Quantity", Kubernetes API reference.
const SUFFIXES: [(&str, u128); 16] = [
    ("", ONE),
    ("n", 1),
    ("u", 1_000),
    ("m", 1_000_000),
    ("k", ONE * 1_000),
    ("M", ONE * 1_000_000),
    ("G", ONE * 1_000_000_000),
    ("T", ONE * 1_000_000_000_000),
    ("P", ONE * 1_000_000_000_000_000),
    ("E", ONE * 1_000_000_000_000_000_000),
    ("Ki", ONE << 10),
    ("Mi", ONE << 20),
    ("Gi", ONE << 30),
    ("Ti", ONE << 40),
    ("Pi", ONE << 50),
    ("Ei", ONE << 60),
];
const ONE: u128 = 1_000_000_000;

impl Quantity {
    /// Returns the quantity of memory in bytes, rounded down; at most `u64::MAX`.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.count(ONE)
    }

    /// Returns the quantity of CPU in millicores, rounded down; at most `u64::MAX`.
    #[must_use]
    pub(crate) fn millicores(&self) -> u64 {
        self.count(ONE / 1_000)
    }

    /// Returns the quantity in multiples of `divisor` units of 10⁻⁹.
    fn count(&self, divisor: u128) -> u64 {
        let (number, suffix) = parts(&self.0);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let count = || {
            let (_, unit) = SUFFIXES.iter().find(|(known, _)| *known == suffix)?;
            let digits: u128 = format!("{whole}{fraction}").parse().ok()?;
            let scale = 10_u128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            u64::try_from(digits.checked_mul(*unit)? / scale / divisor).ok()
        };
        count().unwrap_or(u64::MAX)
    }
}

/// Splits a quantity into its number and its suffix.
fn parts(text: &str) -> (&str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text.split_at(digits)
}

/// Text that is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a quantity (such as 100m, 475Mi or 1Gi)")]
pub struct InvalidQuantity(pub String);

impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        let (number, suffix) = parts(text);
        let is_number = number.starts_with(|c: char| c.is_ascii_digit())
            && number.ends_with(|c: char| c.is_ascii_digit())
            && number.bytes().filter(|byte| *byte == b'.').count() <= 1;
        if is_number && SUFFIXES.iter().any(|(known, _)| *known == suffix) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidQuantity(text.to_owned()))
        }
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_a_number_with_a_known_suffix() {
        for good in ["100m", "475Mi", "1Gi", "0.5", "2", "1.5Gi", "3k"] {
            assert_eq!(good.parse::<Quantity>().map(|q| q.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "Mi", "475 Mi", "1.", ".5", "1..5", "-1", "1GB", "1Gi,cpu=9"] {
            assert_eq!(bad.parse::<Quantity>(), Err(InvalidQuantity(bad.to_owned())));
        }
    }

    #[test]
    fn cpu_is_converted_to_millicores() {
        for (text, millicores) in [("100m", 100), ("3", 3_000), ("0.25", 250), ("1500u", 1)] {
            assert_eq!(text.parse::<Quantity>().unwrap().millicores(), millicores, "{text}");
        }
    }

    #[test]
    fn memory_is_converted_to_bytes() {
        for (text, bytes) in [
            ("1500", 1_500),
            ("100Mi", 100 << 20),
            ("1.5Gi", 1_536 << 20),
            ("2G", 2_000_000_000),
            ("1500m", 1),
            ("99999999999Ei", u64::MAX),
        ] {
            assert_eq!(text.parse::<Quantity>().unwrap().bytes(), bytes, "{text}");
        }
    }
}
