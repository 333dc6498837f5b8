//! The data store: live settings, and the pending ones of each transaction, key by key.

use super::key::{Key, quoted};
use super::model::Settings;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet};

/// Keys with their values: scalars and lists, for everything else is a key of its own.
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

    /// Makes `settings` pending in a transaction; an error is the API's own text, for a 500.
    pub fn set(&mut self, transaction: &str, settings: &Settings) -> Result<(), String> {
        let pairs = pairs(settings).map_err(|why| format!("Error serializing Settings: {why} "))?;
        // Nothing in it makes no transaction either.
        if !pairs.is_empty() {
            self.pending.entry(transaction.to_owned()).or_default().extend(pairs);
        }
        Ok(())
    }

    /// What is pending in a transaction.
    pub fn pending(&self, transaction: &str) -> Pairs {
        self.pending.get(transaction).cloned().unwrap_or_default()
    }

    /// The transactions in which something is pending.
    pub fn transactions(&self) -> Vec<&String> {
        self.pending.keys().collect()
    }

    /// Forgets a transaction, and gives its keys in no order, as a hash set has none.
    pub fn delete(&mut self, transaction: &str) -> HashSet<String> {
        let dropped = self.pending.remove(transaction).unwrap_or_default();
        dropped.keys().map(Key::to_string).collect()
    }

    /// Makes a transaction live, and gives its keys.
    pub fn commit(&mut self, transaction: &str) -> HashSet<String> {
        let pending = self.pending(transaction);
        self.live.extend(pending);
        self.delete(transaction)
    }
}

/// Every setting that is given. A null is not, and an empty map holds none.
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

/// Pairs as one object again, without its outer `settings`.
pub(super) fn nested<'a>(pairs: impl IntoIterator<Item = (&'a Key, &'a Value)>) -> Value {
    let mut root = Value::Object(Map::new());
    for (key, value) in pairs {
        let mut place = &mut root;
        for segment in &key.segments()[1..] {
            place = &mut place[segment.as_str()];
        }
        *place = value.clone();
    }
    root
}
