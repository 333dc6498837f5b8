//! What the stand-in holds between requests.

use super::applier::{Keys, Runs};
use super::key::Key;
use super::model::Settings;
use super::store::{Pairs, Store};
use std::collections::HashSet;
use std::time::Duration;

/// A request that came in, whatever became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRequest {
    /// The method.
    pub method: String,
    /// The path with its query, as it was sent.
    pub target: String,
    /// The body.
    pub body: String,
}

impl ApiRequest {
    /// `PATCH /settings?tx=a`.
    #[must_use]
    pub fn line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub store: Store,
    pub runs: Runs,
    pub seen: Vec<ApiRequest>,
    /// Runs of the applier whose time is still to come.
    pub delayed: Vec<(Duration, Keys)>,
    /// After `POST /actions/lockdown`: the data store's key is gone from the kernel.
    pub locked: bool,
    /// Nobody is there any more to look at what is rendered.
    pub stopped: bool,
}

/// Where the data store is on the host.
const DATASTORE: &str = "/var/lib/bottlerocket/datastore/current";

impl State {
    /// What is live below a prefix, which is one of letters and not of segments.
    pub fn below(&self, prefix: &str) -> Result<Pairs, String> {
        // A beginning of the word is taken for the whole of it.
        let prefix = if "settings.".starts_with(prefix) { "settings." } else { prefix };
        if !prefix.starts_with("settings.") {
            return Ok(Pairs::new());
        }
        self.unlocked(&format!("get_prefix '{prefix}' for Live"))?;
        let live = self.store.live.iter();
        let below = live.filter(|(key, _)| key.to_string().starts_with(prefix));
        Ok(below.map(|(key, value)| (key.clone(), value.clone())).collect())
    }

    /// One live key, if it is there. A key with others below it is a folder, and no value.
    pub fn get(&self, key: &Key) -> Result<Option<(Key, serde_json::Value)>, String> {
        self.unlocked("get_key")?;
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

    /// Behind a lock nothing is seen to be pending.
    pub fn commit(&mut self, transaction: &str) -> HashSet<String> {
        if self.locked { HashSet::new() } else { self.store.commit(transaction) }
    }

    pub fn start_applier(&mut self, keys: Keys) -> Result<(), String> {
        let delayed = self.runs.start(keys, &self.store.live)?;
        self.delayed.extend(delayed);
        Ok(())
    }

    fn unlocked(&self, operation: &str) -> Result<(), String> {
        if self.locked {
            return Err(format!(
                "Data store error during {operation}: Data store integrity violation at {DATASTORE}/live: Live datastore missing"
            ));
        }
        Ok(())
    }
}
