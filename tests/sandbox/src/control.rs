//! An HTTP endpoint with which scripts control a running sandbox.

use crate::bottlerocket::Bottlerocket;
use crate::faults::{Fault, Faults};
use crate::imds::Imds;
use crate::kubernetes::{KubernetesApi, KubernetesRequest};
use crate::server::{Body, Request, Server, answer};
use futures::FutureExt as _;
use http::Response;
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// A running control endpoint.
pub struct Control {
    server: Server,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Control").field("addr", &self.server.addr).finish_non_exhaustive()
    }
}

impl Control {
    /// Starts the endpoint on a free loopback port.
    pub fn start(
        imds: Arc<Imds>,
        api: Arc<KubernetesApi>,
        host: Option<Arc<Bottlerocket>>,
    ) -> io::Result<Self> {
        let handler = move |request: Request| {
            let response = respond(&imds, &api, host.as_deref(), &request);
            async move { response }.boxed()
        };
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        Ok(Self { server: Server::start(addr, None, Faults::default(), Arc::new(handler))? })
    }

    /// Returns the address on which the endpoint listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }
}

fn respond(
    imds: &Imds,
    api: &KubernetesApi,
    host: Option<&Bottlerocket>,
    request: &Request,
) -> Response<Body> {
    let path: Vec<&str> = request.path.trim_start_matches('/').splitn(2, '/').collect();
    match (request.method.as_str(), &path[..]) {
        (_, ["eniconfigs", name]) if name.is_empty() || name.contains('/') => return not_found(),
        ("DELETE", ["eniconfigs", name]) if !api.contains(name) => return not_found(),
        (_, ["imds", path]) if !is_item(path) => return not_found(),
        ("DELETE", ["imds", path]) if !imds.contains(path) => return not_found(),
        ("POST", ["eniconfigs", name]) => match serde_json::from_slice(&request.body) {
            Ok(spec) => api.apply(name, spec),
            Err(error) => return bad_request(&format!("the body is not valid JSON: {error}")),
        },
        ("DELETE", ["eniconfigs", name]) => api.delete(name),
        ("POST", ["imds", path]) => imds.set(path, request.body.clone()),
        ("DELETE", ["imds", path]) => imds.remove(path),
        ("POST", ["watches", "break"]) => api.break_watches(),
        ("POST", ["watches", "end"]) => api.end_watches(),
        ("POST", ["watches", "expire"]) => api.expire_watches(),
        ("POST", ["faults", server @ ("imds" | "kubernetes" | "bottlerocket")]) => {
            let faults = match (*server, host) {
                ("imds", _) => imds.faults(),
                ("kubernetes", _) => api.faults(),
                (_, Some(host)) => host.faults(),
                (_, None) => return bad_request("started without --bottlerocket"),
            };
            if let Err(error) = add_fault(faults, &request.body) {
                return bad_request(&error);
            }
        }
        ("GET", ["requests"]) => {
            let line = |it: &KubernetesRequest| format!("{} {}?{}", it.verb, it.path, it.query);
            let api: Vec<String> = api.requests().iter().map(line).collect();
            let mut all = json!({ "imds": imds.requests(), "kubernetes": api });
            if let Some(host) = host {
                all["bottlerocket"] = json!(host.lines());
            }
            return answer(200, "application/json", format!("{all:#}\n"));
        }
        _ => return not_found(),
    }
    answer(204, "text/plain", "")
}

/// Returns whether the metadata service serves `path`, which does not start with `latest/`.
fn is_item(path: &str) -> bool {
    path == "user-data" || path.starts_with("meta-data/") || path.starts_with("dynamic/")
}

fn not_found() -> Response<Body> {
    answer(404, "text/plain", "not found; run `eni-bootstrap-sandbox --help`\n")
}

fn bad_request(message: &str) -> Response<Body> {
    answer(400, "text/plain", format!("{message}\n"))
}

/// Adds the fault that `body` describes: `{"latency-ms": 50}`, or
/// `{"matching": "watch=", "times": 2, "status": 500}`.
fn add_fault(faults: &Faults, body: &[u8]) -> Result<(), String> {
    let fault: Value = serde_json::from_slice(body)
        .map_err(|error| format!("the body is not valid JSON: {error}"))?;
    if let Some(latency) = fault["latency-ms"].as_u64() {
        faults.latency(Duration::from_millis(latency));
    }
    let status = fault["status"].as_u64().map(u16::try_from).transpose();
    if let Some(status) = status.map_err(|_| "invalid HTTP status".to_owned())? {
        let times = fault["times"].as_u64().unwrap_or(1).try_into().unwrap_or(usize::MAX);
        let matching = fault["matching"].as_str().unwrap_or_default();
        faults.fail_next_matching(matching, times, Fault::Status(status));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imds::Instance;
    use http::HeaderMap;

    #[test]
    fn a_path_that_the_sandbox_does_not_serve_is_404() {
        let (imds, api) = (Imds::start(&Instance::default()), KubernetesApi::start());
        let status = |method: &str, path: &str| {
            let request = Request {
                method: method.to_owned(),
                path: path.to_owned(),
                query: String::new(),
                headers: HeaderMap::new(),
                body: b"{}".to_vec(),
            };
            respond(&imds, &api, None, &request).status().as_u16()
        };
        for (method, path, expected) in [
            ("POST", "/imds/meta-data/instance-type", 204),
            ("POST", "/imds/user-data", 204),
            ("DELETE", "/imds/user-data", 204),
            ("POST", "/eniconfigs/us-west-2a", 204),
            ("DELETE", "/eniconfigs/us-west-2a", 204),
            ("POST", "/watches/end", 204),
            ("POST", "/imds/latest/meta-data/instance-type", 404),
            ("POST", "/imds/", 404),
            ("POST", "/imds/metadata/instance-type", 404),
            ("DELETE", "/imds/user-data", 404),
            ("DELETE", "/eniconfigs/us-west-2a", 404),
            ("POST", "/eniconfigs/", 404),
            ("POST", "/eniconfigs/us-west-2a/status", 404),
            ("POST", "/watches/stop", 404),
            ("GET", "/imds/meta-data/instance-type", 404),
        ] {
            assert_eq!(status(method, path), expected, "{method} {path}");
        }
    }
}
