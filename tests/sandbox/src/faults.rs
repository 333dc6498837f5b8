//! Simulated faults of a server.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::Barrier;

/// A simulated fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Returns this HTTP status with an empty body.
    Status(u16),
    /// Returns this HTTP status with this body.
    Answer(u16, String),
    /// Returns this HTTP status with these headers and this body.
    Response(u16, Vec<(String, String)>, Vec<u8>),
    /// Returns 200 with this body instead of the real one.
    Body(Vec<u8>),
    /// Returns 200 with a truncated body: the connection is closed before `content-length` is reached.
    Cut(Vec<u8>),
    /// Returns this HTTP status and repeats these bytes until the client closes the connection.
    Endless(u16, Vec<u8>),
    /// Closes the connection without a response.
    Drop,
    /// Processes the request, then closes the connection without a response.
    Lost,
    /// Accepts the request and never sends a response.
    Hang,
}

#[derive(Debug)]
struct Rule {
    matching: String,
    /// How many more requests it applies to; `None` means all.
    remaining: Option<usize>,
    effect: Effect,
}

#[derive(Clone, Debug)]
enum Effect {
    Fault(Fault),
    /// Sends no response until all parties have arrived.
    Wait(Arc<Barrier>),
}

/// A request whose response is held back.
#[derive(Debug)]
pub struct Held(Arc<Barrier>);

impl Held {
    /// Waits for the request, and sends its response.
    pub fn release(self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(self.0.wait());
    }
}

#[derive(Debug, Default)]
struct Inner {
    latency: Duration,
    rules: Vec<Rule>,
    /// The line of each request so far.
    seen: Vec<String>,
    /// The number of connections so far.
    connections: usize,
}

/// The faults of a server. Clones refer to the same server.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    inner: Mutex<Inner>,
    connected: Condvar,
}

impl Faults {
    /// Delays every response by `latency`.
    pub fn latency(&self, latency: Duration) {
        self.inner().latency = latency;
    }

    /// Applies `fault` to the next `times` requests.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.fail_next_matching("", times, fault);
    }

    /// Applies `fault` to the next `times` requests whose line (`GET /path?query`) contains `matching`.
    pub fn fail_next_matching(&self, matching: &str, times: usize, fault: Fault) {
        self.rule(matching, Some(times), Effect::Fault(fault));
    }

    /// Applies `fault` to every request whose line contains `matching`.
    pub fn fail_always_matching(&self, matching: &str, fault: Fault) {
        self.rule(matching, None, Effect::Fault(fault));
    }

    /// Removes all faults and the latency.
    pub fn clear(&self) {
        let mut inner = self.inner();
        (inner.latency, inner.rules) = (Duration::ZERO, Vec::new());
    }

    /// Returns the line of each request so far, before its latency.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.inner().seen.clone()
    }

    /// Sends the responses to the next `count` requests when all of them have arrived. A client that sends one of them
    /// only after the response to another one never gets a response.
    pub fn respond_together(&self, count: usize) {
        let effect = Effect::Wait(Arc::new(Barrier::new(count)));
        self.rule("", Some(count), effect);
    }

    /// Holds back the response to the next request whose line contains `matching`.
    #[must_use]
    pub fn hold_next_matching(&self, matching: &str) -> Held {
        let barrier = Arc::new(Barrier::new(2));
        self.rule(matching, Some(1), Effect::Wait(barrier.clone()));
        Held(barrier)
    }

    /// Waits until the server has `count` connections, after the TLS handshake. Counts closed connections, too.
    pub fn until_connections(&self, count: usize) {
        let is_less = |inner: &mut Inner| inner.connections < count;
        drop(self.0.connected.wait_while(self.inner(), is_less).unwrap());
    }

    /// Returns the number of connections so far, after the TLS handshake.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.inner().connections
    }

    pub(crate) fn connected(&self) {
        self.inner().connections += 1;
        self.0.connected.notify_all();
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap()
    }

    fn rule(&self, matching: &str, remaining: Option<usize>, effect: Effect) {
        let rule = Rule { matching: matching.to_owned(), remaining, effect };
        self.inner().rules.push(rule);
    }

    /// Waits for the latency, then returns the fault that applies to this request.
    pub(crate) async fn next_fault(&self, line: &str) -> Option<Fault> {
        let (latency, effect) = {
            let mut inner = self.inner();
            inner.seen.push(line.to_owned());
            let rules = inner.rules.iter_mut();
            let rule =
                rules.filter(|rule| rule.remaining != Some(0)).find(|r| line.contains(&r.matching));
            let effect = rule.map(|rule| {
                rule.remaining = rule.remaining.map(|remaining| remaining - 1);
                rule.effect.clone()
            });
            (inner.latency, effect)
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        match effect? {
            Effect::Fault(fault) => Some(fault),
            Effect::Wait(barrier) => {
                barrier.wait().await;
                None
            }
        }
    }
}
