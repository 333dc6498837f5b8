//! The time before which the API server wants no further request: the header `Retry-After` of a response with
//! status 429 or 503.
//!
//! Source: <https://kubernetes.io/docs/concepts/cluster-administration/flow-control/>

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tracing::debug;

/// The longest pause that a response can cause. A proxy may send any value.
const LONGEST: Duration = Duration::from_mins(1);

/// The time of the next request. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct RetryAfter(Arc<Mutex<Option<Instant>>>);

impl RetryAfter {
    /// Records the header of a response. Ignores a date, which the API server does not send.
    pub(super) fn record(&self, status: StatusCode, headers: &HeaderMap) {
        if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return;
        }
        let seconds = headers.get(RETRY_AFTER).and_then(|it| it.to_str().ok()?.trim().parse().ok());
        if let Some(seconds) = seconds {
            debug!("kubernetes: status {}, Retry-After: {seconds} s", status.as_u16());
            let next = Instant::now() + Duration::from_secs(seconds).min(LONGEST);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(next);
        }
    }

    /// Returns `pause`, or the time until the API server wants the next request if that is longer.
    pub(super) fn at_least(&self, pause: Duration) -> Duration {
        let next = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        next.map_or(pause, |next| next.saturating_duration_since(Instant::now()).max(pause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(status: u16, value: &str) -> Duration {
        let retry_after = RetryAfter::default();
        let headers = [(RETRY_AFTER, value.parse().unwrap())].into_iter().collect();
        retry_after.record(StatusCode::from_u16(status).unwrap(), &headers);
        retry_after.at_least(Duration::from_millis(100))
    }

    #[test]
    fn the_pause_is_at_least_the_one_that_the_api_server_wants() {
        let short = Duration::from_millis(100);
        for (status, value) in [(500, "30"), (429, "0"), (429, "soon"), (429, "-1"), (503, "")] {
            assert_eq!(pause(status, value), short, "{status} {value}");
        }
        for (status, value, most) in [(429, "30", 30), (503, "30", 30), (429, "86400", 60)] {
            let (pause, most) = (pause(status, value), Duration::from_secs(most));
            assert!(pause <= most && pause + Duration::from_secs(10) > most, "{pause:?}");
        }
    }
}
