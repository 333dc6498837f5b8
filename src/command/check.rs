//! `check`: runs all checks for this node, and prints their results.

mod node_checks;
mod unit_checks;

use crate::adapter::Context;
use crate::command::print;
use crate::error::{Error, UsageError};
use clap::{Args, ValueEnum};
use eni_core::diagnostic::checklist::{self, Line, Summary};
use eni_core::settings::Settings;

/// The flags of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Moved to `kubectl eni check`, which checks a cluster
    #[arg(long, hide = true, value_name = "all|ZONE,…")]
    zones: Option<String>,
    /// Exit with code 1 instead of 2 if a check is skipped
    #[arg(long)]
    strict: bool,
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// The output format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// One line for each check, followed by a suggested fix
    #[default]
    Text,
    /// JSON
    Json,
}

/// Returns an error if a check failed or was skipped.
fn result(summary: Summary, strict: bool) -> Result<(), Error> {
    let total = summary.total();
    match (summary.failed, summary.skipped) {
        (0, 0) => Ok(()),
        (failed, skipped @ 1..) if strict => Err(Error::ChecksStrict { failed, skipped, total }),
        (0, skipped) => Err(Error::ChecksSkipped { skipped, total }),
        (failed, _) => Err(Error::Checks { failed, total }),
    }
}

/// Runs all checks and prints their results.
pub(crate) async fn check(
    context: Context,
    settings: Settings,
    arguments: CheckArgs,
) -> Result<(), Error> {
    let CheckArgs { zones, strict, output } = arguments;
    if let Some(zones) = zones {
        return Err(UsageError::ZonesOfCluster { zones }.into());
    }
    let diagnostics = node_checks::check(context, settings).await?;
    let lines: Vec<Line> = diagnostics.into_iter().map(Line::from).collect();
    let summary = Summary::of(&lines);
    let printed = print(&match output {
        Output::Text => checklist::text(&lines, summary, None),
        Output::Json => checklist::json(&lines, summary),
    });
    // The result takes precedence over a closed pipe: `check | head -1` must not hide a failed check.
    result(summary, strict).and(printed)
}
