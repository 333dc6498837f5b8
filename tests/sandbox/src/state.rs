//! The objects of the simulated API server, and its responses.

use crate::kubernetes::{Access, KubernetesRequest};
use crate::server::{Body, Request, answer};
use crate::status;
use crate::watch::Watcher;
use http::Response;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

const AWS_NODE: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node";
/// The parts of the path of a DaemonSet, before the namespace and before the name.
const DAEMON_SETS: (&str, &str) = ("/apis/apps/v1/namespaces/", "/daemonsets/");
const COLLECTION: &str = "/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs";
/// The duration of a watch without `timeoutSeconds`.
const DEFAULT_WATCH: Duration = Duration::from_mins(30);

/// The environment of the aws-node DaemonSet; `None` if the DaemonSet does not exist.
pub(crate) struct AwsNode(pub Option<Vec<(String, String)>>);

/// The CNI is configured for custom networking.
impl Default for AwsNode {
    fn default() -> Self {
        let name = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG".to_owned();
        Self(Some(vec![(name, "true".to_owned())]))
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub objects: BTreeMap<String, Value>,
    pub version: u64,
    /// All events with their resource versions, for watches that start at an earlier version.
    pub history: Vec<(u64, &'static str, Value)>,
    pub watchers: Vec<Watcher>,
    pub requests: Vec<KubernetesRequest>,
    pub access: Access,
    pub no_crd: bool,
    pub aws_node: AwsNode,
    /// The nodeSelector of the aws-node DaemonSet.
    pub node_selector: BTreeMap<String, String>,
    /// Each `DaemonSet` of another CNI, such as `kube-system/cilium`.
    pub daemon_sets: BTreeSet<String>,
    /// The accepted bearer tokens; `None` accepts every token.
    pub tokens: Option<Vec<String>>,
}

impl State {
    pub fn apply(&mut self, name: &str, spec: &Value) {
        self.version += 1;
        let old = self.objects.get(name);
        let created = old.map_or_else(
            || json!(humantime::format_rfc3339_seconds(SystemTime::now()).to_string()),
            |old| old["metadata"]["creationTimestamp"].clone(),
        );
        let generation =
            old.map_or(1, |old| old["metadata"]["generation"].as_u64().unwrap_or(0) + 1);
        let kind = if old.is_none() { "ADDED" } else { "MODIFIED" };
        let object = json!({
            "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
            "kind": "ENIConfig",
            "metadata": {
                "name": name,
                "uid": format!("00000000-0000-4000-8000-{:012}", self.version),
                "resourceVersion": self.version.to_string(),
                "generation": generation,
                "creationTimestamp": created,
            },
            "spec": spec,
        });
        self.objects.insert(name.to_owned(), object.clone());
        self.publish(kind, object);
    }

    pub fn contains(&self, name: &str) -> bool {
        self.objects.contains_key(name)
    }

    pub fn delete(&mut self, name: &str) {
        if let Some(mut object) = self.objects.remove(name) {
            self.version += 1;
            object["metadata"]["resourceVersion"] = json!(self.version.to_string());
            self.publish("DELETED", object);
        }
    }

    /// Sends an event to the watches and adds it to the history.
    fn publish(&mut self, kind: &'static str, object: Value) {
        self.watchers.retain(Watcher::is_open);
        for watcher in &self.watchers {
            watcher.send_event(kind, &object);
        }
        self.history.push((self.version, kind, object));
    }

    pub fn respond(&mut self, request: &Request) -> Response<Body> {
        let query: BTreeMap<&str, String> = request
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (key, value.replace("%3D", "=")))
            .collect();
        let is_watch = query.get("watch").is_some_and(|watch| watch == "true" || watch == "1");
        let rest = request.path.strip_prefix(COLLECTION);
        let name = rest.and_then(|rest| rest.strip_prefix('/'));
        let verb = match (rest, name) {
            (_, Some(_)) => "get",
            (Some(""), _) if is_watch => "watch",
            (Some(""), _) => "list",
            _ => "other",
        };
        let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
        self.requests.push(KubernetesRequest {
            verb,
            path: request.path.clone(),
            query: request.query.clone(),
            token: token.map(str::to_owned),
        });
        if request.path == AWS_NODE {
            return self.aws_node(token);
        }
        if let Some((namespace, name)) = daemon_set(&request.path) {
            return self.daemon_set(token, namespace, name);
        }
        if let Some(rejection) = self.rejection(verb, name, token) {
            return rejection;
        }
        let selected = query.get("fieldSelector").and_then(|it| it.strip_prefix("metadata.name="));
        match (verb, name) {
            ("get", Some(name)) => self.objects.get(name).map_or_else(
                || status::not_found(name),
                |object| answer(200, "application/json", object.to_string()),
            ),
            ("list", _) => self.list(selected),
            ("watch", _) => {
                let seconds = query.get("timeoutSeconds").and_then(|text| text.parse().ok());
                let time = seconds.map_or(DEFAULT_WATCH, Duration::from_secs);
                let from = query.get("resourceVersion").map_or("", String::as_str);
                self.watch(selected, from, time)
            }
            _ => match request.path.as_str() {
                "/healthz" | "/livez" | "/readyz" => answer(200, "text/plain", "ok"),
                _ => status::no_such_path(),
            },
        }
    }

    fn aws_node(&self, token: Option<&str>) -> Response<Body> {
        match self.rejection("other", None, token) {
            None => {}
            Some(_) if token.is_some() && self.access == Access::Forbidden => {
                return status::aws_node_forbidden();
            }
            Some(rejection) => return rejection,
        }
        let Some(environment) = &self.aws_node.0 else { return status::no_daemon_set("aws-node") };
        let variable = |(name, value): &(String, String)| json!({ "name": name, "value": value });
        let environment: Vec<Value> = environment.iter().map(variable).collect();
        let daemon_set = json!({
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": { "name": "aws-node", "namespace": "kube-system" },
            "spec": { "template": { "spec": { "nodeSelector": self.node_selector, "containers": [
                { "name": "aws-node", "env": environment },
                { "name": "aws-eks-nodeagent", "env": [] },
            ]}}},
        });
        answer(200, "application/json", daemon_set.to_string())
    }

    /// Returns a DaemonSet of another CNI.
    fn daemon_set(&self, token: Option<&str>, namespace: &str, name: &str) -> Response<Body> {
        if let Some(rejection) = self.rejection("other", None, token) {
            return rejection;
        }
        if !self.daemon_sets.contains(&format!("{namespace}/{name}")) {
            return status::no_daemon_set(name);
        }
        let object = json!({
            "apiVersion": "apps/v1",
            "kind": "DaemonSet",
            "metadata": { "name": name, "namespace": namespace },
            "spec": {},
        });
        answer(200, "application/json", object.to_string())
    }

    /// Returns the error response if the client may not perform `verb`.
    fn rejection(
        &self,
        verb: &str,
        name: Option<&str>,
        token: Option<&str>,
    ) -> Option<Response<Body>> {
        let authenticated = self.tokens.as_ref().is_none_or(|accepted| {
            token.is_some_and(|token| accepted.iter().any(|one| one == token))
        });
        if !authenticated || self.access == Access::Unauthorized {
            return Some(status::unauthorized());
        }
        let lists = matches!(verb, "list" | "watch");
        match self.access {
            // A request without a token is anonymous and has no permissions.
            _ if token.is_none() && verb != "other" => {
                Some(status::forbidden(verb, name.unwrap_or_default()))
            }
            Access::Forbidden => Some(status::forbidden(verb, name.unwrap_or_default())),
            Access::NoWatch if lists => Some(status::forbidden(verb, "")),
            _ if self.no_crd && verb != "other" => Some(status::no_such_path()),
            _ => None,
        }
    }

    fn list(&self, selected: Option<&str>) -> Response<Body> {
        let is_selected =
            |name: &&String| selected.is_none_or(|selected| selected == name.as_str());
        let items: Vec<&Value> =
            self.objects.keys().filter(is_selected).map(|name| &self.objects[name]).collect();
        let list = json!({
            "apiVersion": "crd.k8s.amazonaws.com/v1alpha1",
            "kind": "ENIConfigList",
            "metadata": { "resourceVersion": self.version.to_string() },
            "items": items,
        });
        answer(200, "application/json", list.to_string())
    }

    /// Starts a watch. Without a version, or with 0, it first sends the existing objects; otherwise the
    /// events since that version.
    fn watch(&mut self, selected: Option<&str>, from: &str, time: Duration) -> Response<Body> {
        let (watcher, response) = Watcher::open(selected.map(str::to_owned), time);
        let from: u64 = from.parse().unwrap_or(0);
        if from == 0 {
            for object in self.objects.values() {
                watcher.send_event("ADDED", object);
            }
        } else if from < self.version && self.history.first().is_none_or(|first| first.0 > from + 1)
        {
            watcher.send(status::expired());
            watcher.end();
        } else {
            for (_, kind, object) in self.history.iter().filter(|event| event.0 > from) {
                watcher.send_event(kind, object);
            }
        }
        self.watchers.push(watcher);
        response
    }
}

/// Returns the namespace and the name in the path of a DaemonSet.
fn daemon_set(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(DAEMON_SETS.0)?.split_once(DAEMON_SETS.1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderMap;
    use http_body_util::BodyExt as _;

    fn get(state: &mut State, path: &str, query: &str) -> Response<Body> {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", "Bearer token".parse().unwrap());
        let (method, path, query) = ("GET".to_owned(), path.to_owned(), query.to_owned());
        state.respond(&Request { method, path, query, headers, body: Vec::new() })
    }

    /// Starts a watch, ends it, and returns the types of its events.
    async fn events(state: &mut State, query: &str) -> Vec<String> {
        let response = get(state, COLLECTION, query);
        assert_eq!(response.status(), 200);
        state.watchers.drain(..).for_each(|watcher| watcher.end());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let lines = String::from_utf8(bytes.to_vec()).unwrap();
        let kind = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            let code = event["object"]["code"].as_u64().map(|code| format!(" {code}"));
            format!("{}{}", event["type"].as_str().unwrap(), code.unwrap_or_default())
        };
        lines.lines().map(kind).collect()
    }

    #[tokio::test]
    async fn watch_starts_at_the_requested_version() {
        let mut state = State::default();
        state.apply("a", &json!({ "subnet": "subnet-1" }));
        state.apply("b", &json!({ "subnet": "subnet-2" }));
        state.apply("a", &json!({ "subnet": "subnet-3" }));
        let of_a = "watch=true&fieldSelector=metadata.name%3Da";
        assert_eq!(events(&mut state, of_a).await, ["ADDED"], "the existing object");
        assert_eq!(events(&mut state, &format!("{of_a}&resourceVersion=0")).await, ["ADDED"]);
        assert_eq!(events(&mut state, &format!("{of_a}&resourceVersion=1")).await, ["MODIFIED"]);
        assert_eq!(events(&mut state, "watch=true&resourceVersion=1").await, ["ADDED", "MODIFIED"]);
        state.delete("a");
        assert_eq!(events(&mut state, &format!("{of_a}&resourceVersion=3")).await, ["DELETED"]);
        state.history.clear();
        assert_eq!(events(&mut state, &format!("{of_a}&resourceVersion=1")).await, ["ERROR 410"]);
    }

    #[test]
    fn rejection_status_depends_on_the_cause() {
        let mut state = State::default();
        let path = format!("{COLLECTION}/us-west-2a");
        let status = |state: &mut State| get(state, &path, "").status().as_u16();
        assert_eq!(status(&mut state), 404);
        state.apply("us-west-2a", &json!({}));
        assert_eq!(status(&mut state), 200);
        state.no_crd = true;
        assert_eq!(status(&mut state), 404);
        state.access = Access::Forbidden;
        assert_eq!(status(&mut state), 403);
        state.tokens = Some(vec!["another".to_owned()]);
        assert_eq!(status(&mut state), 401);
    }
}
