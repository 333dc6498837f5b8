//! The clients of the agent with recorded responses, and an event loop for them.

use eni_bootstrap::adapter::Deadline;
use eni_bootstrap::adapter::replay::{Recorded, Responses};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
}

/// The maximum number of times that the event loop runs after an input.
const MAX_ROUNDS: usize = 1000;

/// Runs a target. Clients can be created in it.
///
/// # Panics
///
/// Panics if a task of a client does not end after the target.
pub fn within(target: impl FnOnce()) {
    RUNTIME.with(|runtime| {
        let entered = runtime.enter();
        target();
        drop(entered);
        end_tasks(runtime);
    });
}

/// Runs the remaining tasks until they end. Each client of the API server has a task, which ends when the event
/// loop runs it after the client is dropped. A target that sends no request never runs the event loop, so these
/// tasks and the memory of their clients would accumulate.
fn end_tasks(runtime: &Runtime) {
    let alive = || runtime.metrics().num_alive_tasks();
    runtime.block_on(async {
        for _ in 0..MAX_ROUNDS {
            if alive() == 0 {
                break;
            }
            yield_now().await;
        }
    });
    assert_eq!(alive(), 0, "tasks remain after the input");
}

/// Runs a request until its end.
pub fn block_on<T>(request: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(request))
}

/// Returns a deadline that ends before the first pause of a retry, so that each request is sent once.
#[must_use]
pub fn one_attempt() -> Deadline {
    Deadline::after(Duration::from_millis(90))
}

/// Returns a server with the same response to each request.
#[must_use]
pub fn respond(status: u16, chunks: Vec<Vec<u8>>) -> Responses {
    Responses(Arc::new(move |_| Recorded { status, chunks: chunks.clone() }))
}

/// Returns a server with a response that depends on the URL.
#[must_use]
pub fn respond_by_url(
    response: impl Fn(&str) -> (u16, Vec<u8>) + Send + Sync + 'static,
) -> Responses {
    Responses(Arc::new(move |url| {
        let (status, body) = response(url);
        Recorded { status, chunks: vec![body] }
    }))
}
