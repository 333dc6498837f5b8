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
use crate::output::{print, write_file};
use clap::{Args, ValueEnum};
use eni_core::failure::ExitCode;
use eni_core::run_result::{self, RunResult};
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
  ssh NODE sudo cat /run/eni-bootstrap/result.json | kubectl eni report - -o html --to boot.html";

/// The largest file in MiB, as for `eni-bootstrap report`.
const MOST_MIB: u64 = 4;

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
    let (name, result) = read(&args.file)?;
    let report = render(&name, result, args.output)?;
    match &args.to {
        Some(path) => write_file(path, &report).map_err(ReportError::Write)?,
        None => print(&report)?,
    }
    Ok(ExitCode::Success)
}

/// Returns the name of the file for messages, and its content.
fn read(path: &Path) -> Result<(String, RunResult), ReportError> {
    if path == Path::new("-") {
        return parse("standard input".to_owned(), io::stdin().lock());
    }
    let name = path.display().to_string();
    match File::open(path) {
        Ok(file) => parse(name, file),
        Err(source) => Err(ReportError::Read { name, source }),
    }
}

fn parse(name: String, reader: impl Read) -> Result<(String, RunResult), ReportError> {
    let mut text = Vec::new();
    let limit = MOST_MIB << 20;
    if let Err(source) = reader.take(limit + 1).read_to_end(&mut text) {
        return Err(ReportError::Read { name, source });
    }
    if u64::try_from(text.len()).is_ok_and(|length| length > limit) {
        return Err(ReportError::TooLarge { name, limit: MOST_MIB });
    }
    let result = result::parse(&name, text)?;
    Ok((name, result))
}

fn render(name: &str, result: RunResult, format: Format) -> Result<String, ReportError> {
    Ok(match format {
        // It needs only a part of the plan, so it can also show a result whose plan is of another version.
        Format::Text => run_result::text(&result),
        Format::Html => html::page(&Report::new(name, result)?),
        Format::Timeline => {
            let report = Report::new(name, result)?;
            let drawing = timeline::timeline(&report, Size::Wide, true);
            drawing.file(&timeline::title(&report), &timeline::description(&report.result))
        }
        Format::Interfaces => {
            let plan = Report::new(name, result)?.plan.ok_or(ReportError::NoPlan)?;
            let drawing = interfaces::interfaces(&plan, Size::Wide, true);
            drawing.file(&interfaces::title(&plan), &interfaces::description(&plan))
        }
    })
}
