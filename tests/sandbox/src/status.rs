//! The error responses of kube-apiserver.

use crate::server::{Body, answer};
use http::Response;
use serde_json::{Value, json};

/// The user name of the node.
const USER: &str = "system:node:ip-192-0-2-10.us-west-2.compute.internal";

fn status(code: u16, reason: &str, message: &str, details: &Value) -> Value {
    let mut status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    });
    if !details.is_null() {
        status["details"] = details.clone();
    }
    status
}

fn json_answer(code: u16, body: &Value) -> Response<Body> {
    answer(code, "application/json", format!("{body}\n"))
}

fn details(name: &str) -> Value {
    json!({ "name": name, "group": "crd.k8s.amazonaws.com", "kind": "eniconfigs" })
}

pub(crate) fn not_found(name: &str) -> Response<Body> {
    let message = format!("eniconfigs.crd.k8s.amazonaws.com \"{name}\" not found");
    json_answer(404, &status(404, "NotFound", &message, &details(name)))
}

/// Returns 404 for an unknown resource type. Unlike for an unknown object, the body is not a `Status`.
pub(crate) fn no_such_path() -> Response<Body> {
    answer(404, "text/plain; charset=utf-8", "404 page not found\n")
}

pub(crate) fn unauthorized() -> Response<Body> {
    json_answer(401, &status(401, "Unauthorized", "Unauthorized", &Value::Null))
}

pub(crate) fn forbidden(verb: &str, name: &str) -> Response<Body> {
    let named = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
    let message = format!(
        "eniconfigs.crd.k8s.amazonaws.com{named} is forbidden: User \"{USER}\" cannot {verb} resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope"
    );
    json_answer(403, &status(403, "Forbidden", &message, &details(name)))
}

fn daemon_set_details(name: &str) -> Value {
    json!({ "name": name, "group": "apps", "kind": "daemonsets" })
}

pub(crate) fn no_daemon_set(name: &str) -> Response<Body> {
    let message = format!("daemonsets.apps \"{name}\" not found");
    json_answer(404, &status(404, "NotFound", &message, &daemon_set_details(name)))
}

pub(crate) fn aws_node_forbidden() -> Response<Body> {
    let message = format!(
        "daemonsets.apps \"aws-node\" is forbidden: User \"{USER}\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\""
    );
    json_answer(403, &status(403, "Forbidden", &message, &daemon_set_details("aws-node")))
}

/// Returns the ERROR event of a watch whose resource version is too old. The HTTP status is 200.
pub(crate) fn expired() -> Value {
    let message = "too old resource version: 1 (1000)";
    json!({ "type": "ERROR", "object": status(410, "Expired", message, &Value::Null) })
}
