//! Steering a running sandbox by HTTP, for scripts.

use crate::bottlerocket::Bottlerocket;
use crate::faults::{Fault, Faults};
use crate::imds::Imds;
use crate::kubernetes::KubernetesApi;
use crate::server::{Asked, Body, Server, answer};
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
    /// On a free port of loopback.
    pub fn start(
        imds: Arc<Imds>,
        api: Arc<KubernetesApi>,
        host: Option<Arc<Bottlerocket>>,
    ) -> io::Result<Self> {
        let handler = move |asked: Asked| {
            let response = respond(&imds, &api, host.as_deref(), &asked);
            async move { response }.boxed()
        };
        let addr = (Ipv4Addr::LOCALHOST, 0).into();
        Ok(Self { server: Server::start(addr, None, Faults::default(), Arc::new(handler))? })
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }
}

fn respond(
    imds: &Imds,
    api: &KubernetesApi,
    host: Option<&Bottlerocket>,
    asked: &Asked,
) -> Response<Body> {
    let path: Vec<&str> = asked.path.trim_start_matches('/').splitn(2, '/').collect();
    match (asked.method.as_str(), &path[..]) {
        ("POST", ["eniconfigs", name]) => match serde_json::from_slice(&asked.body) {
            Ok(spec) => api.apply(name, spec),
            Err(error) => return bad(&format!("the body is no JSON: {error}")),
        },
        ("DELETE", ["eniconfigs", name]) => api.delete(name),
        ("POST", ["imds", path]) => imds.set(path, asked.body.clone()),
        ("DELETE", ["imds", path]) => imds.remove(path),
        ("POST", ["watches", "break"]) => api.break_watches(),
        ("POST", ["watches", "end"]) => api.end_watches(),
        ("POST", ["watches", "expire"]) => api.expire_watches(),
        ("POST", ["faults", server @ ("imds" | "kubernetes" | "bottlerocket")]) => {
            let faults = match (*server, host) {
                ("imds", _) => imds.faults(),
                ("kubernetes", _) => api.faults(),
                (_, Some(host)) => host.faults(),
                (_, None) => return bad("there is no Bottlerocket host"),
            };
            if let Err(error) = fault(faults, &asked.body) {
                return bad(&error);
            }
        }
        ("GET", ["requests"]) => {
            let seen = |seen: &crate::Seen| format!("{} {}?{}", seen.verb, seen.path, seen.query);
            let api: Vec<String> = api.requests().iter().map(seen).collect();
            let mut all = json!({ "imds": imds.requests(), "kubernetes": api });
            if let Some(host) = host {
                all["bottlerocket"] = json!(host.lines());
            }
            return answer(200, "application/json", format!("{all:#}\n"));
        }
        _ => return answer(404, "text/plain", "see eni-bootstrap-sandbox --help\n"),
    }
    answer(204, "text/plain", "")
}

fn bad(why: &str) -> Response<Body> {
    answer(400, "text/plain", format!("{why}\n"))
}

/// `{"latency-ms": 50}`, or `{"matching": "watch=", "times": 2, "status": 500}`.
fn fault(faults: &Faults, body: &[u8]) -> Result<(), String> {
    let wanted: Value = serde_json::from_slice(body).map_err(|e| format!("no JSON: {e}"))?;
    if let Some(latency) = wanted["latency-ms"].as_u64() {
        faults.latency(Duration::from_millis(latency));
    }
    let status = wanted["status"].as_u64().map(u16::try_from).transpose();
    if let Some(status) = status.map_err(|_| "the status is no HTTP status".to_owned())? {
        let times = wanted["times"].as_u64().unwrap_or(1).try_into().unwrap_or(usize::MAX);
        let matching = wanted["matching"].as_str().unwrap_or_default();
        faults.fail_next_matching(matching, times, Fault::Status(status));
    }
    Ok(())
}
