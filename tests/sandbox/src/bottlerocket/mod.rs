//! A simulated settings API of Bottlerocket: apiserver on its Unix socket, and the applier that renders
//! the files of the kubelet after a commit.
//!
//! The responses are those of apiserver in core-kit 3.1.1. `tests/behaviour/conformance` checks the
//! simulation, and a real apiserver, against a table of measured responses. Other responses follow the
//! public source code, or a comment states that they were not verified.
//!
//! `answers.rs` computes the responses and `wire.rs` sends them. `model.rs` and `scalars.rs` validate
//! settings. `store.rs` holds the live and pending settings. `applier.rs` and `render.rs` write the files.

mod answers;
mod applier;
mod handler;
mod image;
mod key;
mod keypair;
mod model;
mod render;
mod scalars;
mod state;
mod store;
mod wire;

use crate::faults::Faults;
use crate::imds::Instance;
use crate::kubernetes::KubernetesApi;
use applier::Runs;
use handler::Shared;
use serde_json::Value;
use state::State;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::{Store, nested};
use wire::UnixServer;

pub use applier::{Applied, Applier};
pub use state::ApiRequest;

/// A running settings API. Dropping it stops the server and removes its socket.
pub struct Bottlerocket {
    server: UnixServer,
    shared: Arc<Shared>,
    faults: Faults,
    rootfs: PathBuf,
}

impl std::fmt::Debug for Bottlerocket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Bottlerocket")
            .field("socket", &self.socket())
            .finish_non_exhaustive()
    }
}

impl Bottlerocket {
    /// Starts the API on `socket` for a host with the root `rootfs`, and writes the files of the image
    /// below `rootfs`. The live settings are `seed`, without the outer key `settings`; see
    /// [`Self::seed`]. They are rendered as at boot.
    #[must_use]
    pub fn start(socket: &Path, rootfs: &Path, seed: &Value) -> Self {
        image::write_image_files(None, rootfs);
        let seed = serde_json::from_str(&seed.to_string()).expect("valid settings in the seed");
        let live = store::pairs(&seed).expect("valid keys in the seed");
        let mut runs = Runs::new(rootfs.to_owned());
        runs.boot(&live);
        let state = State {
            store: Store::new(live),
            runs,
            requests: Vec::new(),
            delayed: Vec::new(),
            locked: false,
            overrides: store::Pairs::new(),
            fail_commit_after: None,
            stopped: false,
        };
        let shared = Arc::new(Shared::new(state));
        let faults = Faults::default();
        let server = UnixServer::start(
            socket,
            faults.clone(),
            Arc::new(handler::observer(shared.clone())),
            Arc::new(handler::handler(shared.clone())),
        );
        let server = server.expect("a writable folder for the socket");
        Self { server, shared, faults, rootfs: rootfs.to_owned() }
    }

    /// Starts the API in the root `container` of a bootstrap container: the socket is `/run/api.sock`,
    /// the host root is `/.bottlerocket/rootfs`, and `/etc/bottlerocket-release` exists.
    #[must_use]
    pub fn in_container(container: &Path, seed: &Value) -> Self {
        let rootfs = container.join(".bottlerocket/rootfs");
        image::write_image_files(Some(container), &rootfs);
        Self::start(&container.join("run/api.sock"), &rootfs, seed)
    }

    /// Returns the settings after user data and pluto have configured a node of the cluster `api`.
    /// max-pods comes from the table of the image and is unset for types without a row.
    #[must_use]
    pub fn seed(instance: &Instance, api: &KubernetesApi) -> Value {
        image::seed(instance, api)
    }

    /// Returns user data in TOML for a node of the cluster `api`.
    #[must_use]
    pub fn user_data(api: &KubernetesApi) -> String {
        image::user_data(api)
    }

