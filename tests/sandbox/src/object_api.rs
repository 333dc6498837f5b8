//! A simulated Kubernetes API with any objects, for commands that read a whole cluster.
//!
//! It responds to get, to list with `labelSelector`, `fieldSelector`, `limit` and `continue`, and to server-side
//! apply, as kube-apiserver does. The discovery of resource types and watches are missing.

use crate::faults::Faults;
use crate::server::{Body, Request, Server, answer};
use crate::tls::{self, Certificate};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use http::Response;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

/// The objects by the path of their URL.
type Objects = BTreeMap<String, Value>;

/// A running API server.
pub struct ObjectApi {
    server: Server,
    authority: String,
}

impl std::fmt::Debug for ObjectApi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ObjectApi").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl ObjectApi {
    /// Starts the server on a free loopback port with these objects, which need `apiVersion`, `kind` and
    /// `metadata.name`.
    #[must_use]
    pub fn start(objects: Vec<Value>) -> Self {
        let (tls, authority) = tls::server_config(&[], Certificate::Valid);
        let objects: Objects = objects.into_iter().map(|it| (path(&it), it)).collect();
        let objects = Mutex::new(objects);
        let handler = move |request: Request| {
            let response = respond(&mut objects.lock().unwrap(), &request);
            async move { response }.boxed()
        };
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        let server = Server::start(addr, Some(tls), Faults::default(), Arc::new(handler));
        Self { server: server.expect("a free port"), authority }
    }

    /// Returns the URL of the server, such as `https://127.0.0.1:49152`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.server.addr)
    }

    /// Returns the certificate authority in base64.
    #[must_use]
    pub fn ca_base64(&self) -> String {
        STANDARD.encode(&self.authority)
    }

    /// Returns a kubeconfig as `aws eks update-kubeconfig` writes it, with a static token.
    #[must_use]
    pub fn kubeconfig(&self, arn: &str) -> String {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": arn,
            "clusters": [{ "name": arn, "cluster": {
                "server": self.url(),
                "certificate-authority-data": self.ca_base64(),
            }}],
            "users": [{ "name": arn, "user": { "token": "sandbox-token" } }],
            "contexts": [{ "name": arn, "context": { "cluster": arn, "user": arn } }],
        });
        format!("{config:#}\n")
    }
}

/// Returns the path of the resource type of an object.
fn collection(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&object["apiVersion"]), text(&object["kind"]));
    let root = if version.contains('/') { "apis" } else { "api" };
    let plural = format!("{}s", kind.to_lowercase());
    match object["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{root}/{version}/namespaces/{namespace}/{plural}"),
        None => format!("/{root}/{version}/{plural}"),
    }
}

/// Returns the path of an object.
fn path(object: &Value) -> String {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    format!("{}/{name}", collection(object))
}

fn respond(objects: &mut Objects, request: &Request) -> Response<Body> {
    let query: BTreeMap<String, String> =
        form_urlencoded::parse(request.query.as_bytes()).into_owned().collect();
    match request.method.as_str() {
        "GET" => match objects.get(&request.path) {
            Some(object) => json_answer(200, object),
            None => list(objects, &request.path, &query),
        },
        "PATCH" => apply(objects, request, &query),
        _ => status(405, "MethodNotAllowed", "the server does not allow this method"),
    }
}

/// Creates or replaces an object by server-side apply. With `dryRun=All`, keeps the objects unchanged.
fn apply(
    objects: &mut Objects,
    request: &Request,
    query: &BTreeMap<String, String>,
) -> Response<Body> {
    let Ok(mut object) = serde_json::from_slice::<Value>(&request.body) else {
        return status(400, "BadRequest", "the body is not JSON");
    };
    let old = objects.get(&request.path);
    let generation = old.and_then(|it| it["metadata"]["generation"].as_u64()).unwrap_or(0);
    let is_same = old.is_some_and(|old| old["spec"] == object["spec"]);
    let number = if is_same { generation } else { generation + 1 };
    object["metadata"]["generation"] = json!(number);
    object["metadata"]["resourceVersion"] = json!(number.to_string());
    object["metadata"]["uid"] = json!("00000000-0000-4000-8000-000000000001");
    let code = if old.is_some() { 200 } else { 201 };
    let response = json_answer(code, &object);
    if query.get("dryRun").is_none_or(|it| it != "All") {
        objects.insert(request.path.clone(), object);
    }
    response
}

