//! The request handler, and the state that it shares with the [`Bottlerocket`](super::Bottlerocket)
//! handle and the threads of delayed appliers.

use super::answers::answer;
use super::applier::Keys;
use super::state::{ApiRequest, State};
use super::wire::response;
use crate::server::{Body, Request};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Response;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

pub(super) struct Shared {
    state: Mutex<State>,
    /// Notified on every request, on every run of the applier, and on shutdown.
    pub changed: Condvar,
}

impl Shared {
    pub fn new(state: State) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// Returns an observer that records each request, including those that a fault applies to.
pub(super) fn observer(shared: Arc<Shared>) -> impl Fn(&Request) {
    move |request| {
        let line = request.line();
        let (method, target) = line.split_once(' ').expect("a request line");
        let (method, target) = (method.to_owned(), target.to_owned());
        let body = String::from_utf8_lossy(&request.body).into_owned();
        shared.state().requests.push(ApiRequest { method, target, body });
        shared.changed.notify_all();
    }
}

/// Returns the handler that processes each request and starts the delayed appliers.
pub(super) fn handler(
    shared: Arc<Shared>,
) -> impl Fn(Request) -> BoxFuture<'static, Response<Body>> {
    move |request| {
        let state = &mut *shared.state();
        let response = response(answer(state, &request));
        for (delay, keys) in std::mem::take(&mut state.delayed) {
            let shared = shared.clone();
            std::thread::spawn(move || apply_later(&shared, delay, keys));
        }
        shared.changed.notify_all();
        async move { response }.boxed()
    }
}

fn apply_later(shared: &Shared, delay: Duration, keys: Keys) {
    let is_running = |state: &mut State| !state.stopped;
    let waited = shared.changed.wait_timeout_while(shared.state(), delay, is_running).unwrap();
    let state = &mut *{ waited.0 };
    if !state.stopped {
        state.runs.run(keys, &state.store.live);
        shared.changed.notify_all();
    }
}
