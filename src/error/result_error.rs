//! The errors of `report`.

use eni_core::failure::{Advice, ExitCode};
use eni_core::run_result::InvalidResult;
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

/// A result that cannot be reported.
#[derive(Debug, thiserror::Error)]
pub enum ResultError {
    /// The file on the command line does not exist.
    #[error("{} does not exist", .0.display())]
    NoFile(PathBuf),
    /// This node has no result.
    #[error("{} does not exist", .0.display())]
    NoResult(PathBuf),
    /// The user may not read the file, whose mode is 0600.
    #[error("failed to read {}", path.display())]
    Denied { path: PathBuf, source: io::Error },
    /// The text is not a result.
    #[error("{} is invalid", name(path))]
    Invalid { path: PathBuf, source: InvalidResult },
}

/// Returns a file of the command line for people.
fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

impl Advice for ResultError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::NoFile(_) => "correct the path".into(),
            Self::NoResult(_) => {
                "check `systemctl status eni-bootstrap`: `run` removes the result of an earlier run when it starts, and writes its own when it ends; to print a result of another node, run `eni-bootstrap report FILE`".into()
            }
            Self::Denied { path, .. } => {
                format!("run `sudo eni-bootstrap report {}`", path.display()).into()
            }
            Self::Invalid { source, .. } => source.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoFile(_) | Self::NoResult(_) | Self::Denied { .. } => ExitCode::CannotWrite,
            Self::Invalid { source, .. } => source.exit_code(),
        }
    }
}
