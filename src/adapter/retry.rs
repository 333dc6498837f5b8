//! Retries with exponential backoff until a deadline.

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use eni_core::failure::one_line;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// The time by which an operation must be complete. Nested retries share it, so together they cannot
/// exceed the configured timeout.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// Returns the deadline that is `time` from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        // A time that the clock cannot represent means no deadline.
        Self(Instant::now().checked_add(time))
    }

    /// Returns a deadline that never passes.
    #[must_use]
    pub(crate) fn never() -> Self {
        Self(None)
    }

    /// Returns the time left, which is zero after the deadline; `None` if the deadline never
    /// passes.
    #[must_use]
    pub(crate) fn remaining(self) -> Option<Duration> {
        self.0.map(|then| then.saturating_duration_since(Instant::now()))
    }

    /// Returns `most` or the time left, whichever is shorter.
    #[must_use]
    pub(crate) fn at_most(self, most: Duration) -> Duration {
        self.remaining().map_or(most, |remaining| remaining.min(most))
    }

    /// Returns this deadline, or the one that is `time` from now if it is earlier.
    #[must_use]
    pub(crate) fn no_later_than(self, time: Duration) -> Self {
        Self::after(self.at_most(time))
    }

    /// Returns whether a pause of `pause` ends before the deadline.
    #[must_use]
    pub(crate) fn allows(self, pause: Duration) -> bool {
        self.remaining().is_none_or(|remaining| pause < remaining)
    }
}

/// An error that may be temporary.
pub trait Transient {
    /// Returns whether a retry may succeed.
    fn is_transient(&self) -> bool;

    /// Returns whether the error is expected at boot. An expected error is logged as information,
    /// not as a warning.
    fn is_expected(&self) -> bool {
        false
    }
}

/// The first pause between two attempts. Each following pause is about twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause in [`retry`] before jitter, which at most doubles it. It bounds the delay
/// after the network comes up.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Returns the pauses between attempts: they double up to `longest`. Jitter spreads the requests of
/// many nodes that boot at the same time.
#[must_use]
pub(crate) fn pauses(longest: Duration) -> ExponentialBackoff {
    pauses_from(FIRST_PAUSE, longest)
}

/// Returns pauses that double from `first` up to `longest`, with jitter.
#[must_use]
pub(crate) fn pauses_from(first: Duration, longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(longest)
        .without_max_times()
        .with_jitter()
        .build()
}

/// Runs `operation` until it succeeds, fails permanently, or the next pause would end after the
/// deadline. Each log line starts with `phase`, such as `imds`.
///
/// # Errors
///
/// The last error of `operation`. If the deadline passed during the last attempt, the error before it,
/// which states the reason: the last one only states that there was no time left.
pub(crate) async fn retry<T, E, F>(
    phase: &str,
    deadline: Deadline,
    mut operation: F,
) -> Result<T, E>
where
    E: Transient + std::error::Error + 'static,
    F: AsyncFnMut() -> Result<T, E>,
{
    let mut pauses = pauses(LONGEST_PAUSE);
    let mut previous = None;
    loop {
        let error = match operation().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let is_cut_off = error.is_transient() && !deadline.allows(Duration::ZERO);
        if is_cut_off && let Some(reason) = previous {
            return Err(reason);
        }
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        if !error.is_transient() || !deadline.allows(pause) {
            return Err(error);
        }
        let seconds = pause.as_secs_f32();
        let line = format!("{phase}: {}; retrying in {seconds:.1} s", one_line(&error));
        if error.is_expected() {
            info!("{line}");
        } else {
            warn!("{line}");
        }
        tokio::time::sleep(pause).await;
        previous = Some(error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Eq, thiserror::Error)]
    enum Failure {
        #[error("the reason")]
        Reason,
        #[error("no response within 0.0 s")]
        CutOff,
    }

    impl Transient for Failure {
        fn is_transient(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn the_error_of_an_attempt_that_the_deadline_cuts_off_does_not_hide_the_reason() {
        let deadline = Deadline::after(Duration::from_millis(500));
        let mut attempts = 0;
        let result: Result<(), Failure> = retry("test", deadline, async || {
            attempts += 1;
            if attempts == 1 {
                return Err(Failure::Reason);
            }
            tokio::time::sleep(deadline.at_most(Duration::MAX)).await;
            Err(Failure::CutOff)
        })
        .await;
        assert_eq!((result, attempts), (Err(Failure::Reason), 2));
        let late = Deadline::after(Duration::ZERO);
        let result: Result<(), Failure> = retry("test", late, async || Err(Failure::CutOff)).await;
        assert_eq!(result, Err(Failure::CutOff));
    }
}
