//! The requests of the node and of the operator, from the audit log of the API server.

use std::collections::BTreeSet;
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

/// A request of the node that an authorizer allowed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Allowed {
    /// The verb, and the resource with its API group, such as `get eniconfigs.crd.k8s.amazonaws.com`.
    pub right: String,
    /// The namespace of the object; empty for the whole cluster.
    pub namespace: String,
    /// The name of the object; empty for all objects.
    pub object: String,
    /// The reason of the authorizer, such as `RBAC: allowed by ClusterRoleBinding …`. The Node authorizer
    /// gives no reason.
    pub reason: String,
}

impl Cluster {
    /// Returns the path of the audit log, which contains only the requests of the node and of the operator.
    pub fn audit_log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    /// Returns the requests of the node that have a response, in the order of the responses. A watch is
    /// included as soon as it has begun.
    pub fn requests(&self) -> Vec<Request> {
        let mut requests: Vec<(Value, Request)> = Vec::new();
        for mut event in self.audit_events() {
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

    /// Returns the requests of the node for resources that an authorizer allowed, without duplicates.
    pub fn allowed(&self) -> BTreeSet<Allowed> {
        let allowed = self.audit_events().into_iter().filter_map(|event| {
            let of_object = |key| event["objectRef"][key].as_str().unwrap_or_default().to_owned();
            let annotations = &event["annotations"];
            if annotations["authorization.k8s.io/decision"] != "allow" {
                return None;
            }
            let (verb, group) = (event["verb"].as_str().unwrap(), of_object("apiGroup"));
            let right = format!("{verb} {}.{group}", of_object("resource"));
            let reason = annotations["authorization.k8s.io/reason"].as_str().unwrap_or_default();
            Some(Allowed {
                right: right.trim_end_matches('.').to_owned(),
                namespace: of_object("namespace"),
                object: of_object("name"),
                reason: reason.to_owned(),
            })
        });
        allowed.collect()
    }

    /// Returns the events in the audit log.
    fn audit_events(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.audit_log()).unwrap_or_default();
        // The last line may be incomplete.
        let lines = log.rsplit_once('\n').map_or("", |(lines, _)| lines).lines();
        lines.map(|line| serde_json::from_str(line).unwrap()).collect()
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
