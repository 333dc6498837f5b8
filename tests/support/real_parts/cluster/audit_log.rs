//! The requests of the node, from the audit log of the API server.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::Cluster;

/// A request of the node in the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `get`, `list`, `watch`, …
    pub verb: String,
    /// The path and the query.
    pub uri: String,
    /// The user name of the node.
    pub user: String,
    /// The HTTP status of the response.
    pub code: u64,
}

impl Cluster {
    /// Returns the path of the audit log, which contains only the requests of the node.
    pub fn audit_log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    /// Returns the requests of the node that have a response, in the order of the responses. A watch is
    /// included as soon as it has begun.
    pub fn requests(&self) -> Vec<Request> {
        let log = fs::read_to_string(self.audit_log()).unwrap_or_default();
        let mut requests: Vec<(Value, Request)> = Vec::new();
        // The last line may be incomplete.
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
            // A watch has one line for its start and one for its end.
            match requests.iter_mut().find(|(logged, _)| *logged == id) {
                Some((_, logged)) => *logged = request,
                None => requests.push((id, request)),
            }
        }
        requests.into_iter().map(|(_, request)| request).collect()
    }

    /// Waits until there are `count` requests of `verb`. Returns false after the timeout `time`.
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
