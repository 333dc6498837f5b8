//! What goes wrong on purpose.

use std::sync::{Arc, Mutex};
use std::time::Duration;

/// One way to go wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This HTTP status, with an empty body.
    Status(u16),
    /// This HTTP status, with a body.
    Answer(u16, String),
    /// 200 with this body instead of the right one.
    Body(Vec<u8>),
    /// 200 with the beginning of a body: the connection is closed before the announced length.
    Cut(Vec<u8>),
    /// The connection is closed without an answer.
    Drop,
    /// What was asked is done, and the connection is closed without an answer.
    Lost,
    /// The request is taken, and no answer ever comes.
    Hang,
}

#[derive(Debug)]
struct Rule {
    matching: String,
    /// How often yet; `None` is for ever.
    left: Option<usize>,
    fault: Fault,
}

#[derive(Debug, Default)]
struct Inner {
    latency: Duration,
    rules: Vec<Rule>,
}

/// The faults of one server. Clones steer the same one, while it runs.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Inner>>);

impl Faults {
    /// Every answer comes this much later.
    pub fn latency(&self, latency: Duration) {
        self.0.lock().unwrap().latency = latency;
    }

    /// The next `times` requests go wrong.
    pub fn fail_next(&self, times: usize, fault: Fault) {
        self.fail_next_matching("", times, fault);
    }

    /// The next `times` requests whose line (`GET /path?query`) holds `matching` go wrong.
    pub fn fail_next_matching(&self, matching: &str, times: usize, fault: Fault) {
        self.rule(matching, Some(times), fault);
    }

    /// Every request whose line holds `matching` goes wrong.
    pub fn fail_always_matching(&self, matching: &str, fault: Fault) {
        self.rule(matching, None, fault);
    }

    /// Nothing goes wrong any more.
    pub fn clear(&self) {
        *self.0.lock().unwrap() = Inner::default();
    }

    fn rule(&self, matching: &str, left: Option<usize>, fault: Fault) {
        let rule = Rule { matching: matching.to_owned(), left, fault };
        self.0.lock().unwrap().rules.push(rule);
    }

    /// Waits out the latency, and says what is to go wrong with this request, if anything.
    pub(crate) async fn strike(&self, line: &str) -> Option<Fault> {
        let (latency, fault) = {
            let mut inner = self.0.lock().unwrap();
            let rules = inner.rules.iter_mut();
            let rule =
                rules.filter(|rule| rule.left != Some(0)).find(|r| line.contains(&r.matching));
            let fault = rule.map(|rule| {
                rule.left = rule.left.map(|left| left - 1);
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
