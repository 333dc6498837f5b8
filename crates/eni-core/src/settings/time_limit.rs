//! Time limits that accept a word, or reject zero.

use super::value::{InvalidDuration, TimeSpan};
use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

/// How long to wait for a response before the recorded values are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallbackWait {
    /// Never use recorded values.
    Off,
    /// Use recorded values after this time without a response.
    After(Duration),
}

impl FromStr for FallbackWait {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        match text {
            "off" => Ok(Self::Off),
            "0" => Ok(Self::After(Duration::ZERO)),
            _ => text.parse().map(|TimeSpan(time)| Self::After(time)),
        }
    }
}

impl Display for FallbackWait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("off"),
            Self::After(time) => TimeSpan(*time).fmt(formatter),
        }
    }
}

/// A time limit in which a response must be possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeout(Duration);

impl Timeout {
    /// Returns the default of a setting, which is not zero.
    pub(super) const fn from_mins(minutes: u64) -> Self {
        Self(Duration::from_mins(minutes))
    }
}

/// Text that is not a time limit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTimeout {
    /// Not a duration.
    #[error(transparent)]
    Duration(#[from] InvalidDuration),
    /// No request can succeed in this time.
    #[error("{0:?} is not a timeout: use a duration longer than 0s (such as 90s or 10m)")]
    Zero(String),
}

impl From<Timeout> for Duration {
    fn from(timeout: Timeout) -> Self {
        timeout.0
    }
}

impl FromStr for Timeout {
    type Err = InvalidTimeout;

    fn from_str(text: &str) -> Result<Self, InvalidTimeout> {
        match text.parse()? {
            TimeSpan(Duration::ZERO) => Err(InvalidTimeout::Zero(text.to_owned())),
            TimeSpan(time) => Ok(Self(time)),
        }
    }
}

impl Display for Timeout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        TimeSpan(self.0).fmt(formatter)
    }
}

/// How long to start the kubelet again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryLimit {
    /// Never.
    Off,
    /// For this much time after the first failure.
    For(Duration),
    /// Until it succeeds.
    Forever,
}

impl FromStr for RetryLimit {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        match text {
            "off" => Ok(Self::Off),
            "forever" => Ok(Self::Forever),
            _ => text.parse().map(|TimeSpan(time)| Self::For(time)),
        }
    }
}

impl Display for RetryLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => formatter.write_str("off"),
            Self::For(time) => TimeSpan(*time).fmt(formatter),
            Self::Forever => formatter.write_str("forever"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_longer_than_zero() {
        let timeout: Timeout = "90s".parse().unwrap();
        assert_eq!(
            (Duration::from(timeout), timeout.to_string().as_str()),
            (Duration::from_secs(90), "1m 30s")
        );
        let error = |text: &str| text.parse::<Timeout>().unwrap_err().to_string();
        for text in ["0s", "0ms"] {
            assert_eq!(
                error(text),
                format!(
                    "{text:?} is not a timeout: use a duration longer than 0s (such as 90s or 10m)"
                )
            );
        }
        assert_eq!(error("soon"), "\"soon\" is not a duration (such as 90s or 10m)");
    }

    #[test]
    fn each_limit_is_a_duration_or_a_word() {
        let minute = Duration::from_mins(1);
        for (text, wait) in [
            ("off", FallbackWait::Off),
            ("0s", FallbackWait::After(Duration::ZERO)),
            ("1m", FallbackWait::After(minute)),
        ] {
            assert_eq!((text.parse(), wait.to_string().as_str()), (Ok(wait), text));
        }
        assert_eq!("0".parse(), Ok(FallbackWait::After(Duration::ZERO)));
        for (text, limit) in [
            ("off", RetryLimit::Off),
            ("1m", RetryLimit::For(minute)),
            ("forever", RetryLimit::Forever),
        ] {
            assert_eq!((text.parse(), limit.to_string().as_str()), (Ok(limit), text));
        }
        let error = "never".parse::<RetryLimit>().unwrap_err();
        assert_eq!(error.to_string(), "\"never\" is not a duration (such as 90s or 10m)");
    }
}
