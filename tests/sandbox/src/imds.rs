//! A simulated instance metadata service that requires IMDSv2.
//!
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use crate::faults::Faults;
use crate::server::{Body, Request, Server, answer};
use futures::FutureExt as _;
use http::Response;
use serde_json::json;
use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

const TTL: &str = "x-aws-ec2-metadata-token-ttl-seconds";
const TOKEN: &str = "x-aws-ec2-metadata-token";

/// The values that the service returns for its instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    /// The instance type, such as `c5.large`.
    pub instance_type: String,
    /// The availability zone, such as `us-west-2a`.
    pub zone: String,
    /// The availability zone id, such as `usw2-az1`.
    pub zone_id: String,
    /// The region, such as `us-west-2`.
    pub region: String,
    /// The instance id.
    pub instance_id: String,
    /// The IPv4 address of the primary network interface.
    pub local_ipv4: String,
    /// The MAC address of the primary network interface.
    pub mac: String,
    /// The VPC of the primary network interface.
    pub vpc_id: String,
    /// The subnet of the primary network interface.
    pub subnet_id: String,
    /// The user data; `None` returns 404.
    pub user_data: Option<Vec<u8>>,
    /// The tags; `None` if tags in instance metadata are not enabled.
    pub tags: Option<BTreeMap<String, String>>,
    /// The IAM role; `None` if the instance has no instance profile.
    pub role: Option<String>,
}

impl Default for Instance {
    fn default() -> Self {
        Self {
            instance_type: "c5.large".to_owned(),
            zone: "us-west-2a".to_owned(),
            zone_id: "usw2-az1".to_owned(),
            region: "us-west-2".to_owned(),
            instance_id: "i-0123456789abcdef0".to_owned(),
            local_ipv4: "192.0.2.10".to_owned(),
            mac: "02:00:00:00:00:01".to_owned(),
            vpc_id: "vpc-0123456789abcdef0".to_owned(),
            subnet_id: "subnet-0123456789abcdef0".to_owned(),
            user_data: None,
            tags: None,
            role: Some("node".to_owned()),
        }
    }
}

impl Instance {
    /// Returns the paths below `/latest/` with their contents.
    fn items(&self) -> BTreeMap<String, Vec<u8>> {
        let interface = format!("meta-data/network/interfaces/macs/{}", self.mac);
        let mut items: BTreeMap<String, Vec<u8>> = [
            ("meta-data/instance-type".to_owned(), &self.instance_type),
            ("meta-data/instance-id".to_owned(), &self.instance_id),
            ("meta-data/placement/availability-zone".to_owned(), &self.zone),
            ("meta-data/placement/availability-zone-id".to_owned(), &self.zone_id),
            ("meta-data/placement/region".to_owned(), &self.region),
            ("meta-data/local-ipv4".to_owned(), &self.local_ipv4),
            ("meta-data/mac".to_owned(), &self.mac),
            (MACS.to_owned(), &format!("{}/", self.mac)),
            (format!("{interface}/interface-id"), &"eni-0000000000000000a".to_owned()),
            (format!("{interface}/vpc-id"), &self.vpc_id),
            (format!("{interface}/subnet-id"), &self.subnet_id),
            (format!("{interface}/local-ipv4s"), &self.local_ipv4),
            (format!("{interface}/device-number"), &"0".to_owned()),
        ]
        .map(|(path, text)| (path, text.as_bytes().to_vec()))
        .into();
        if let Some(user_data) = &self.user_data {
            items.insert("user-data".to_owned(), user_data.clone());
        }
        if let Some(tags) = &self.tags {
            let names: Vec<&str> = tags.keys().map(String::as_str).collect();
            items.insert("meta-data/tags/instance".to_owned(), names.join("\n").into_bytes());
            for (key, value) in tags {
                items.insert(format!("meta-data/tags/instance/{key}"), value.clone().into_bytes());
            }
        }
        if let Some(role) = &self.role {
            let list = "meta-data/iam/security-credentials/".to_owned();
            items.insert(format!("{list}{role}"), credentials());
            items.insert(list, role.clone().into_bytes());
        }
        let document = json!({
            "accountId": "123456789012",
            "architecture": "x86_64",
            "availabilityZone": self.zone,
            "instanceId": self.instance_id,
            "instanceType": self.instance_type,
            "privateIp": self.local_ipv4,
            "region": self.region,
            "version": "2017-09-30",
        });
        items.insert("dynamic/instance-identity/document".to_owned(), document.to_string().into());
        items
    }
}

/// Returns credentials that are valid only in the sandbox.
fn credentials() -> Vec<u8> {
    let credentials = json!({
        "Code": "Success",
        "LastUpdated": "2026-01-01T00:00:00Z",
        "Type": "AWS-HMAC",
        "AccessKeyId": "ASIASANDBOXEXAMPLE",
        "SecretAccessKey": "sandbox/secret/EXAMPLEKEY",
        "Token": "sandbox-session-token",
        "Expiration": "2099-01-01T00:00:00Z",
    });
    credentials.to_string().into_bytes()
}

/// A network interface that is attached to the instance in addition to the primary one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The id, such as `eni-0123456789abcdef0`.
    pub id: String,
    /// The MAC address.
    pub mac: String,
    /// The device number on its network card; 0 is the primary network interface.
    pub device_number: u32,
    /// The network card; `None` returns 404, as on instance types with one card.
    pub network_card: Option<u32>,
    /// The subnet.
    pub subnet_id: String,
    /// The private IPv4 addresses, the primary one first; if empty, the path returns 404, as for an
    /// EFA-only network interface.
    pub local_ipv4s: Vec<String>,
    /// The `/28` prefixes; if empty, the path returns 404.
    pub ipv4_prefixes: Vec<String>,
}

/// A network interface of the VPC CNI with three addresses for pods.
impl Default for Interface {
    fn default() -> Self {
        Self {
            id: "eni-0123456789abcdef0".to_owned(),
            mac: "02:00:00:00:00:02".to_owned(),
            device_number: 1,
            network_card: None,
            subnet_id: "subnet-0a".to_owned(),
            local_ipv4s: [20, 21, 22, 23].map(|host| format!("192.0.2.{host}")).into(),
            ipv4_prefixes: Vec::new(),
        }
    }
}

impl Interface {
    /// Returns the paths below `/latest/` with their contents.
    fn items(&self) -> Vec<(String, String)> {
        let folder = format!("meta-data/network/interfaces/macs/{}", self.mac);
        let mut items = vec![
            (format!("{folder}/interface-id"), self.id.clone()),
            (format!("{folder}/device-number"), self.device_number.to_string()),
            (format!("{folder}/subnet-id"), self.subnet_id.clone()),
        ];
        if !self.local_ipv4s.is_empty() {
            items.push((format!("{folder}/local-ipv4s"), self.local_ipv4s.join("\n")));
        }
        items
            .extend(self.network_card.map(|it| (format!("{folder}/network-card"), it.to_string())));
        if !self.ipv4_prefixes.is_empty() {
            items.push((format!("{folder}/ipv4-prefix"), self.ipv4_prefixes.join("\n")));
        }
        items
    }
}

/// The list of the network interfaces.
const MACS: &str = "meta-data/network/interfaces/macs/";

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
