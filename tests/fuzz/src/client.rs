//! The clients of the agent with recorded responses, and an event loop for them.

use eni_bootstrap::adapter::Deadline;
use eni_bootstrap::adapter::replay::{Recorded, Responses};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
}

/// Runs a target. Clients can be created in it.
pub fn within(target: impl FnOnce()) {
    RUNTIME.with(|runtime| {
        let _entered = runtime.enter();
        target();
    });
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
