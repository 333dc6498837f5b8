//! `report`: prints the result of a run.

use crate::adapter::disk::{self, DiskError};
use crate::command::{print, run_result};
use crate::error::{Error, ResultError};
use clap::{Args, ValueEnum};
use eni_core::run_result::{self as result, RunResult};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The flags of `report`.
#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// File with the result of a run, or - for standard input [default: the result of the last run on this node]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// The format of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// Text: the outcome, the calculation, a timeline and the diagnostics
    #[default]
    Text,
    /// JSON: the content of the file
    Json,
}

/// Prints the result of a run.
pub(crate) fn show(root: &Path, args: &ReportArgs) -> Result<(), Error> {
    let default = || disk::under(root, run_result::path(root));
    let file = args.file.clone().unwrap_or_else(default);
    let text = match disk::read_result(&file) {
        Ok(Some(text)) => text,
        Ok(None) if args.file.is_some() => return Err(ResultError::NoFile(file).into()),
        Ok(None) => return Err(ResultError::NoResult(file).into()),
        Err(DiskError::Read { path, source }) if source.kind() == ErrorKind::PermissionDenied => {
            return Err(ResultError::Denied { path, source }.into());
        }
        Err(error) => return Err(error.into()),
    };
    let parsed =
        RunResult::parse(&text).map_err(|source| ResultError::Invalid { path: file, source })?;
    // As JSON, the file as it is: it may have keys that this version does not read.
    print(&match args.output {
        Output::Text => result::text(&parsed),
        Output::Json => text,
    })
}
