//! `kubectl eni report`: what happened during the boot of a node, as text, as pictures and as a page.
//!
//! ```text
//! report      the arguments and the outputs
//! html        the page
//! timeline    the picture of the phases, requests and waits
//! interfaces  the picture of the network interfaces and the calculation
//! terms       the terms of the calculation with their sources
//! svg, time   draw shapes, and format times
//! result      reads the file with `eni_core::run_result`
//! error       the errors of the command
//! ```

mod error;
mod html;
mod interfaces;
mod result;
mod svg;
mod terms;
mod time;
mod timeline;

pub use error::ReportError;

use crate::error::Error;
use crate::output::print;
use clap::{Args, ValueEnum};
use eni_bootstrap::adapter::disk::write_atomic;
use eni_core::failure::ExitCode;
use eni_core::run_result;
use result::Report;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use svg::Size;

/// The help below the flags of `kubectl eni report --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  kubectl eni report result.json
  kubectl eni report result.json --output html --to report.html
  ssh NODE sudo cat /run/eni-bootstrap/result.json | kubectl eni report - --output timeline --to boot.svg";

/// The largest file in MiB. The result of a run has some KiB.
const MOST_MIB: u64 = 16;

/// The flags of `kubectl eni report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// Copy of /run/eni-bootstrap/result.json from a node, or - to read it from standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Format of the report
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
    /// Write the report to this file [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

/// The format of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for a terminal
    #[default]
    Text,
    /// One HTML page with both pictures and all tables
    Html,
    /// SVG picture of the phases, requests and waits
    Timeline,
    /// SVG picture of the network interfaces and the calculation of max-pods
    Interfaces,
}

/// Reads the result of a run and prints or writes the report.
pub(crate) fn run(args: &ReportArgs) -> Result<ExitCode, Error> {
    let report = read(&args.file)?;
    let report = render(&report, args.output)?;
    match &args.to {
        Some(path) => {
            write_atomic(path, report.as_bytes()).map_err(ReportError::Write)?;
        }
        None => print(&report)?,
    }
    Ok(ExitCode::Success)
}

fn read(path: &Path) -> Result<Report, ReportError> {
    if path == Path::new("-") {
        return parse("standard input", io::stdin().lock());
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => parse(&name, file),
        Err(source) => Err(ReportError::Read { name, source }),
    }
}

fn parse(name: &str, reader: impl Read) -> Result<Report, ReportError> {
    let mut text = Vec::new();
    let limit = MOST_MIB << 20;
    let name = name.to_owned();
    if let Err(source) = reader.take(limit + 1).read_to_end(&mut text) {
        return Err(ReportError::Read { name, source });
    }
    if u64::try_from(text.len()).is_ok_and(|length| length > limit) {
        return Err(ReportError::TooLarge { name, limit: MOST_MIB });
    }
    Report::parse(&name, text)
}

fn render(report: &Report, format: Format) -> Result<String, ReportError> {
    Ok(match format {
        Format::Text => run_result::text(&report.result),
        Format::Html => html::page(report),
        Format::Timeline => {
            let drawing = timeline::timeline(report, Size::Wide, true);
            drawing.file(&timeline::title(report), &timeline::description(&report.result))
        }
        Format::Interfaces => {
            let plan = report.plan.as_ref().ok_or(ReportError::NoPlan)?;
            let drawing = interfaces::interfaces(plan, Size::Wide, true);
            drawing.file(&interfaces::title(plan), &interfaces::description(plan))
        }
    })
}
