//! toxiproxy, a TCP proxy with faults.
//!
//! Source: <https://github.com/Shopify/toxiproxy/blob/main/README.md>

use std::net::SocketAddr;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::real_parts::{Server, http::http, toxiproxy};

/// A proxy in front of one server. Dropping it removes the proxy.
#[derive(Debug)]
pub struct TcpProxy {
    url: String,
    /// The address on which it listens.
    pub addr: SocketAddr,
    upstream: SocketAddr,
    /// The names of the present toxics.
    toxics: Vec<String>,
}

/// Returns the URL of the toxiproxy that all cases of this process share.
fn server() -> &'static str {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    let program = toxiproxy().expect("toxiproxy, which the caller has checked");
    let start = || {
        Server::start(|at| {
            let mut command = Command::new(program);
            command.args(["-host", &at.ip().to_string(), "-port", &at.port().to_string()]);
            command.env("LOG_LEVEL", "error");
            command
        })
    };
    ENDPOINT.get_or_init(|| SERVER.get_or_init(start).endpoint())
}

impl TcpProxy {
    /// Starts a proxy `name`, which must be unique, on a free port of the loopback address.
    pub fn start(name: &str, upstream: SocketAddr) -> Self {
        let body = json!({ "name": name, "listen": "127.0.0.1:0", "upstream": upstream });
        let proxy = request("POST", &format!("{}/proxies", server()), &body);
        let addr = proxy["listen"].as_str().unwrap().parse().unwrap();
        Self { url: format!("{}/proxies/{name}", server()), addr, upstream, toxics: Vec::new() }
    }

    /// Begins a fault. `bytes` is the number of bytes before `reset-after` and `cut-after`.
    pub fn begin(&mut self, fault: &str, bytes: u32) {
        match fault {
            "down" => self.enable(false),
            "black-hole" => {
                self.toxic("timeout", "downstream", 1.0, &json!({ "timeout": 0 }));
            }
            "slow" => self.toxic("latency", "downstream", 1.0, &json!({ "latency": 30_000 })),
            "trickle" => {
                let attributes = json!({ "average_size": 1, "delay": 500_000 });
                self.toxic("slicer", "downstream", 1.0, &attributes);
            }
            "reset" => self.toxic("reset_peer", "downstream", 1.0, &json!({ "timeout": 0 })),
            "reset-after" => {
                // With toxicity 0, the toxic only selects the kind of close: RST instead of FIN.
                self.toxic("reset_peer", "downstream", 0.0, &json!({ "timeout": 0 }));
                self.toxic("limit_data", "downstream", 1.0, &json!({ "bytes": bytes }));
            }
            "cut-after" => self.toxic("limit_data", "downstream", 1.0, &json!({ "bytes": bytes })),
            other => panic!("unknown TCP fault {other:?}"),
        }
    }

    /// Connects further clients to `upstream` until [`TcpProxy::end`].
    pub fn redirect(&self, upstream: SocketAddr) {
        request("POST", &self.url, &json!({ "enabled": true, "upstream": upstream }));
    }

    /// Ends all faults.
    pub fn end(&mut self) {
        for toxic in std::mem::take(&mut self.toxics) {
            request("DELETE", &format!("{}/toxics/{toxic}", self.url), &Value::Null);
        }
        self.redirect(self.upstream);
    }

    fn enable(&self, enabled: bool) {
        request("POST", &self.url, &json!({ "enabled": enabled }));
    }

    fn toxic(&mut self, kind: &str, stream: &str, toxicity: f32, attributes: &Value) {
        let toxic = json!({
            "name": kind, "type": kind, "stream": stream, "toxicity": toxicity,
            "attributes": attributes,
        });
        request("POST", &format!("{}/toxics", self.url), &toxic);
        self.toxics.push(kind.to_owned());
    }
}

impl Drop for TcpProxy {
    fn drop(&mut self) {
        request("DELETE", &self.url, &Value::Null);
    }
}

fn request(method: &str, url: &str, body: &Value) -> Value {
    // The server resets the connection if it does not read a body.
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let (status, response) = http(method, url, &[], &text);
    assert!((200..300).contains(&status), "{method} {url}: {status} {response}");
    serde_json::from_str(&response).unwrap_or(Value::Null)
}
