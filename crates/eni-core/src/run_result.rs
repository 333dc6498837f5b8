//! The result of a run, as the file `result.json` contains it: what `run` configured, how long each step took, and why
//! it failed. `eni-bootstrap report` prints it.
//!
//! ```text
//! metrics    the result for the textfile collector of the Prometheus node exporter
//! text       the result as text
//! timeline   the phases, requests and waits as bars
//! sequence   the longest sequence of requests that did not overlap
//! model      the types of the file; measured: its times
//! ```

mod measured;
pub mod metrics;
mod model;
mod sequence;
mod text;
mod timeline;

pub use measured::{Phase, PhaseName, Request, Service, WaitState};
pub use model::{
    ChangeOutcome, ChangeResult, CheckResult, EniConfigResult, EniConfigState, Outcome, RunError,
    RunResult,
};
pub use text::text;

use crate::failure::{Advice, ExitCode};
use serde_json::Value;
use std::borrow::Cow;

/// The result on a node. The directory is empty after a boot.
pub const RESULT: &str = "/run/eni-bootstrap/result.json";
/// The result in a bootstrap container of Bottlerocket. The host keeps this directory, and deletes the other files of the
/// container when it ends.
pub const BOTTLEROCKET_RESULT: &str =
    "/.bottlerocket/bootstrap-containers/current/eni-bootstrap-result.json";

/// The version of the format. A file with another version is rejected.
pub const FORMAT_VERSION: u64 = 1;

/// A text that is not the result of a run.
#[derive(Debug, thiserror::Error)]
pub enum InvalidResult {
    /// The text is not JSON, or a key is missing or has the wrong type.
    #[error("the text is not the result of a run")]
    Json(#[from] serde_json::Error),
    /// Another version of eni-bootstrap wrote the result.
    #[error("format version {0} of the result is not supported")]
    FormatVersion(Value),
}

impl Advice for InvalidResult {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Json(_) => {
                "pass the complete file result.json of a run; the journal also contains the log of the run: `journalctl -u eni-bootstrap`".into()
            }
            Self::FormatVersion(_) => {
                "use the version of eni-bootstrap that wrote the result; the key eni-bootstrap-version contains it".into()
            }
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}

impl RunResult {
    /// Parses the text of a result.
    ///
    /// # Errors
    ///
    /// [`InvalidResult`] if the text is not a result, or has another format version.
    pub fn parse(text: &str) -> Result<Self, InvalidResult> {
        let value: Value = serde_json::from_str(text)?;
        match value.get("format-version") {
            Some(version) if *version != FORMAT_VERSION => {
                Err(InvalidResult::FormatVersion(version.clone()))
            }
            _ => Ok(serde_json::from_value(value)?),
        }
    }

    /// Returns the result as indented JSON with a final line break.
    ///
    /// # Errors
    ///
    /// [`serde_json::Error`] if the time of the start has no representation.
    pub fn to_text(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

#[cfg(test)]
mod tests;
