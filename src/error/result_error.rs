//! The errors of `report`.

use eni_core::failure::{Advice, ExitCode};
use eni_core::run_result::InvalidResult;
use std::borrow::Cow;
use std::path::PathBuf;

/// A result that cannot be reported.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The file on the command line does not exist.
    #[error("{} does not exist", .0.display())]
    NoFile(PathBuf),
    /// This node has no result.
    #[error("{} does not exist: no run has ended since the boot", .0.display())]
    NoResult(PathBuf),
    /// The text is not a result.
    #[error(transparent)]
    Invalid(#[from] InvalidResult),
}

impl Advice for ResultError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::NoFile(_) => "correct the path".into(),
            Self::NoResult(_) => {
                "check `systemctl status eni-bootstrap`: `run` writes its result when it ends; to print a result of another node, run `eni-bootstrap report FILE`".into()
            }
            Self::Invalid(error) => error.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoFile(_) | Self::NoResult(_) => ExitCode::CannotWrite,
            Self::Invalid(error) => error.exit_code(),
        }
    }
}
