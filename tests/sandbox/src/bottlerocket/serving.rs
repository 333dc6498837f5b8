//! What is shared between the handle, the server's thread and a late applier's.

use super::answers::answer;
use super::applier::Keys;
use super::state::{ApiRequest, State};
use super::wire::response;
use crate::server::{Asked, Body};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::Response;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

pub(super) struct Shared {
    state: Mutex<State>,
    /// Told of every request, every run of the applier, and the end.
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

/// Logs each request, also one with which something then goes wrong.
pub(super) fn witness(shared: Arc<Shared>) -> impl Fn(&Asked) {
    move |asked| {
        let line = asked.line();
        let (method, target) = line.split_once(' ').expect("a request line");
        let (method, target) = (method.to_owned(), target.to_owned());
        let body = String::from_utf8_lossy(&asked.body).into_owned();
        shared.state().seen.push(ApiRequest { method, target, body });
        shared.changed.notify_all();
    }
}

/// Answers each request.
pub(super) fn handler(shared: Arc<Shared>) -> impl Fn(Asked) -> BoxFuture<'static, Response<Body>> {
    move |asked| {
        let state = &mut *shared.state();
        let response = response(answer(state, &asked));
        for (delay, keys) in std::mem::take(&mut state.delayed) {
            let shared = shared.clone();
            std::thread::spawn(move || apply_later(&shared, delay, keys));
        }
        shared.changed.notify_all();
        async move { response }.boxed()
    }
}

fn apply_later(shared: &Shared, delay: Duration, keys: Keys) {
    let goes_on = |state: &mut State| !state.stopped;
    let waited = shared.changed.wait_timeout_while(shared.state(), delay, goes_on).unwrap();
    let state = &mut *{ waited.0 };
    if !state.stopped {
        state.runs.run(keys, &state.store.live);
        shared.changed.notify_all();
    }
}
