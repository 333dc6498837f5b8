//! `check`: runs all checks, for this node or for all ENIConfigs of a cluster, and prints their results.

mod checklist;
mod node_checks;
mod unit_checks;
mod zone_checks;

use crate::adapter::Context;
use crate::command::print;
use crate::error::Error;
use clap::{Args, ValueEnum};
use eni_core::diagnostic::{Diagnostic, Severity};
use eni_core::domain::zone::{Region, Zone};
use eni_core::settings::Settings;
use serde::Serialize;
use std::fmt;

/// The flags of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Check the ENIConfigs for these zones, or for `all` zones of the cluster, instead of this node; requires --cluster-kubeconfig
    ///
    /// `all` checks every zone in which the cluster has subnets; it also requires --cluster-name.
    #[arg(long, value_name = "all|ZONE,…", value_delimiter = ',', value_parser = zone)]
    zones: Vec<Zones>,
    /// Region of the cluster; used only with --zones
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    region: Option<Region>,
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

/// A value of `--zones`.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Zones {
    /// All zones of the cluster's subnets.
    All,
    /// One zone.
    One(Zone),
}

fn zone(text: &str) -> Result<Zones, String> {
    match text {
        "all" => Ok(Zones::All),
        name => name.parse().map(Zones::One).map_err(|error| error.to_string()),
    }
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Line {
    /// The name of the ENIConfig or zone; `None` if the list covers only one.
    #[serde(rename = "of", skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(flatten)]
    diagnostic: Diagnostic,
}

/// The number of checks with each severity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
struct Summary {
    ok: usize,
    info: usize,
    warning: usize,
    failed: usize,
    skipped: usize,
}

impl Summary {
    fn of(lines: &[Line]) -> Self {
        let mut summary = Self::default();
        for line in lines {
            *match line.diagnostic.severity {
                Severity::Ok => &mut summary.ok,
                Severity::Info => &mut summary.info,
                Severity::Warning => &mut summary.warning,
                Severity::Failed => &mut summary.failed,
                Severity::Skipped => &mut summary.skipped,
            } += 1;
        }
        summary
    }

    /// Returns an error if a check failed or was skipped.
    fn result(self, strict: bool) -> Result<(), Error> {
        let Self { ok, info, warning, failed, skipped } = self;
        let total = ok + info + warning + failed + skipped;
        match (failed, skipped) {
            (0, 0) => Ok(()),
            (failed, 1..) if strict => Err(Error::ChecksStrict { failed, skipped, total }),
            (0, skipped) => Err(Error::ChecksSkipped { skipped, total }),
            (failed, _) => Err(Error::Checks { failed, total }),
        }
    }
}

/// Formats `12 ok, 1 warning, 0 failed, 4 skipped`. Notes are listed only if there are any.
impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ok, info, warning, failed, skipped } = *self;
        write!(formatter, "{ok} ok, ")?;
        if info > 0 {
            write!(formatter, "{info} info, ")?;
        }
        let warnings = if warning == 1 { "warning" } else { "warnings" };
        write!(formatter, "{warning} {warnings}, {failed} failed, {skipped} skipped")
    }
}

/// Runs all checks and prints their results.
pub(crate) async fn check(
    context: Context,
    settings: Settings,
    arguments: CheckArgs,
) -> Result<(), Error> {
    let CheckArgs { zones, region, strict, output } = arguments;
    let lines = if zones.is_empty() {
        node_checks::check(context, settings).await?
    } else {
        Box::pin(zone_checks::check(&context, &settings, &zones, region)).await?
    };
    let summary = Summary::of(&lines);
    let printed = print(&match output {
        Output::Text => checklist::text(&lines, summary),
        Output::Json => checklist::json(&lines, summary),
    });
    // The result takes precedence over a closed pipe: `check | head -1` must not hide a failed check.
    summary.result(strict).and(printed)
}
