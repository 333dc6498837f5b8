//! The errors of the command.

use eni_bootstrap::adapter::disk::DiskError;
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::io;

/// A failure to show the result of a run.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file cannot be read.
    #[error("failed to read {name}")]
    Read {
        /// The file, or standard input.
        name: String,
        source: io::Error,
    },
    /// The file is larger than every result of a run.
    #[error("{name} is larger than {limit} MiB")]
    TooLarge {
        name: String,
        /// The limit in MiB.
        limit: u64,
    },
    /// The file is not JSON, or a key is missing or has an unknown value.
    #[error("{name} is not a result of eni-bootstrap")]
    Invalid { name: String, source: serde_json::Error },
    /// Another version of eni-bootstrap wrote the file in another format.
    #[error("{name} has the format version {version}, but this program reads version {readable}")]
    FormatVersion {
        name: String,
        version: String,
        /// The version that this program reads.
        readable: u64,
    },
    /// The plan of another version has no value for a key, or one of another type.
    #[error("the plan in {name} is incomplete")]
    Plan { name: String, source: serde_json::Error },
    /// `run` failed before it had read the limits of the instance type.
    #[error(
        "the run failed before the calculation of max-pods, so there is no picture of the network interfaces"
    )]
    NoPlan,
    /// The file of `--to` cannot be written.
    #[error("failed to write the report")]
    Write(#[source] DiskError),
}

impl Advice for ReportError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Read { .. } => {
                "pass a copy of /run/eni-bootstrap/result.json, or `-` to read it from standard input"
            }
            Self::TooLarge { .. } | Self::Invalid { .. } => {
                "copy the complete file /run/eni-bootstrap/result.json from the node"
            }
            Self::FormatVersion { .. } => {
                "use the plugin of the release in the key eni-bootstrap-version of the file"
            }
            Self::Plan { .. } => {
                "use `--output text`, or the plugin of the release in the key eni-bootstrap-version of the file"
            }
            Self::NoPlan => "use `--output text` to see the error of the run",
            Self::Write(_) => "use a writable path with `--to`",
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Read { .. } | Self::Write(_) => ExitCode::CannotWrite,
            Self::TooLarge { .. }
            | Self::Invalid { .. }
            | Self::FormatVersion { .. }
            | Self::Plan { .. }
            | Self::NoPlan => ExitCode::InvalidData,
        }
    }
}
