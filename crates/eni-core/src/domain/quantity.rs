//! Kubernetes quantities.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// A Kubernetes quantity that is not negative, such as `100m`, `475Mi`, `1Gi` or `1e9`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Quantity(pub(super) String);

/// Suffixes of a quantity, with their factor in units of 10⁻⁹. A decimal exponent, such as `e9`, is
/// the other kind of suffix.
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

/// The parts of a quantity.
struct Parts<'a> {
    is_negative: bool,
    whole: &'a str,
    fraction: &'a str,
    /// The factor of the suffix in units of 10⁻⁹.
    factor: u128,
    /// The decimal exponent; 0 with another suffix.
    exponent: i64,
}

impl<'a> Parts<'a> {
    /// Parses a quantity; `None` if it is invalid.
    fn parse(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, suffix) = unsigned.split_at(end.unwrap_or(unsigned.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + fraction.len() == 0 || fraction.contains('.') {
            return None;
        }
        let factor = SUFFIXES.iter().find(|(known, _)| *known == suffix).map(|(_, factor)| *factor);
        let (factor, exponent) = match factor {
            Some(factor) => (factor, 0),
            // `E` alone is a suffix, `E9` is an exponent.
            None => (ONE, suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
        };
        Some(Self { is_negative: text.starts_with('-'), whole, fraction, factor, exponent })
    }

    fn is_zero(&self) -> bool {
        self.whole.bytes().chain(self.fraction.bytes()).all(|digit| digit == b'0')
    }

    /// Returns the value without its sign in multiples of `unit`, rounded down; `None` if it exceeds
    /// `u64`. `unit` is in units of 10⁻⁹.
    fn value(&self, unit: u128) -> Option<u64> {
        if self.is_zero() {
            return Some(0);
        }
        let digits: u128 = format!("{}{}", self.whole, self.fraction).parse().ok()?;
        let nanos = digits.checked_mul(self.factor)?;
        let exponent = self.exponent.checked_sub(i64::try_from(self.fraction.len()).ok()?)?;
        let power =
            u32::try_from(exponent.unsigned_abs()).ok().and_then(|it| 10_u128.checked_pow(it));
        let nanos = match power {
            Some(power) if exponent < 0 => nanos / power,
            Some(power) => nanos.checked_mul(power)?,
            // The power exceeds every number of 128 bits.
            None if exponent < 0 => 0,
            None => return None,
        };
        u64::try_from(nanos / unit).ok()
    }
}

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

    /// Returns the quantity in multiples of `unit`, which is in units of 10⁻⁹.
    fn count(&self, unit: u128) -> u64 {
        Parts::parse(&self.0).and_then(|parts| parts.value(unit)).unwrap_or(u64::MAX)
    }
}

/// Text that is not a quantity for a reserve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidQuantity {
    /// The text is not a quantity.
    #[error("{0:?} is not a quantity (such as 100m, 475Mi or 1Gi)")]
    Syntax(String),
    /// The kubelet rejects a negative reserve.
    #[error("{0:?} is negative")]
    Negative(String),
}

impl FromStr for Quantity {
    type Err = InvalidQuantity;

    fn from_str(text: &str) -> Result<Self, InvalidQuantity> {
        match Parts::parse(text) {
            None => Err(InvalidQuantity::Syntax(text.to_owned())),
            Some(parts) if parts.is_negative && !parts.is_zero() => {
                Err(InvalidQuantity::Negative(text.to_owned()))
            }
            Some(_) => Ok(Self(text.to_owned())),
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
    fn a_quantity_has_the_grammar_of_kubernetes() {
        for good in [
            "100m", "475Mi", "1Gi", "0.5", "2", "1.5Gi", "3k", "1e9", "1E9", "1.5e3", "1e+3",
            "1E-3", "+1Gi", "-0", ".5Gi", "1.", "5n", "5u", "1M", "1G", "1T", "1P", "1E", "1Ki",
            "1Ti", "1Pi", "1Ei",
        ] {
            assert_eq!(good.parse::<Quantity>().map(|q| q.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "Mi",
            ".",
            "+",
            "475 Mi",
            "1..5",
            "1.5.5",
            "--1",
            "1GB",
            "1K",
            "1e",
            "1ei",
            "1e1.5",
            "1e9Mi",
            "0x10",
            "1Gi,cpu=9",
        ] {
            let error = InvalidQuantity::Syntax(bad.to_owned());
            assert_eq!(bad.parse::<Quantity>(), Err(error), "{bad}");
        }
        for negative in ["-1", "-0.5Gi", "-1e9"] {
            let error = negative.parse::<Quantity>().unwrap_err();
            assert_eq!(error.to_string(), format!("{negative:?} is negative"));
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
            (".5Gi", 512 << 20),
            ("2G", 2_000_000_000),
            ("1500m", 1),
            ("1e9", 1_000_000_000),
            ("1.5E3", 1_500),
            ("15e-1", 1),
            ("+2E", 2_000_000_000_000_000_000),
            ("-0", 0),
            ("0e99999", 0),
            ("1e-99999", 0),
            ("1e99999", u64::MAX),
            ("99999999999Ei", u64::MAX),
        ] {
            assert_eq!(text.parse::<Quantity>().unwrap().bytes(), bytes, "{text}");
        }
    }
}