    /// Returns the path of the socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.server.path
    }

    /// Returns the live settings, without the outer key `settings`.
    #[must_use]
    pub fn live(&self) -> Value {
        nested(&self.shared.state().store.live)
    }

    /// Sets and renders live settings, without the outer key `settings`, as a user does with `apiclient`.
    pub fn set(&self, settings: &Value) {
        let settings = serde_json::from_str(&settings.to_string()).expect("valid settings");
        let pairs = store::pairs(&settings).expect("valid keys");
        let state = &mut *self.shared.state();
        state.store.live.extend(pairs);
        state.runs.boot(&state.store.live);
    }

    /// Renders the files with these settings instead of the live ones, as an applier does that read the
    /// settings before a later commit.
    pub fn render_with(&self, settings: &Value) {
        let settings = serde_json::from_str(&settings.to_string()).expect("valid settings");
        let pairs = store::pairs(&settings).expect("valid keys");
        let state = &mut *self.shared.state();
        let mut old = state.store.live.clone();
        old.extend(pairs);
        state.runs.boot(&old);
    }

    /// Sets these settings after every commit, as another program does.
    pub fn override_commits(&self, settings: &Value) {
        let settings = serde_json::from_str(&settings.to_string()).expect("valid settings");
        self.shared.state().overrides = store::pairs(&settings).expect("valid keys");
    }

    /// Lets the next commit fail after it has made `keys` keys live, in the order of their names. The
    /// message is inferred from the source.
    pub fn fail_commit_after(&self, keys: usize) {
        self.shared.state().fail_commit_after = Some(keys);
    }

    /// Returns the pending settings of a transaction.
    #[must_use]
    pub fn pending(&self, transaction: &str) -> Value {
        nested(&self.shared.state().store.pending(transaction))
    }

    /// Returns the transactions with pending settings.
    #[must_use]
    pub fn transactions(&self) -> Vec<String> {
        self.shared.state().store.transactions().into_iter().cloned().collect()
    }

    /// Returns all requests so far, including those that a fault applied to.
    #[must_use]
    pub fn requests(&self) -> Vec<ApiRequest> {
        self.shared.state().requests.clone()
    }

    /// Returns the request lines so far, such as `PATCH /settings?tx=a`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(ApiRequest::line).collect()
    }

    /// Waits until `count` requests whose line contains `matching` were received, with or without a
    /// response. Returns false after the timeout `time`.
    #[must_use]
    pub fn wait_for(&self, matching: &str, count: usize, time: Duration) -> bool {
        self.wait_until(time, |state| {
            state.requests.iter().filter(|it| it.line().contains(matching)).count() >= count
        })
    }

    /// Waits until the applier has run `count` times. Returns false after the timeout `time`.
    #[must_use]
    pub fn wait_for_applied(&self, count: usize, time: Duration) -> bool {
        self.wait_until(time, |state| state.runs.applied.len() >= count)
    }

    fn wait_until(&self, time: Duration, holds: impl Fn(&State) -> bool) -> bool {
        let state = self.shared.state();
        let missing = |state: &mut State| !holds(state);
        !self.shared.changed.wait_timeout_while(state, time, missing).unwrap().1.timed_out()
    }

    /// Returns the faults of this server.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Sets the behavior of the applier.
    pub fn set_applier(&self, applier: Applier) {
        self.shared.state().runs.applier = applier;
    }

    /// Sets the behavior of the next start of the applier. [`Applier::TemplateFails`] has no effect here.
    pub fn set_applier_once(&self, applier: Applier) {
        self.shared.state().runs.once = Some(applier);
    }

    /// Waits until a run is held by [`Applier::Held`]. Returns false after the timeout `time`.
    #[must_use]
    pub fn wait_for_held(&self, time: Duration) -> bool {
        self.wait_until(time, |state| !state.runs.held.is_empty())
    }

    /// Runs the held runs of the applier, and sets it to [`Applier::AtOnce`], so that a concurrent commit
    /// is rendered too.
    pub fn release(&self) {
        let state = &mut *self.shared.state();
        state.runs.applier = Applier::AtOnce;
        for keys in std::mem::take(&mut state.runs.held) {
            state.runs.run(keys, &state.store.live);
        }
        self.shared.changed.notify_all();
    }

    /// Returns the completed runs of the applier, without the run at boot.
    #[must_use]
    pub fn applied(&self) -> Vec<Applied> {
        self.shared.state().runs.applied.clone()
    }

    /// Returns the units that the applier has restarted with `try-restart`, in order.
    #[must_use]
    pub fn restarts(&self) -> Vec<&'static str> {
        self.shared.state().runs.restarts.clone()
    }

    /// Returns how often the applier has restarted `kubelet.service`.
    #[must_use]
    pub fn kubelet_restarts(&self) -> usize {
        self.restarts().into_iter().filter(|&unit| unit == "kubelet.service").count()
    }

    /// Reads a file of the host, such as `etc/kubernetes/kubelet/config`.
    #[must_use]
    pub fn rendered(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.rootfs.join(path)).ok()
    }

    /// Simulates the state after `POST /actions/lockdown` (core-kit 11 and later): until the next boot,
    /// settings cannot be read, set or committed. The errors are those in the description of
    /// bottlerocket-core-kit#727. The status 422 of a commit is inferred. None of this was measured.
    pub fn lock_down(&self) {
        self.shared.state().locked = true;
    }

    /// Stops apiserver and closes all connections. The socket file remains.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// Stops apiserver, closes all connections and removes the socket file.
    pub fn remove(&mut self) {
        self.server.kill();
        self.server.remove();
    }

    /// Starts apiserver again, with a new socket at the same path.
    pub fn revive(&mut self) {
        self.server.revive().expect("a writable folder for the socket");
    }
}

impl Drop for Bottlerocket {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
    }
}
