//! User data of Bottlerocket nodes.

use super::settings;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use eni_bootstrap_sandbox::Bottlerocket;
use serde_json::{Value, json};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Parses the settings with the model of the simulated settings API, and the settings of the bootstrap container
/// with eni-bootstrap's parser.
pub fn user_data(text: &str) -> Result<(), String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let data = json!(table);
    if let Some(key) = table.keys().find(|key| *key != "settings") {
        return Err(format!("Bottlerocket ignores the table {key:?}; only \"settings\" is read"));
    }
    accepted(&data["settings"])?;
    let Some(containers) = data["settings"]["bootstrap-containers"].as_object() else {
        return Ok(());
    };
    for (name, container) in containers {
        let Some(encoded) = container["user-data"].as_str() else { continue };
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|error| format!("{name}: {error}"))?;
        let text = String::from_utf8(bytes).map_err(|error| format!("{name}: {error}"))?;
        settings(&text).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

/// Starts a settings API with these settings. It panics if its model rejects them.
fn accepted(data: &Value) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let started = || drop(Bottlerocket::in_container(folder.path(), data));
    catch_unwind(AssertUnwindSafe(started)).map_err(|panic| {
        panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "invalid settings".into())
    })
}
