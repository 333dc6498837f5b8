//! `Retry-After`, with which an overloaded API server delays the next request of a client.

use http::{HeaderMap, Response, StatusCode, header};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// The longest time for which the header is followed. The API server usually sends 1 s.
const LONGEST: Duration = Duration::from_secs(15);

/// The time before which the API server expects no request. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct RetryAfter(Arc<Mutex<Option<Instant>>>);

impl RetryAfter {
    /// Records the header of a response. Jitter of up to 100% spreads the requests
    /// of many nodes that received the header at the same time.
    pub(super) fn record<B>(&self, response: &Response<B>) {
        if let Some(pause) = pause(response.status(), response.headers()) {
            let pause = pause.mul_f64(1.0 + fastrand::f64());
            let mut until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            *until = Some(Instant::now() + pause);
        }
    }

    /// Waits until the API server expects the next request.
    pub(super) async fn passed(&self) {
        let until = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = until {
            sleep_until(until).await;
        }
    }
}

/// Returns the pause that a response requests, at most [`LONGEST`]. The API server never sends the other
/// form of the header, a date, which is ignored.
fn pause(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if status != StatusCode::TOO_MANY_REQUESTS && status != StatusCode::SERVICE_UNAVAILABLE {
        return None;
    }
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_throttled_or_unavailable_response_requests_a_pause_in_seconds() {
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (status, value, expected) in [
            (429, "1", seconds(1)),
            (503, " 5", seconds(5)),
            (429, "3600", seconds(15)),
            (500, "5", None),
            (200, "5", None),
            (429, "-1", None),
            (429, "Wed, 21 Oct 2026 07:28:00 GMT", None),
        ] {
            let response = Response::builder().status(status).header("retry-after", value);
            let response = response.body(()).unwrap();
            assert_eq!(pause(response.status(), response.headers()), expected, "{status} {value}");
        }
        assert_eq!(pause(StatusCode::TOO_MANY_REQUESTS, &HeaderMap::new()), None);
    }
}
