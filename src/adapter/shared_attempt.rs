//! An attempt whose result several requests need at the same time.

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// An attempt in progress. All requests that need its result at the same time share it, also if it fails. Otherwise,
/// each of them would repeat a slow attempt that fails, one after the other.
pub(crate) struct SharedAttempt<T>(Mutex<Option<Shared<BoxFuture<'static, Option<T>>>>>);

impl<T> Default for SharedAttempt<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Omits the result.
impl<T> fmt::Debug for SharedAttempt<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SharedAttempt").finish_non_exhaustive()
    }
}

impl<T: Clone + Send + Sync + 'static> SharedAttempt<T> {
    /// Returns the result of the attempt in progress, or else of a new one. The attempt continues if its callers end.
    pub(crate) async fn run<F>(&self, attempt: impl Fn() -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        let shared = {
            let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            match &*held {
                Some(shared) if shared.peek().is_none() => shared.clone(),
                _ => {
                    let task = tokio::spawn(attempt());
                    held.insert(task.map(Result::ok).boxed().shared()).clone()
                }
            }
        };
        match shared.await {
            Some(result) => result,
            None => attempt().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::join;
    use tokio::sync::Notify;

    #[tokio::test]
    async fn requests_at_the_same_time_share_a_failure_and_later_ones_do_not() {
        let count = Arc::new(AtomicU32::new(0));
        let end = Arc::new(Notify::new());
        let shared = SharedAttempt::default();
        let attempt = || {
            let (count, end) = (count.clone(), end.clone());
            async move {
                let number = count.fetch_add(1, Ordering::Relaxed);
                end.notified().await;
                if number == 0 { Err(number) } else { Ok(number) }
            }
        };
        let both = async { join!(shared.run(attempt), shared.run(attempt)) };
        let (both, ()) = join!(both, async { end.notify_one() });
        assert_eq!(both, (Err(0), Err(0)));
        end.notify_one();
        assert_eq!(shared.run(attempt).await, Ok(1));
    }

    #[tokio::test]
    async fn a_request_that_ends_does_not_end_the_attempt_of_another_one() {
        let count = Arc::new(AtomicU32::new(0));
        let end = Arc::new(Notify::new());
        let shared = SharedAttempt::default();
        let attempt = || {
            let (count, end) = (count.clone(), end.clone());
            async move {
                let number = count.fetch_add(1, Ordering::Relaxed);
                end.notified().await;
                number
            }
        };
        let first = tokio::time::timeout(std::time::Duration::from_millis(1), shared.run(attempt));
        first.await.unwrap_err();
        end.notify_one();
        // The second request gets the result of the first attempt.
        assert_eq!(shared.run(attempt).await, 0);
        assert_eq!(count.load(Ordering::Relaxed), 1);
    }
}