/// Returns the objects of a resource type, in all namespaces or in one.
fn list(objects: &Objects, path: &str, query: &BTreeMap<String, String>) -> Response<Body> {
    let plural = path.rsplit('/').next().unwrap_or_default();
    let prefix = path.strip_suffix(plural).unwrap_or_default();
    let is_of_type = |object: &Value| {
        let collection = collection(object);
        collection == path
            || (collection.starts_with(&format!("{prefix}namespaces/"))
                && collection.ends_with(&format!("/{plural}")))
    };
    let of_type: Vec<&Value> = objects.values().filter(|it| is_of_type(it)).collect();
    let Some(first) = of_type.first() else {
        return status(404, "NotFound", "the server could not find the requested resource");
    };
    let (version, kind) = (first["apiVersion"].clone(), first["kind"].as_str().unwrap_or_default());
    let kind = format!("{kind}List");
    let is_selected = |object: &&&Value| {
        let selects = |key: &str, value: fn(&Value, &str) -> String| {
            query.get(key).is_none_or(|text| selects(text, |name| value(object, name)))
        };
        selects("labelSelector", label) && selects("fieldSelector", field)
    };
    let items: Vec<&&Value> = of_type.iter().filter(is_selected).collect();
    let from: usize = query.get("continue").and_then(|it| it.parse().ok()).unwrap_or(0);
    let limit = query.get("limit").and_then(|it| it.parse().ok()).filter(|it| *it > 0);
    let to = limit.map_or(items.len(), |limit: usize| items.len().min(from + limit));
    let mut metadata = json!({ "resourceVersion": "1" });
    if to < items.len() {
        metadata["continue"] = json!(to.to_string());
        metadata["remainingItemCount"] = json!(items.len() - to);
    }
    let page = items.get(from..to).unwrap_or_default();
    let list = json!({ "apiVersion": version, "kind": kind, "metadata": metadata, "items": page });
    json_answer(200, &list)
}

/// Returns whether a selector with the operators `=`, `==` and `!=`, and names alone, selects an object with
/// these values. A missing value is empty.
fn selects(selector: &str, value: impl Fn(&str) -> String) -> bool {
    selector.split(',').filter(|it| !it.is_empty()).all(|term| {
        if let Some((name, other)) = term.split_once("!=") {
            value(name.trim()) != other.trim()
        } else if let Some((name, expected)) = term.split_once('=') {
            value(name.trim()) == expected.trim_start_matches('=').trim()
        } else {
            !value(term.trim()).is_empty()
        }
    })
}

fn label(object: &Value, name: &str) -> String {
    object["metadata"]["labels"][name].as_str().unwrap_or_default().to_owned()
}

fn field(object: &Value, name: &str) -> String {
    let value = name.split('.').fold(object, |value, part| &value[part]);
    value.as_str().unwrap_or_default().to_owned()
}

fn json_answer(code: u16, body: &Value) -> Response<Body> {
    answer(code, "application/json", format!("{body}\n"))
}

fn status(code: u16, reason: &str, message: &str) -> Response<Body> {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    json_answer(code, &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_compare_labels_and_fields() {
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "a", "namespace": "b", "labels": { "app": "web" } },
            "spec": { "nodeName": "node-1" }, "status": { "phase": "Running" },
        });
        assert_eq!(path(&pod), "/api/v1/namespaces/b/pods/a");
        for (selector, expected) in [
            ("spec.nodeName=node-1", true),
            ("spec.nodeName!=,status.phase!=Failed,status.phase!=Succeeded", true),
            ("status.phase!=Running", false),
            ("metadata.name==a", true),
        ] {
            assert_eq!(selects(selector, |name| field(&pod, name)), expected, "{selector}");
        }
        for (selector, expected) in [("app", true), ("app=web", true), ("other", false)] {
            assert_eq!(selects(selector, |name| label(&pod, name)), expected, "{selector}");
        }
    }
}
