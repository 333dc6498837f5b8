//! What the node asked the API server, from the server's own log.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Cluster;

/// A request of the node's, as the API server's audit log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, …
    pub verb: String,
    /// Path and query.
    pub uri: String,
    /// Its name.
    pub user: String,
    /// The answer's status.
    pub code: u64,
}

impl Cluster {
    /// The node's requests so far that were answered, each once, in the order of their answers. A
    /// watch is there as soon as it has begun.
    pub fn requests(&self) -> Vec<Request> {
        let log = fs::read_to_string(self.folder.path().join("audit.log")).unwrap_or_default();
        let mut requests: Vec<(Value, Request)> = Vec::new();
        // Its last line may be in the writing.
        for line in log.rsplit_once('\n').map_or("", |(lines, _)| lines).lines() {
            let mut event: Value = serde_json::from_str(line).unwrap();
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let request = Request {
                verb: text(&event["verb"]),
                uri: text(&event["requestURI"]),
                user: text(&event["user"]["username"]),
                code: event["responseStatus"]["code"].as_u64().unwrap(),
            };
            let id = event["auditID"].take();
            // A watch has a line for its beginning and one for its end.
            match requests.iter_mut().find(|(seen, _)| *seen == id) {
                Some((_, seen)) => *seen = request,
                None => requests.push((id, request)),
            }
        }
        requests.into_iter().map(|(_, request)| request).collect()
    }

    /// Waits until there are `count` requests of `verb`; false where there are not within `time`.
    pub fn wait_for(&self, verb: &str, count: usize, time: Duration) -> bool {
        let started = Instant::now();
        while self.requests().iter().filter(|request| request.verb == verb).count() < count {
            if started.elapsed() > time {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
        true
    }
}
