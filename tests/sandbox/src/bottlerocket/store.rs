//! The data store: the live settings, and the pending settings of each transaction.

use super::key::{Key, quoted};
use super::model::Settings;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// Keys with their values, which are scalars or lists. Maps are flattened into keys.
pub(super) type Pairs = BTreeMap<Key, Value>;

#[derive(Debug)]
pub(super) struct Store {
    pub live: Pairs,
    pending: BTreeMap<String, Pairs>,
}

impl Store {
    pub fn new(live: Pairs) -> Self {
        Self { live, pending: BTreeMap::new() }
    }

    /// Adds `settings` to a transaction. An error is the response body of apiserver for status 500.
    pub fn set(&mut self, transaction: &str, settings: &Settings) -> Result<(), String> {
        let pairs = pairs(settings).map_err(|why| format!("Error serializing Settings: {why} "))?;
        // Empty settings do not create a transaction.
        if !pairs.is_empty() {
            self.pending.entry(transaction.to_owned()).or_default().extend(pairs);
        }
        Ok(())
    }

    /// Returns the pending settings of a transaction.
    pub fn pending(&self, transaction: &str) -> Pairs {
        self.pending.get(transaction).cloned().unwrap_or_default()
    }

    /// Returns the transactions with pending settings.
    pub fn transactions(&self) -> Vec<&String> {
        self.pending.keys().collect()
    }

    /// Deletes a transaction and returns its keys. The real API also returns them in random order.
    pub fn delete(&mut self, transaction: &str) -> HashSet<String> {
        let deleted = self.pending.remove(transaction).unwrap_or_default();
        deleted.keys().map(Key::to_string).collect()
    }

    /// Makes only the first `keys` keys of a transaction live.
    pub fn commit_first(&mut self, transaction: &str, keys: usize) {
        self.live.extend(self.pending(transaction).into_iter().take(keys));
    }

    /// Makes a transaction live and returns its keys.
    pub fn commit(&mut self, transaction: &str) -> HashSet<String> {
        let pending = self.pending(transaction);
        self.live.extend(pending);
        self.delete(transaction)
    }
}

/// Flattens settings to keys and values. Null values and empty maps have no keys.
pub(super) fn pairs(settings: &Settings) -> Result<Pairs, String> {
    let value = serde_json::to_value(settings).expect("settings are JSON");
    let mut pairs = Pairs::new();
    flatten(&Key::of("settings"), value, &mut pairs)?;
    Ok(pairs)
}

fn flatten(prefix: &Key, value: Value, pairs: &mut Pairs) -> Result<(), String> {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (name, value) in map {
                let key = prefix.with(&name).map_err(|why| {
                    format!(
                        "Error creating valid datastore key: appending '{}' to '{prefix}' is invalid as Key: {why}",
                        quoted(&name)
                    )
                })?;
                flatten(&key, value, pairs)?;
            }
        }
        value => {
            pairs.insert(prefix.clone(), value);
        }
    }
    Ok(())
}

/// Converts keys and values to a nested object, without the outer key `settings`.
pub(super) fn nested<'a>(pairs: impl IntoIterator<Item = (&'a Key, &'a Value)>) -> Value {
    let mut root = Value::Object(Map::new());
    for (key, value) in pairs {
        let mut node = &mut root;
        for segment in &key.segments()[1..] {
            node = &mut node[segment.as_str()];
        }
        *node = value.clone();
    }
    root
}
