//! The state of the simulated apiserver.

use super::applier::{Keys, Runs};
use super::key::Key;
use super::model::Settings;
use super::store::{Pairs, Store};
use std::collections::HashSet;
use std::time::Duration;

/// A received request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// The HTTP method.
    pub method: String,
    /// The path and the query, verbatim.
    pub target: String,
    /// The request body.
    pub body: String,
}

impl ApiRequest {
    /// Returns the request line, such as `PATCH /settings?tx=a`.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub store: Store,
    pub runs: Runs,
    pub requests: Vec<ApiRequest>,
    /// Runs of the applier to start after a delay.
    pub delayed: Vec<(Duration, Keys)>,
    /// Whether the data store is locked, as after `POST /actions/lockdown`.
    pub locked: bool,
    /// Settings that another program sets after every commit.
    pub overrides: Pairs,
    /// The number of keys after which the next commit fails.
    pub fail_commit_after: Option<usize>,
    /// Whether the handle was dropped, so that delayed appliers must not run.
    pub stopped: bool,
}

/// The path of the data store on the host.
const DATASTORE: &str = "/var/lib/bottlerocket/datastore/current";

impl State {
    /// Returns the live settings whose keys start with `prefix`. The prefix may end inside a segment.
    pub fn below(&self, prefix: &str) -> Result<Pairs, String> {
        // A prefix of `settings.`, such as `set`, matches all settings.
        let prefix = if "settings.".starts_with(prefix) { "settings." } else { prefix };
        if !prefix.starts_with("settings.") {
            return Ok(Pairs::new());
        }
        self.ensure_unlocked(&format!("get_prefix '{prefix}' for Live"))?;
        let live = self.store.live.iter();
        let below = live.filter(|(key, _)| key.to_string().starts_with(prefix));
        Ok(below.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// Returns a live setting; `None` if it is not set. A key with subkeys is a folder and causes an
    /// error.
    pub fn get(&self, key: &Key) -> Result<Option<(Key, serde_json::Value)>, String> {
        self.ensure_unlocked("get_key")?;
        let is_folder = |it: &Key| {
            let (longer, own) = (it.segments(), key.segments());
            longer.len() > own.len() && longer.starts_with(own)
        };
        if self.store.live.keys().any(is_folder) {
            return Err(format!(
                "Data store error during get_key: Reading key '{key}' failed: Is a directory (os error 21)"
            ));
        }
        Ok(self.store.live.get(key).map(|value| (key.clone(), value.clone())))
    }

    pub fn set(&mut self, transaction: &str, settings: &Settings) -> Result<(), String> {
        if self.locked {
            return Err(format!(
                "Data store error during Failure in setting metadata.: IO error on '{DATASTORE}/pending/{transaction}/settings': Required key not available (os error 126)"
            ));
        }
        self.store.set(transaction, settings)
    }

    /// Makes a transaction live and returns its keys. A locked data store has no pending keys.
    pub fn commit(&mut self, transaction: &str) -> Result<HashSet<String>, String> {
        if self.locked {
            return Ok(HashSet::new());
        }
        if let Some(keys) = self.fail_commit_after.take() {
            self.store.commit_first(transaction, keys);
            return Err(
                "Data store error during commit: IO error: No space left on device (os error 28)"
                    .to_owned(),
            );
        }
        let keys = self.store.commit(transaction);
        self.store.live.extend(self.overrides.clone());
        Ok(keys)
    }

    pub fn start_applier(&mut self, keys: Keys) -> Result<(), String> {
        let delayed = self.runs.start(keys, &self.store.live)?;
        self.delayed.extend(delayed);
        Ok(())
    }

    fn ensure_unlocked(&self, operation: &str) -> Result<(), String> {
        if self.locked {
            return Err(format!(
                "Data store error during {operation}: Data store integrity violation at {DATASTORE}/live: Live datastore missing"
            ));
        }
        Ok(())
    }
}
