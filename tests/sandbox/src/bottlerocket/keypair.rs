//! The `key=value` lines that `apiclient set` sends without `--json`. The types of the values are
//! guessed.

use super::key::Key;
use super::model::Settings;
use super::store::{Pairs, nested};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
pub(super) struct KeyPairs {
    request_payload: Vec<String>,
}

/// Converts the lines to settings. An error is the response body of apiserver for status 400. The cause
/// in its text comes from serde and was not compared with the real one.
pub(super) fn settings(key_pairs: &KeyPairs) -> Result<Settings, String> {
    let mut pairs = Pairs::new();
    for line in &key_pairs.request_payload {
        let (name, value) =
            line.split_once('=').ok_or_else(|| format!("Failed to split the string: {line}"))?;
        let key =
            Key::parse(name).map_err(|why| format!("Prefix '{name}' is not a valid key: {why}"))?;
        pairs.insert(key.in_settings(), guess_type(value));
    }
    serde_json::from_value(nested(&pairs)).map_err(|why| {
        format!("Unable to match your input to the data model.  We may not have enough type information.  Please try the --json input form.  Cause: {why}")
    })
}

fn guess_type(value: &str) -> Value {
    match serde_json::from_str(value) {
        Ok(scalar @ (Value::Bool(_) | Value::Number(_))) => scalar,
        _ => json!(value),
    }
}
