//! A simulated Kubernetes API with the resource type `eniconfigs.crd.k8s.amazonaws.com` and the aws-node
//! DaemonSet.
//!
//! The responses are those of kube-apiserver: `state.rs` holds the objects, `status.rs` the errors and
//! `watch.rs` the watches.

use crate::faults::Faults;
use crate::server::{Request, Server};
use crate::state::State;
use crate::tls::{self, Certificate};
use crate::watch::Watcher;
use crate::{aws_node, status};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt as _;
use serde_json::{Value, json};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// The permissions of the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// get, list and watch.
    #[default]
    Allow,
    /// Only get.
    NoWatch,
    /// None: every request returns 403.
    Forbidden,
    /// Not authenticated: every request returns 401.
    Unauthorized,
}

/// A received request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KubernetesRequest {
    /// `get`, `list`, `watch`, or `other`.
    pub verb: &'static str,
    /// The path of the URL.
    pub path: String,
    /// The query of the URL.
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
    /// Starts the server on a free loopback port.
    #[must_use]
    pub fn start() -> Self {
        Self::start_on((Ipv4Addr::LOCALHOST, 0).into(), &[]).expect("a free port")
    }

    /// Starts the server on `addr`. Its certificate is valid for loopback and `names`.
    pub fn start_on(addr: SocketAddr, names: &[&str]) -> io::Result<Self> {
        Self::start_with(addr, names, Certificate::Valid)
    }

    /// Starts the server on `addr` with this certificate for loopback and `names`.
    pub fn start_with(
        addr: SocketAddr,
        names: &[&str],
        certificate: Certificate,
    ) -> io::Result<Self> {
        let (tls, authority) = tls::server_config(names, certificate);
        let shared = Arc::new(Shared::default());
        let faults = Faults::default();
        let inner = shared.clone();
        let handler = move |request: Request| {
            let response = inner.state().respond(&request);
            inner.changed.notify_all();
            async move { response }.boxed()
        };
        let server = Server::start(addr, Some(tls), faults.clone(), Arc::new(handler))?;
        Ok(Self { server, shared, faults, authority })
    }

    /// Returns the URL of the server, such as `https://127.0.0.1:49152`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("https://{}", self.server.addr)
    }

    /// Returns the address on which the server listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.server.addr
    }

    /// Returns the certificate authority as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.authority
    }

    /// Returns the certificate authority in base64, the format of EKS and of a `NodeConfig`.
    #[must_use]
    pub fn ca_base64(&self) -> String {
        STANDARD.encode(&self.authority)
    }

    /// Returns a kubeconfig with a static token.
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

    /// Returns user data with a `NodeConfig` for this cluster.
    #[must_use]
    pub fn node_config(&self) -> String {
        format!(
            "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  cluster:\n    name: sandbox\n    apiServerEndpoint: {}\n    certificateAuthority: {}\n    cidr: 10.100.0.0/16\n",
            self.url(),
            self.ca_base64()
        )
    }

    /// Creates or replaces an ENIConfig.
    #[expect(clippy::needless_pass_by_value, reason = "tests pass temporary values")]
    pub fn apply(&self, name: &str, spec: Value) {
        self.shared.state().apply(name, &spec);
    }

    /// Creates or replaces an ENIConfig after `delay`.
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

    /// Returns whether an ENIConfig exists.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.shared.state().contains(name)
    }

    /// Returns the requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<KubernetesRequest> {
        self.shared.state().requests.clone()
    }

    /// Waits until `count` requests with `verb` were received. Returns false after the timeout `time`.
    #[must_use]
    pub fn wait_for(&self, verb: &str, count: usize, time: Duration) -> bool {
        let missing = |state: &mut State| {
            state.requests.iter().filter(|request| request.verb == verb).count() < count
        };
        let state = self.shared.state();
        !self.shared.changed.wait_timeout_while(state, time, missing).unwrap().1.timed_out()
    }

    /// Returns the faults of this server.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Sets the permissions of the node.
    pub fn set_access(&self, access: Access) {
        self.shared.state().access = access;
    }

    /// Sets whether the ENIConfig resource type is installed.
    pub fn set_crd(&self, installed: bool) {
        self.shared.state().no_crd = !installed;
    }

    /// Sets the environment of the aws-node DaemonSet. `None` removes the DaemonSet.
    pub fn set_aws_node(&self, environment: Option<&[(&str, &str)]>) {
        let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        let environment = environment.map(|it| it.iter().map(owned).collect());
        self.shared.state().aws_node.environment = environment;
    }

    /// Sets the tag of the aws-node image, such as `v1.23.2-eksbuild.1`, which contains the version of
    /// the CNI. By default it is `v1.20.4-eksbuild.1`, in which no tag excludes a subnet.
    pub fn set_cni_version(&self, tag: &str) {
        self.shared.state().aws_node.image = aws_node::image(tag);
    }

    /// Sets the nodeSelector of the aws-node DaemonSet.
    pub fn set_node_selector(&self, selector: &[(&str, &str)]) {
        let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
        self.shared.state().node_selector = selector.iter().map(owned).collect();
    }

    /// Adds a DaemonSet of another CNI, such as `kube-system/cilium`.
    pub fn add_daemon_set(&self, name: &str) {
        self.shared.state().daemon_sets.insert(name.to_owned());
    }

    /// Accepts only these bearer tokens. Any other token gets 401.
    pub fn accept_tokens(&self, tokens: Vec<String>) {
        self.shared.state().tokens = Some(tokens);
    }

    /// Closes the connection of every open watch in the middle of the response.
    pub fn break_watches(&self) {
        self.each_watch(Watcher::break_off);
    }

    /// Ends every open watch, as its timeout does.
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

    /// Deletes the event history. A watch from an earlier version then gets 410 Expired.
    pub fn forget_history(&self) {
        self.shared.state().history.clear();
    }

    /// Stops listening and closes all connections.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts the stopped server again, on the same port.
    pub fn revive(&mut self) {
        self.server.revive().expect("the port is still free");
    }
}
