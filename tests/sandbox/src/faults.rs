//! Simulated faults of a server.

use std::sync::{Arc, Mutex};
use std::time::Duration;

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
    fault: Fault,
}

#[derive(Debug, Default)]
struct Inner {
    latency: Duration,
    rules: Vec<Rule>,
    /// The line of each request so far.
    seen: Vec<String>,
}

/// The faults of a server. Clones refer to the same server.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

impl Faults {
    /// Delays every response by `latency`.
    pub fn latency(&self, latency: Duration) {
        self.0.lock().unwrap().latency = latency;
    }

    /// Applies `fault` to the next `times` requests.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.fail_next_matching("", times, fault);
    }

    /// Applies `fault` to the next `times` requests whose line (`GET /path?query`) contains `matching`.
    pub fn fail_next_matching(&self, matching: &str, times: usize, fault: Fault) {
        self.rule(matching, Some(times), fault);
    }

    /// Applies `fault` to every request whose line contains `matching`.
    pub fn fail_always_matching(&self, matching: &str, fault: Fault) {
        self.rule(matching, None, fault);
    }

    /// Removes all faults and the latency.
    pub fn clear(&self) {
        let mut inner = self.0.lock().unwrap();
        (inner.latency, inner.rules) = (Duration::ZERO, Vec::new());
    }

    /// Returns the line of each request so far, before its latency.
    #[must_use]
    pub fn seen(&self) -> Vec<String> {
        self.0.lock().unwrap().seen.clone()
    }

    fn rule(&self, matching: &str, remaining: Option<usize>, fault: Fault) {
        let rule = Rule { matching: matching.to_owned(), remaining, fault };
        self.0.lock().unwrap().rules.push(rule);
    }

    /// Waits for the latency, then returns the fault that applies to this request.
    pub(crate) async fn next_fault(&self, line: &str) -> Option<Fault> {
        let (latency, fault) = {
            let mut inner = self.0.lock().unwrap();
            inner.seen.push(line.to_owned());
            let rules = inner.rules.iter_mut();
            let rule =
                rules.filter(|rule| rule.remaining != Some(0)).find(|r| line.contains(&r.matching));
            let fault = rule.map(|rule| {
                rule.remaining = rule.remaining.map(|remaining| remaining - 1);
                rule.fault.clone()
            });
            (inner.latency, fault)
        };
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        fault
    }
}
