//! The pauses between the attempts of a wait. They spread the requests of many nodes that lose their
//! watches at the same time, such as at a restart of the API server, or that get the same event.

use super::LONGEST_PAUSE;
use crate::adapter::{pauses, pauses_from};
use backon::ExponentialBackoff;
use std::time::Duration;
use tokio::time::Instant;

/// The time over which the nodes of a cluster send requests after they lost their watches at the same time.
const SPREAD: Duration = Duration::from_secs(10);
/// The first pause after the first failed attempt to connect again. Shorter pauses would send most of the
/// requests in the first seconds after the API server is ready.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// The time by which a watch may end before its time limit. For the API server, it starts earlier than for the
/// client.
const EARLIER_END: Duration = Duration::from_secs(1);

/// Returns a random part of `time`.
pub(super) fn random_part(time: Duration) -> Duration {
    time.mul_f64(fastrand::f64())
}

/// Returns the time of the next comparison with EC2 after an event: `check`, or the `planned` time if that is
/// earlier. Frequent events must not delay the comparison again and again.
pub(super) fn next_check_after(planned: Option<Instant>, check: Instant) -> Instant {
    planned.map_or(check, |planned| planned.min(check))
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

    /// Returns the pause after a watch that `lasted` for this time. `time_limit` is that of a watch that the API
    /// server ended without an error; `None` after an error.
    pub(super) fn after_watch(
        &mut self,
        lasted: Duration,
        time_limit: Option<Duration>,
    ) -> Duration {
        if time_limit.is_some_and(|limit| lasted + EARLIER_END >= limit) {
            self.after_time_limit()
        } else {
            self.after_lost_watch(lasted)
        }
    }

    /// Returns the pause after a watch that ended at its own time limit, which differs between nodes.
    fn after_time_limit(&mut self) -> Duration {
        *self = Self::new();
        self.next()
    }

    /// Returns the pause after a watch that ended early: a random part of the time for which it `lasted`,
    /// at most 10 seconds. Nodes that opened their watches within a shorter time lost them after that
    /// time.
    ///
    /// Watches that repeatedly end after a short time also make the pauses grow.
    fn after_lost_watch(&mut self, lasted: Duration) -> Duration {
        let pause = if lasted < SPREAD { self.next() } else { Duration::ZERO };
        if pause < FIRST_PAUSE {
            self.0 = pauses_from(FIRST_PAUSE, LONGEST_PAUSE);
        }
        random_part(lasted.min(SPREAD)) + pause
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
    /// Returns the pause after a watch, and the pause after a failed attempt to connect again, both in milliseconds.
    fn after_watch(lasted: Duration, time_limit: Option<Duration>) -> (u128, u128) {
        let mut pauses = Pauses::new();
        let first = pauses.after_watch(lasted, time_limit).as_millis();
        (first, pauses.next().as_millis())
    }

    #[test]
    fn a_watch_that_ends_up_to_one_second_before_its_time_limit_was_not_lost() {
        let limit = Duration::from_secs(145);
        for lasted in [144_000, 144_999, 145_000, 155_000].map(Duration::from_millis) {
            let (first, second) = after_watch(lasted, Some(limit));
            assert!((100..=200).contains(&first), "{first} ms after {lasted:?}");
            assert!((200..=400).contains(&second), "{second} ms after {lasted:?}");
        }
    }

    #[test]
    fn a_watch_that_ends_earlier_or_with_an_error_was_lost() {
        let limit = Duration::from_secs(145);
        for (lasted, limit) in [(143_999, Some(limit)), (20_000, Some(limit)), (145_000, None)] {
            let (first, second) = after_watch(Duration::from_millis(lasted), limit);
            assert!(first <= 10_000, "{first} ms after {lasted} ms");
            assert!((2000..=4000).contains(&second), "{second} ms after {lasted} ms");
        }
    }

    #[test]
    fn frequent_events_do_not_delay_the_comparison_with_ec2() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        // An event in each second, each with a pause of four seconds.
        let times = (0..10).scan(None, |planned, second| {
            *planned = Some(next_check_after(*planned, at(second * 1000 + 4000)));
            *planned
        });
        assert_eq!(times.collect::<Vec<_>>(), vec![at(4000); 10]);
    }

    #[test]
    fn an_event_with_a_shorter_pause_makes_the_comparison_earlier() {
        let start = Instant::now();
        let planned = start + Duration::from_mins(2);
        let check = start + Duration::from_secs(3);
        assert_eq!(next_check_after(Some(planned), check), check);
        assert_eq!(next_check_after(None, check), check);
    }
}
