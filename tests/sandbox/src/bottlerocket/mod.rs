//! A stand-in of Bottlerocket's settings API: apiserver on its Unix socket, and the applier that
//! renders the kubelet's files after a commit.
//!
//! Its answers are those of apiserver of core-kit 3.1.1: `tests/behaviour/conformance` holds it, and a real
//! one, against the table of what was measured there. What is not in that table is by public source,
//! or is said to be neither. `answers.rs` finds the answers and `wire.rs` sends them, `model.rs` and
//! `scalars.rs` refuse what the settings model refuses, `store.rs` keeps live and pending settings,
//! `applier.rs` and `render.rs` write the files.

mod answers;
mod applier;
mod image;
mod key;
mod keypair;
mod model;
mod render;
mod scalars;
mod serving;
mod state;
mod store;
mod wire;

use crate::faults::Faults;
use crate::imds::Instance;
use crate::kubernetes::KubernetesApi;
use applier::Runs;
use serde_json::Value;
use serving::Shared;
use state::State;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use store::{Store, nested};
use wire::UnixServer;

pub use applier::{Applied, Applier};
pub use state::ApiRequest;

/// A running settings API. Dropping it stops it, and removes its socket.
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
    /// On the socket `socket`, for a host whose root is `rootfs`. `seed` is what is live (the
    /// inside of `settings`, such as [`Self::seed`] makes), and is rendered as at boot; the image's
    /// own files are laid out below `rootfs`.
    #[must_use]
    pub fn start(socket: &Path, rootfs: &Path, seed: &Value) -> Self {
        image::lay_out(None, rootfs);
        let seed = serde_json::from_str(&seed.to_string()).expect("a seed of known settings");
        let live = store::pairs(&seed).expect("keys that the data store takes");
        let mut runs = Runs::new(rootfs.to_owned());
        runs.boot(&live);
        let state = State {
            store: Store::new(live),
            runs,
            seen: Vec::new(),
            delayed: Vec::new(),
            locked: false,
            stopped: false,
        };
        let shared = Arc::new(Shared::new(state));
        let faults = Faults::default();
        let server = UnixServer::start(
            socket,
            faults.clone(),
            Arc::new(serving::witness(shared.clone())),
            Arc::new(serving::handler(shared.clone())),
        );
        let server = server.expect("a folder for the socket");
        Self { server, shared, faults, rootfs: rootfs.to_owned() }
    }

    /// The same as a bootstrap container finds it, whose root is `container`: the socket at
    /// `/run/api.sock`, the host at `/.bottlerocket/rootfs`, and `/etc/bottlerocket-release`.
    #[must_use]
    pub fn in_container(container: &Path, seed: &Value) -> Self {
        let rootfs = container.join(".bottlerocket/rootfs");
        image::lay_out(Some(container), &rootfs);
        Self::start(&container.join("run/api.sock"), &rootfs, seed)
    }

    /// The settings of a node of `api`'s cluster as user data and pluto leave them: max-pods is
    /// the figure of the image's table, or unset for a type that it lacks.
    #[must_use]
    pub fn seed(instance: &Instance, api: &KubernetesApi) -> Value {
        image::seed(instance, api)
    }

    /// User data, in TOML, that names `api`'s cluster.
    #[must_use]
    pub fn user_data(api: &KubernetesApi) -> String {
        image::user_data(api)
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.server.path
    }

    /// The live settings: the inside of `settings`.
    #[must_use]
    pub fn live(&self) -> Value {
        nested(&self.shared.state().store.live)
    }

    /// What is pending in a transaction.
    #[must_use]
    pub fn pending(&self, transaction: &str) -> Value {
        nested(&self.shared.state().store.pending(transaction))
    }

    /// The transactions in which something is pending: what a client has left behind.
    #[must_use]
    pub fn transactions(&self) -> Vec<String> {
        self.shared.state().store.transactions().into_iter().cloned().collect()
    }

    /// Every request so far, those included with which something went wrong on purpose.
    #[must_use]
    pub fn requests(&self) -> Vec<ApiRequest> {
        self.shared.state().seen.clone()
    }

    /// Their lines, such as `PATCH /settings?tx=a`.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.requests().iter().map(ApiRequest::line).collect()
    }

    /// Waits until `count` requests have come whose line holds `matching`, answered or not yet;
    /// false where they did not within `time`.
    #[must_use]
    pub fn wait_for(&self, matching: &str, count: usize, time: Duration) -> bool {
        self.until(time, |state| {
            state.seen.iter().filter(|seen| seen.line().contains(matching)).count() >= count
        })
    }

    /// Waits until the applier has run `count` times; false where it did not within `time`.
    #[must_use]
    pub fn wait_for_applied(&self, count: usize, time: Duration) -> bool {
        self.until(time, |state| state.runs.applied.len() >= count)
    }

    fn until(&self, time: Duration, holds: impl Fn(&State) -> bool) -> bool {
        let state = self.shared.state();
        let missing = |state: &mut State| !holds(state);
        !self.shared.changed.wait_timeout_while(state, time, missing).unwrap().1.timed_out()
    }

    /// What goes wrong on the wire.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What the applier does from now on.
    pub fn set_applier(&self, applier: Applier) {
        self.shared.state().runs.applier = applier;
    }

    /// What the applier does at its next start alone; not for a template that fails, which is not
    /// a matter of one start.
    pub fn set_applier_once(&self, applier: Applier) {
        self.shared.state().runs.once = Some(applier);
    }

    /// Waits until [`Applier::Held`] keeps something back; false where it did not within `time`.
    #[must_use]
    pub fn wait_for_held(&self, time: Duration) -> bool {
        self.until(time, |state| !state.runs.held.is_empty())
    }

    /// Runs the applier for what [`Applier::Held`] has kept back, and from now on at once: a commit
    /// that is just being answered is not missed.
    pub fn release(&self) {
        let state = &mut *self.shared.state();
        state.runs.applier = Applier::AtOnce;
        for keys in std::mem::take(&mut state.runs.held) {
            state.runs.run(keys, &state.store.live);
        }
        self.shared.changed.notify_all();
    }

    /// Every run of the applier that came to its end, the boot's not counted.
    #[must_use]
    pub fn applied(&self) -> Vec<Applied> {
        self.shared.state().runs.applied.clone()
    }

    /// The units that the applier has restarted (`try-restart`), in order.
    #[must_use]
    pub fn restarts(&self) -> Vec<&'static str> {
        self.shared.state().runs.restarts.clone()
    }

    /// How often `kubelet.service` was.
    #[must_use]
    pub fn kubelet_restarts(&self) -> usize {
        self.restarts().into_iter().filter(|&unit| unit == "kubelet.service").count()
    }

    /// A file of the host, such as `etc/kubernetes/kubelet/config`.
    #[must_use]
    pub fn rendered(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.rootfs.join(path)).ok()
    }

    /// `POST /actions/lockdown` was sent (core-kit 11 and later): settings can no more be read, set
    /// or committed until the next boot. The refusals are those in the description of
    /// bottlerocket-core-kit#727; that a commit says 422 is inferred. Nothing of it was measured.
    pub fn lock_down(&self) {
        self.shared.state().locked = true;
    }

    /// apiserver ends: connections close, and the socket is an inode that nobody listens on.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// The same, and the socket is gone.
    pub fn remove(&mut self) {
        self.server.kill();
        self.server.remove();
    }

    /// apiserver starts again, with a new socket at the old place.
    pub fn revive(&mut self) {
        self.server.revive().expect("a folder for the socket");
    }
}

impl Drop for Bottlerocket {
    fn drop(&mut self) {
        self.shared.state().stopped = true;
        self.shared.changed.notify_all();
    }
}
