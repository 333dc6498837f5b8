//! The pauses between the attempts of a wait. They spread the requests of many nodes that lose their
//! watches at the same time, such as at a restart of the API server, or that get the same event.

use super::LONGEST_PAUSE;
use crate::adapter::{pauses, pauses_from};
use backon::ExponentialBackoff;
use std::time::Duration;

/// The time over which the nodes of a cluster send requests after they lost their watches, or got an event,
/// at the same time.
const SPREAD: Duration = Duration::from_secs(10);
/// The first pause after the first failed attempt to connect again. Shorter pauses would send most of the
/// requests in the first seconds after the API server is ready.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// Returns a random part of `time`, or of [`SPREAD`] if that is shorter.
pub(super) fn spread_over(time: Duration) -> Duration {
    time.min(SPREAD).mul_f64(fastrand::f64())
}

/// The pauses between the attempts of a wait.
pub(super) struct Pauses(ExponentialBackoff);

impl Pauses {
    /// Starts with the shortest pause.
    pub(super) fn new() -> Self {
        Self(pauses(LONGEST_PAUSE))
    }

    /// Returns the pause after an attempt without a watch. The pauses grow.
    pub(super) fn next(&mut self) -> Duration {
        self.0.next().unwrap_or(LONGEST_PAUSE)
    }

    /// Returns the pause after a watch that ended at its own time limit, which differs between nodes.
    pub(super) fn after_time_limit(&mut self) -> Duration {
        *self = Self::new();
        self.next()
    }

    /// Returns the pause after a watch that ended early: a random part of the time for which it `lasted`,
    /// at most 10 seconds. Nodes that opened their watches within a shorter time lost them after that
    /// time.
    ///
    /// Watches that repeatedly end after a short time also make the pauses grow.
    pub(super) fn after_lost_watch(&mut self, lasted: Duration) -> Duration {
        let pause = if lasted < SPREAD { self.next() } else { Duration::ZERO };
        if pause < FIRST_PAUSE {
            self.0 = pauses_from(FIRST_PAUSE, LONGEST_PAUSE);
        }
        spread_over(lasted) + pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: usize = 1000;

    /// Returns how many nodes have their attempt in each second after all watches were lost.
    fn per_second(attempt: impl Fn(&mut Pauses) -> Duration) -> Vec<usize> {
        let mut histogram = Vec::new();
        for _ in 0..NODES {
            let second = usize::try_from(attempt(&mut Pauses::new()).as_secs()).unwrap();
            histogram.resize(histogram.len().max(second + 1), 0);
            histogram[second] += 1;
        }
        histogram
    }

    #[test]
    fn nodes_that_lose_their_watches_at_the_same_time_connect_over_ten_seconds() {
        let lost = Duration::from_mins(1);
        let first = per_second(|pauses| pauses.after_lost_watch(lost));
        assert_eq!(first.len(), 10, "{first:?}");
        // 100 in each second on average; 200 is ten standard deviations more.
        assert!(first.iter().all(|count| *count < 200), "{first:?}");
        let second = per_second(|pauses| pauses.after_lost_watch(lost) + pauses.next());
        assert_eq!(second[..2], [0, 0], "{second:?}");
        assert!(second.iter().all(|count| *count < 200), "{second:?}");
    }

    #[test]
    fn a_short_watch_is_followed_by_a_short_pause_that_grows() {
        let mut pauses = Pauses::new();
        let short = Duration::from_millis(10);
        for least in [100, 2000, 4000] {
            let pause = pauses.after_lost_watch(short).as_millis();
            assert!((least..=2 * least + 10).contains(&pause), "{pause} ms");
        }
    }

    #[test]
    fn after_the_time_limit_of_a_watch_the_shortest_pause_follows() {
        let mut pauses = Pauses::new();
        let _ = pauses.after_lost_watch(Duration::from_mins(1));
        let pause = pauses.after_time_limit().as_millis();
        assert!((100..=200).contains(&pause), "{pause} ms");
    }
}
