//! The commands, one module each, and what they share: loading settings and printing results.

mod attached_interfaces;
pub(crate) mod check;
mod early_requests;
pub mod max_pods_command;
mod node_session;
mod outdated;
pub(crate) mod plan_command;
pub(crate) mod report_command;
pub(crate) mod retry_command;
pub mod run;
mod run_record;
pub(crate) mod run_result;
mod start_timeout;
pub(crate) mod token_command;
pub(crate) mod undo;
mod verifier;
pub(crate) mod wait_command;
mod zone_subnets;

use crate::adapter::{Context, disk};
use crate::error::Error;
use eni_core::facts::Facts;
use eni_core::failure::printable;
use eni_core::plan::Plan;
use eni_core::settings::{Settings, SettingsError};
use serde_json::Value;
use std::io::{self, Write as _};
use std::path::Path;

/// Returns the merged settings, and `context` with the override file in its table of instance types.
///
/// Later sources take precedence: the settings files under the root, the file `config`, and `flags`,
/// which include the environment variables.
pub(crate) fn load_settings(
    context: Context,
    config: Option<&Path>,
    flags: Settings,
) -> Result<(Context, Settings), Error> {
    let mut merged = Settings::default();
    for (path, text) in disk::settings_files(&context.root)? {
        merged = layer(&path, &text)?.over(merged);
    }
    if let Some(path) = config {
        let text =
            disk::read_argument(path)?.ok_or_else(|| SettingsError::NoSuchFile(path.to_owned()))?;
        merged = layer(path, &text)?.over(merged);
    }
    let settings = flags.over(merged);
    Ok((with_type_overrides(context)?, settings))
}

/// Returns `context` with the rows of the override file in its table of instance types.
pub(crate) fn with_type_overrides(context: Context) -> Result<Context, Error> {
    let rows = disk::type_overrides(&context.root)?;
    Ok(Context { table: context.table.with_overrides(rows), ..context })
}

fn layer(path: &Path, text: &str) -> Result<Settings, SettingsError> {
    Settings::from_toml(path, text).map_err(SettingsError::from)
}

/// Returns the kubelet flags of `plan` on one line.
pub(crate) fn kubelet_args(plan: &Plan, facts: &Facts) -> Result<String, Error> {
    Ok(plan.kubelet_for_flags(&facts.existing)?.arguments().join(" ") + "\n")
}

/// Returns `value` as indented JSON with a final line break.
pub(crate) fn json_text(value: &Value) -> String {
    format!("{value:#}\n")
}

/// Returns `value` as YAML.
pub(crate) fn yaml_text(value: &Value) -> Result<String, Error> {
    serde_saphyr::to_string(value).map_err(|error| Error::Output(io::Error::other(error)))
}

/// Prints the result of a command on stdout. Log lines and errors go to stderr.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(printable(text).as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(Error::Output)
}
