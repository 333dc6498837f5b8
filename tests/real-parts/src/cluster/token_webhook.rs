//! The token webhook of the API server, which replaces the EKS authenticator.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::Uri;
use serde_json::{Value, json};

/// The user name for every valid token, unless [`TokenWebhook::set_node`] changes it.
pub const NODE: &str = "system:node:ip-10-20-0-10.us-west-2.compute.internal";
/// How long the API server caches an accepted token. The webhook's cache TTL does not change it.
///
/// Source: `TokenSuccessCacheTTL` in Kubernetes' `pkg/kubeapiserver/options/authentication.go`.
const SUCCESS_TTL: Duration = Duration::from_secs(10);
/// How long the API server caches a rejected token. It is set by an argument of the API server.
pub const REJECTION_TTL: Duration = Duration::from_secs(1);
/// How long a token is valid after its signature.
const TOKEN_LIFETIME: Duration = Duration::from_mins(15);

/// A running webhook. Dropping it stops it.
#[derive(Debug)]
pub struct TokenWebhook {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    unmapped: bool,
    /// The user name for every valid token.
    user: String,
    /// The well-formed tokens, without duplicates, in the order of their first use.
    tokens: Vec<String>,
    /// How many of `tokens`, from the first, are rejected.
    revoked: usize,
    last_accepted: Option<Instant>,
    last_rejected: Option<Instant>,
    stopped: bool,
}

impl State {
    fn accept(&mut self, token: &str) -> bool {
        let is_good = is_good(token, SystemTime::now());
        if is_good && !self.tokens.iter().any(|known| known == token) {
            self.tokens.push(token.to_owned());
        }
        let is_revoked = self.tokens[..self.revoked].iter().any(|revoked| revoked == token);
        let accepted = is_good && !is_revoked && !self.unmapped;
        let last = if accepted { &mut self.last_accepted } else { &mut self.last_rejected };
        *last = Some(Instant::now());
        accepted
    }
}

impl TokenWebhook {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { user: NODE.to_owned(), ..State::default() };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                let state = shared.clone();
                if state.lock().unwrap().stopped {
                    break;
                }
                // Go's client may open a connection without using it.
                thread::spawn(move || answer(stream?, &state));
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the well-formed tokens, accepted or rejected, without duplicates.
    pub fn tokens(&self) -> Vec<String> {
        self.state().tokens.clone()
    }

    /// Sets whether the IAM role of the node is mapped. Returns when the cached results in the API server
    /// have expired.
    pub fn set_mapped(&self, mapped: bool) {
        self.state().unmapped = !mapped;
        self.wait_for_cache_expiry();
    }

    /// Sets the name of the Node that the IAM role is mapped to. The API server caches the result for
    /// tokens that were used before.
    pub fn set_node(&self, name: &str) {
        self.state().user = format!("system:node:{name}");
    }

    /// Rejects all tokens that were used so far. Returns when the cached results in the API server have
    /// expired.
    pub fn forget_tokens(&self) {
        let mut state = self.state();
        state.revoked = state.tokens.len();
        drop(state);
        self.wait_for_cache_expiry();
    }

    /// Records that the API server was stopped and its cache lost.
    pub fn clear_cache(&self) {
        let mut state = self.state();
        (state.last_accepted, state.last_rejected) = (None, None);
    }

    fn wait_for_cache_expiry(&self) {
        let state = self.state();
        let cached = [(state.last_accepted, SUCCESS_TTL), (state.last_rejected, REJECTION_TTL)];
        drop(state);
        let expiries = cached.into_iter().filter_map(|(last, ttl)| Some(last? + ttl));
        if let Some(expiry) = expiries.max() {
            // The API server caches a result later than the webhook sends it: milliseconds later, or ten times
            // as much on a slow machine.
            let expiry = expiry + Duration::from_secs(2);
            thread::sleep(expiry.saturating_duration_since(Instant::now()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for TokenWebhook {
    fn drop(&mut self) {
        self.state().stopped = true;
        TcpStream::connect(self.address).ok(); // wakes the accept loop
        self.thread.take().map(JoinHandle::join);
    }
}

/// Reads a `TokenReview` request and sends the response.
fn answer(stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_mins(5)))?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue; // skips the request line
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: Value = serde_json::from_slice(&body)?;
    let token = request["spec"]["token"].as_str().unwrap_or_default();
    let mut state = state.lock().unwrap();
    let mut status = json!({ "authenticated": state.accept(token) });
    if status["authenticated"] == true {
        let groups = ["system:nodes", "system:bootstrappers", "system:authenticated"];
        status["user"] = json!({ "username": state.user, "groups": groups });
    }
    drop(state);
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenReview",
        "status": status,
    })
    .to_string();
    let length = review.len();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
    write!(reader.get_mut(), "{head}\r\nContent-Length: {length}\r\n\r\n{review}")
}

/// Returns whether the EKS authenticator would send this token to STS at `now`. The signature, which STS
/// checks, is not checked here.
///
/// Source: `Verify` in aws-iam-authenticator's `pkg/token/token.go`.
pub fn is_good(token: &str, now: SystemTime) -> bool {
    let Some(parameters) = parameters(token) else { return false };
    let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
    parameters.keys().all(|name| PARAMETERS.contains(&name.as_str()))
        && parameter("action") == "GetCallerIdentity"
        && parameter("x-amz-signedheaders").split("%3B").any(|header| header == "x-k8s-aws-id")
        && parameter("x-amz-expires").parse().is_ok_and(|seconds| (0..=900).contains(&seconds))
        && signed_at(parameter("x-amz-date")).is_some_and(|signed| now <= signed + TOKEN_LIFETIME)
}

/// The allowed query parameters. Others could change the STS request.
const PARAMETERS: [&str; 9] = [
    "action",
    "version",
    "x-amz-algorithm",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// Returns the query parameters of the presigned URL in a token, with lowercase names. Returns `None`
/// if the URL is not an STS URL or has a duplicate parameter.
fn parameters(token: &str) -> Option<BTreeMap<String, String>> {
    let url = BASE64_URL_SAFE_NO_PAD.decode(token.strip_prefix("k8s-aws-v1.")?).ok()?;
    let url: Uri = String::from_utf8(url).ok()?.parse().ok()?;
    let host = url.host()?;
    let is_sts = host.starts_with("sts.") || host.starts_with("sts-fips.");
    if url.scheme_str() != Some("https") || !is_sts || url.path() != "/" {
        return None;
    }
    let mut parameters = BTreeMap::new();
    for parameter in url.query()?.split('&') {
        let (name, value) = parameter.split_once('=')?;
        if parameters.insert(name.to_ascii_lowercase(), value.to_owned()).is_some() {
            return None;
        }
    }
    Some(parameters)
}

/// Parses a date such as `20261121T120000Z`.
fn signed_at(date: &str) -> Option<SystemTime> {
    let part = |from: usize, to: usize| date.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    let date = format!("{year}-{month}-{day}T{hour}:{minute}:{second}{}", date.get(15..)?);
    humantime::parse_rfc3339(&date).ok()
}
