//! Requests that are sent before their responses are needed, so that round trips overlap.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// Responses that were requested in advance, by the name of what was requested. Each one is used at most once, so
/// that a retry sends a new request.
pub(crate) struct Prefetched<T>(Mutex<HashMap<String, Request<T>>>);

/// A request in progress, which is cancelled when this is dropped.
struct Request<T> {
    started: Instant,
    response: JoinHandle<T>,
}

impl<T> Drop for Request<T> {
    fn drop(&mut self) {
        self.response.abort();
    }
}

impl<T> Default for Prefetched<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Omits the responses.
impl<T> fmt::Debug for Prefetched<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Prefetched").finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Prefetched<T> {
    /// Sends the request for `name` now.
    pub(crate) fn start(&self, name: &str, request: impl Future<Output = T> + Send + 'static) {
        let request = Request { started: Instant::now(), response: tokio::spawn(request) };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), request);
    }

    /// Waits for the response to an earlier request for `name`. Returns `None` without such a request, or if it started
    /// more than `age` ago.
    pub(crate) async fn take(&self, name: &str, age: Duration) -> Option<T> {
        let mut request = self.remove(name, age)?;
        (&mut request.response).await.ok()
    }

    /// Returns the response like [`Self::take`], and whether it had already arrived.
    pub(crate) async fn take_with_state(&self, name: &str, age: Duration) -> Option<(T, bool)> {
        let mut request = self.remove(name, age)?;
        let has_arrived = request.response.is_finished();
        Some(((&mut request.response).await.ok()?, has_arrived))
    }

    fn remove(&self, name: &str, age: Duration) -> Option<Request<T>> {
        let request = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        request.filter(|request| request.started.elapsed() <= age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

    const AGE: Duration = Duration::from_hours(1);

    #[tokio::test]
    async fn a_response_is_used_once_and_only_while_it_is_current() {
        let prefetched = Prefetched::default();
        prefetched.start("a", ready(1));
        prefetched.start("b", ready(2));
        prefetched.start("c", async { panic!("a failed task has no response") });
        assert_eq!(prefetched.take("a", AGE).await, Some(1));
        assert_eq!(prefetched.take("a", AGE).await, None);
        assert_eq!(prefetched.take("c", AGE).await, None);
        assert_eq!(prefetched.take("b", Duration::ZERO).await, None);
    }

    #[tokio::test]
    async fn the_state_of_a_request_shows_whether_the_response_had_arrived() {
        let prefetched = Prefetched::default();
        prefetched.start("a", ready(1));
        prefetched.start("b", ready(2));
        // The requests run while this test waits.
        assert_eq!(prefetched.take_with_state("a", AGE).await, Some((1, false)));
        assert_eq!(prefetched.take_with_state("b", AGE).await, Some((2, true)));
    }

    #[tokio::test]
    async fn a_request_that_is_no_longer_needed_is_cancelled() {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let prefetched = Prefetched::default();
        prefetched.start("a", async move {
            let _sender = sender;
            pending::<()>().await;
        });
        drop(prefetched);
        // The sender was dropped with the request.
        receiver.await.unwrap_err();
    }
}
