//! `report`: prints the result of a run.

use crate::adapter::disk;
use crate::command::{print, run_result};
use crate::error::{Error, ResultError};
use clap::{Args, ValueEnum};
use eni_core::run_result::{self as result, RunResult};
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
    let text = if let Some(file) = &args.file {
        disk::read_result(file)?.ok_or_else(|| ResultError::NoFile(file.clone()))?
    } else {
        let file = disk::under(root, run_result::path(root));
        disk::read_result(&file)?.ok_or(ResultError::NoResult(file))?
    };
    let parsed = RunResult::parse(&text).map_err(ResultError::from)?;
    print(&match args.output {
        Output::Text => result::text(&parsed),
        Output::Json => parsed.to_text().map_err(ResultError::from)?,
    })
}
