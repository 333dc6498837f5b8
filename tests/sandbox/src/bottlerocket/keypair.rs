//! `key=value` lines, whose values' types are guessed: what `apiclient set` without `--json` sends.

use super::key::Key;
use super::model::Settings;
use super::store::{Pairs, nested};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Deserialize)]
pub(super) struct KeyPairs {
    request_payload: Vec<String>,
}

/// The settings that these lines mean; an error is the API's own text, for a 400. Its cause is in
/// this library's words: the real one's were not measured.
pub(super) fn settings(given: &KeyPairs) -> Result<Settings, String> {
    let mut pairs = Pairs::new();
    for line in &given.request_payload {
        let (name, value) =
            line.split_once('=').ok_or_else(|| format!("Failed to split the string: {line}"))?;
        let key =
            Key::parse(name).map_err(|why| format!("Prefix '{name}' is not a valid key: {why}"))?;
        pairs.insert(key.in_settings(), guessed(value));
    }
    serde_json::from_value(nested(&pairs)).map_err(|why| {
        format!("Unable to match your input to the data model.  We may not have enough type information.  Please try the --json input form.  Cause: {why}")
    })
}

fn guessed(value: &str) -> Value {
    match serde_json::from_str(value) {
        Ok(scalar @ (Value::Bool(_) | Value::Number(_))) => scalar,
        _ => json!(value),
    }
}
