//! A stand-in Kubernetes API that knows one resource type, `eniconfigs.crd.k8s.amazonaws.com`, and
//! one object besides, the aws-node DaemonSet.
//!
//! Its answers are those of a kube-apiserver: `state.rs` finds them, `status.rs` words the refusals
//! and `watch.rs` streams the watches.

use crate::faults::Faults;
use crate::server::{Asked, Server};
use crate::state::State;
use crate::watch::Watcher;
use crate::{status, tls};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// What the API server lets the node do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Get, list and watch.
    #[default]
    Allow,
    /// Get alone.
    NoWatch,
    /// Nothing: 403.
    Forbidden,
    /// Nobody knows it: 401.
    Unauthorized,
}

/// A request that was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// `get`, `list`, `watch`, or `other`.
    pub verb: &'static str,
    /// The path.
    pub path: String,
    /// The query.
    pub query: String,
    /// The bearer token.
    pub token: Option<String>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// A running API server.
pub struct KubernetesApi {
    server: Server,
    shared: Arc<Shared>,
    faults: Faults,
    authority: String,
}

impl std::fmt::Debug for KubernetesApi {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("KubernetesApi").field("url", &self.url()).finish_non_exhaustive()
    }
}

impl KubernetesApi {
    /// On a free port.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into(), &[]).expect("a free port")
    }

    /// On `addr`, with a certificate that is good for `names` too.
    pub fn start_on(addr: SocketAddr, names: &[&str]) -> io::Result<Self> {
        let (tls, authority) = tls::server_config(names);
        let shared = Arc::new(Shared::default());
        let faults = Faults::default();
        let inner = shared.clone();
        let handler = move |asked: Asked| {
            let response = inner.state().respond(&asked);
            inner.changed.notify_all();
            async move { response }.boxed()
        };
        let server = Server::start(addr, Some(tls), faults.clone(), Arc::new(handler))?;
        Ok(Self { server, shared, faults, authority })
    }

    /// Such as `https://127.0.0.1:49152`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.server.addr)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// Its certificate authority as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority
    }

    /// The same in base64, as EKS and a `NodeConfig` have it.
    #[must_use]
    pub fn ca_base64(&self) -> String {
        STANDARD.encode(&self.authority)
    }

    /// A kubeconfig with a static token.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        let config = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "sandbox",
            "clusters": [{ "name": "sandbox", "cluster": {
                "server": self.url(),
                "certificate-authority-data": self.ca_base64(),
            }}],
            "users": [{ "name": "sandbox", "user": { "token": "sandbox-token" } }],
            "contexts": [{ "name": "sandbox", "context": { "cluster": "sandbox", "user": "sandbox" } }],
        });
        format!("{config:#}\n")
    }

    /// A `NodeConfig` that names this cluster, as user data has it.
    #[must_use]
    pub fn node_config(&self) -> String {
        format!(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: sandbox\n    apiServerEndpoint: {}\n    certificateAuthority: {}\n    cidr: 10.100.0.0/16\n",
            self.url(),
            self.ca_base64()
        )
    }

    /// Creates or replaces an ENIConfig.
    #[expect(clippy::needless_pass_by_value, reason = "a test hands over what it has just made")]
    pub fn apply(&self, name: &str, spec: Value) {
        self.shared.state().apply(name, &spec);
    }

    /// Does so `delay` later.
    pub fn apply_after(&self, delay: Duration, name: &str, spec: Value) {
        let (shared, name) = (self.shared.clone(), name.to_owned());
        std::thread::spawn(move || {
            std::thread::sleep(delay);
            shared.state().apply(&name, &spec);
        });
    }

    /// Deletes an ENIConfig.
    pub fn delete(&self, name: &str) {
        self.shared.state().delete(name);
    }

    /// The requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.state().seen.clone()
    }

    /// Waits until `count` requests of `verb` have come; false where they did not within `time`.
    #[must_use]
    pub fn wait_for(&self, verb: &str, count: usize, time: Duration) -> bool {
        let missing =
            |state: &mut State| state.seen.iter().filter(|seen| seen.verb == verb).count() < count;
        let state = self.shared.state();
        !self.shared.changed.wait_timeout_while(state, time, missing).unwrap().1.timed_out()
    }

    /// What goes wrong.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What the node may do from now on.
    pub fn set_access(&self, access: Access) {
        self.shared.state().access = access;
    }

    /// Whether the resource type is installed.
    pub fn set_crd(&self, installed: bool) {
        self.shared.state().no_crd = !installed;
    }

    /// What the aws-node DaemonSet's environment says from now on; `None`: there is no such DaemonSet.
    pub fn set_aws_node(&self, environment: Option<&[(&str, &str)]>) {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let environment = environment.map(|it| it.iter().map(owned).collect());
        self.shared.state().aws_node.0 = environment;
    }

    /// Only these bearer tokens are known from now on; any other is 401.
    pub fn accept_tokens(&self, tokens: Vec<String>) {
        self.shared.state().tokens = Some(tokens);
    }

    /// Breaks the connection of every open watch.
    pub fn break_watches(&self) {
        self.each_watch(Watcher::break_off);
    }

    /// Ends every open watch in good order, as its time limit does.
    pub fn end_watches(&self) {
        self.each_watch(Watcher::end);
    }

    /// Ends every open watch with 410 Expired.
    pub fn expire_watches(&self) {
        self.each_watch(|watcher| {
            watcher.send(status::expired());
            watcher.end();
        });
    }

    /// Sends every open watch a bookmark.
    pub fn send_bookmarks(&self) {
        let version = self.shared.state().version;
        self.each_watch(|watcher| watcher.bookmark(version));
    }

    fn each_watch(&self, act: impl Fn(&Watcher)) {
        self.shared.state().watchers.iter().for_each(act);
    }

    /// Forgets what happened so far: a watch that begins there is 410 Expired.
    pub fn forget_history(&self) {
        self.shared.state().history.clear();
    }

    /// Stops listening and closes every connection.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Listens again on the same port.
    pub fn revive(&mut self) {
        self.server.revive().expect("the port is still free");
    }
}
