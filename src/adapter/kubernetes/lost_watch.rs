//! Ends a watch whose API server is lost.

use futures::{Stream, StreamExt as _};
use std::time::Duration;
use tokio::time::sleep;

/// The time after which the client ends a watch that the API server has not ended.
const MARGIN: Duration = Duration::from_secs(10);

/// Returns the events until the API server ends the watch after `time_limit`, or until [`MARGIN`] after that. A
/// server that is lost behind a load balancer keeps the connection open, but sends nothing.
pub(super) fn end_if_lost<S: Stream>(
    events: S,
    time_limit: Duration,
) -> impl Stream<Item = S::Item> + use<S> {
    events.take_until(sleep(time_limit + MARGIN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::stream;
    use tokio::time::Instant;

    #[tokio::test]
    async fn a_watch_ends_after_its_time_limit_and_a_margin_if_the_server_does_not_end_it() {
        let start = Instant::now();
        let limit = Duration::from_millis(100);
        let events = stream::iter(["event"]).chain(stream::pending());
        let events: Vec<_> = end_if_lost(events, limit).collect().await;
        assert_eq!(events, ["event"]);
        assert!(start.elapsed() >= limit + MARGIN);
    }

    #[tokio::test]
    async fn a_watch_that_the_server_ends_is_not_continued() {
        let events = end_if_lost(stream::iter(["event"]), Duration::from_hours(1));
        assert_eq!(events.collect::<Vec<_>>().await, ["event"]);
    }
}
