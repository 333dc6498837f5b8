//! A simulated instance metadata service that requires IMDSv2.
//!
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

mod instance;

pub use instance::{Instance, Interface};

use crate::faults::Faults;
use crate::server::{Body, Request, Server, answer};
use futures::FutureExt as _;
use http::Response;
use instance::MACS;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";

#[derive(Default)]
struct State {
    items: BTreeMap<String, Vec<u8>>,
    tokens: HashSet<String>,
    issued: usize,
    requests: Vec<String>,
}

/// A running instance metadata service.
pub struct Imds {
    server: Server,
    state: Arc<Mutex<State>>,
    faults: Faults,
}

impl std::fmt::Debug for Imds {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Imds").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

impl Imds {
    /// Starts the service on a free loopback port.
    #[must_use]
    pub fn start(instance: &Instance) -> Self {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into(), instance).expect("a free port")
    }

    /// Starts the service on `addr`.
    pub fn start_on(addr: SocketAddr, instance: &Instance) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State { items: instance.items(), ..State::default() }));
        let faults = Faults::default();
        let shared = state.clone();
        let handler = move |request: Request| {
            let response = shared.lock().unwrap().respond(&request);
            async move { response }.boxed()
        };
        let server = Server::start(addr, None, faults.clone(), Arc::new(handler))?;
        Ok(Self { server, state, faults })
    }

    /// Returns the URL of the service, such as `http://127.0.0.1:49152`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.server.addr)
    }

    /// Returns the address on which the service listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// Returns the request lines so far, such as `PUT /latest/api/token`.
    #[must_use]
    pub fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Sets the contents of `path`, such as `meta-data/instance-type`.
    pub fn set(&self, path: &str, body: impl Into<Vec<u8>>) {
        self.state.lock().unwrap().items.insert(path.to_owned(), body.into());
    }

    /// Attaches a network interface.
    pub fn attach(&self, interface: &Interface) {
        let items = &mut self.state.lock().unwrap().items;
        let list = items.entry(MACS.to_owned()).or_default();
        list.extend(format!("\n{}/", interface.mac).into_bytes());
        items.extend(interface.items().into_iter().map(|(path, text)| (path, text.into_bytes())));
    }

    /// Makes `path` return 404.
    pub fn remove(&self, path: &str) {
        self.state.lock().unwrap().items.remove(path);
    }

    /// Returns the contents of `path`.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().items.get(path).cloned()
    }

    /// Returns whether `path` has contents.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.state.lock().unwrap().items.contains_key(path)
    }

    /// Returns the session tokens that the service has issued and still accepts.
    #[must_use]
    pub fn tokens(&self) -> Vec<String> {
        self.state.lock().unwrap().tokens.iter().cloned().collect()
    }

    /// Makes all issued tokens invalid.
    pub fn forget_tokens(&self) {
        self.state.lock().unwrap().tokens.clear();
    }

    /// Returns the faults of this server.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops listening and closes all connections.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts the stopped service again, on the same port.
    pub fn revive(&mut self) {
        self.server.revive().expect("the port is still free");
    }
}

impl State {
    fn respond(&mut self, request: &Request) -> Response<Body> {
        self.requests.push(request.line());
        let plain = |status, body: &[u8]| answer(status, "text/plain", body.to_vec());
        let path = request.path.strip_prefix("/latest/").unwrap_or_default();
        match (request.method.as_str(), path) {
            ("PUT", "api/token") => self.token(request),
            ("GET", _) => {
                if !request.header(TOKEN).is_some_and(|token| self.tokens.contains(token)) {
                    return plain(401, b"401 - Unauthorized");
                }
                match self.items.get(path) {
                    Some(body) => plain(200, body),
                    None => plain(404, b"404 - Not Found"),
                }
            }
            _ => plain(405, b"405 - Method Not Allowed"),
        }
    }

    fn token(&mut self, request: &Request) -> Response<Body> {
        // The real service also rejects requests that were forwarded by a proxy.
        if request.header("x-forwarded-for").is_some() {
            return answer(403, "text/plain", "403 - Forbidden");
        }
        let ttl = request.header(TTL).and_then(|ttl| ttl.parse::<u32>().ok());
        let Some(ttl) = ttl.filter(|ttl| (1..=21_600).contains(ttl)) else {
            return answer(400, "text/plain", "400 - Bad Request");
        };
        self.issued += 1;
        let token = format!("sandbox-metadata-token-{}", self.issued);
        self.tokens.insert(token.clone());
        let mut response = answer(200, "text/plain", token);
        response.headers_mut().insert(TTL, ttl.into());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn status(
        state: &mut State,
        method: &str,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> u16 {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| {
                (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query: String::new(),
            headers,
            body: Vec::new(),
        };
        state.respond(&request).status().as_u16()
    }

    #[test]
    fn issues_and_requires_tokens_as_ec2_does() {
        let mut state = State { items: Instance::default().items(), ..State::default() };
        let token_path = "/latest/api/token";
        for ttl in ["0", "21601", "soon"] {
            assert_eq!(status(&mut state, "PUT", token_path, &[(TTL, ttl)]), 400, "{ttl}");
        }
        assert_eq!(status(&mut state, "PUT", token_path, &[]), 400);
        let forwarded = [(TTL, "60"), ("x-forwarded-for", "192.0.2.1")];
        assert_eq!(status(&mut state, "PUT", token_path, &forwarded), 403);
        assert_eq!(status(&mut state, "PUT", token_path, &[(TTL, "60")]), 200);
        let zone = "/latest/meta-data/placement/availability-zone";
        assert_eq!(status(&mut state, "GET", zone, &[]), 401);
        assert_eq!(status(&mut state, "GET", zone, &[(TOKEN, "another")]), 401);
        let token = [(TOKEN, "sandbox-metadata-token-1")];
        assert_eq!(status(&mut state, "GET", zone, &token), 200);
        assert_eq!(status(&mut state, "GET", "/latest/user-data", &token), 404);
        assert_eq!(status(&mut state, "PUT", zone, &token), 405);
        state.tokens.clear();
        assert_eq!(status(&mut state, "GET", zone, &token), 401);
    }
}
