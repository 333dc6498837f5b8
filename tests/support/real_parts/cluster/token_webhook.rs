//! EKS's side of a node's token, in the test process: the API server asks it by `TokenReview`.

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

/// Whom it takes every good token for.
pub const NODE: &str = "system:node:ip-10-20-0-10.us-west-2.compute.internal";
/// How long the API server remembers a yes, whatever the webhook's own cache is set to.
/// Source: `TokenSuccessCacheTTL` in Kubernetes' `pkg/kubeapiserver/options/authentication.go`.
const YES_LASTS: Duration = Duration::from_secs(10);
/// And a no: the webhook's cache, as the API server's arguments set it.
pub const NO_LASTS: Duration = Duration::from_secs(1);
/// A token is good for this long after it was signed.
const TOKEN_LASTS: Duration = Duration::from_mins(15);

/// Answers every `TokenReview` until it is dropped.
#[derive(Debug)]
pub struct TokenWebhook {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    unmapped: bool,
    /// Every token of the right form, in the order of its first appearance.
    seen: Vec<String>,
    /// So many of them, from the first, are refused.
    forgotten: usize,
    last_yes: Option<Instant>,
    last_no: Option<Instant>,
    stopped: bool,
}

impl State {
    fn takes(&mut self, token: &str) -> bool {
        let is_good = is_good(token, SystemTime::now());
        if is_good && !self.seen.iter().any(|seen| seen == token) {
            self.seen.push(token.to_owned());
        }
        let is_forgotten = self.seen[..self.forgotten].iter().any(|seen| seen == token);
        let takes = is_good && !is_forgotten && !self.unmapped;
        *if takes { &mut self.last_yes } else { &mut self.last_no } = Some(Instant::now());
        takes
    }
}

impl TokenWebhook {
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                let state = shared.clone();
                if state.lock().unwrap().stopped {
                    break;
                }
                // Go's client may open a connection that it then does not use.
                thread::spawn(move || answer(stream?, &state));
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The tokens of the right form, taken or not, each once.
    pub fn tokens(&self) -> Vec<String> {
        self.state().seen.clone()
    }

    /// Whether it knows the node's role. Returns when the API server has forgotten what it was told
    /// before.
    pub fn set_mapped(&self, mapped: bool) {
        self.state().unmapped = !mapped;
        self.outlast_cache();
    }

    /// Refuses every token seen so far. Returns when the API server has forgotten them too.
    pub fn forget_tokens(&self) {
        let mut state = self.state();
        state.forgotten = state.seen.len();
        drop(state);
        self.outlast_cache();
    }

    /// The API server is gone, and what it remembered with it.
    pub fn cache_is_gone(&self) {
        let mut state = self.state();
        (state.last_yes, state.last_no) = (None, None);
    }

    fn outlast_cache(&self) {
        let state = self.state();
        let ends = [(state.last_yes, YES_LASTS), (state.last_no, NO_LASTS)]
            .map(|(last, lasts)| last.map(|last| last + lasts));
        drop(state);
        if let Some(end) = ends.into_iter().flatten().max() {
            // It keeps an answer from when it has it: a little later than we gave it.
            let end = end + Duration::from_millis(200);
            thread::sleep(end.saturating_duration_since(Instant::now()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for TokenWebhook {
    fn drop(&mut self) {
        self.state().stopped = true;
        TcpStream::connect(self.address).ok(); // to wake it
        self.thread.take().map(JoinHandle::join);
    }
}

/// Reads one request and answers it.
fn answer(stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else {
            if line.trim().is_empty() {
                break;
            }
            continue; // the request line
        };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked: Value = serde_json::from_slice(&body)?;
    let token = asked["spec"]["token"].as_str().unwrap_or_default();
    let mut status = json!({ "authenticated": state.lock().unwrap().takes(token) });
    if status["authenticated"] == true {
        let groups = ["system:nodes", "system:bootstrappers", "system:authenticated"];
        status["user"] = json!({ "username": NODE, "groups": groups });
    }
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

/// Whether EKS's authenticator would ask STS about this token at `now`. What STS would say of the
/// signature nobody can know here.
/// Source: `Verify` in aws-iam-authenticator's `pkg/token/token.go`.
pub fn is_good(token: &str, now: SystemTime) -> bool {
    let Some(parameters) = parameters(token) else { return false };
    let parameter = |name: &str| parameters.get(name).map_or("", String::as_str);
    parameters.keys().all(|name| PARAMETERS.contains(&name.as_str()))
        && parameter("action") == "GetCallerIdentity"
        && parameter("x-amz-signedheaders").split("%3B").any(|header| header == "x-k8s-aws-id")
        && parameter("x-amz-expires").parse().is_ok_and(|seconds| (0..=900).contains(&seconds))
        && signed_at(parameter("x-amz-date")).is_some_and(|signed| now <= signed + TOKEN_LASTS)
}

/// What it takes in the query; anything else could make STS answer a question it was not asked.
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

/// The query of the presigned URL in a token, names in lower case; `None` where it is not one of
/// STS, or names a parameter twice.
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

/// `20261121T120000Z` → that instant.
fn signed_at(date: &str) -> Option<SystemTime> {
    let part = |from: usize, to: usize| date.get(from..to);
    let (year, month, day) = (part(0, 4)?, part(4, 6)?, part(6, 8)?);
    let (hour, minute, second) = (part(9, 11)?, part(11, 13)?, part(13, 15)?);
    let date = format!("{year}-{month}-{day}T{hour}:{minute}:{second}{}", date.get(15..)?);
    humantime::parse_rfc3339(&date).ok()
}
