//! Every check as a list: for this node, or for every ENIConfig of a cluster.

mod node;
mod output;
mod whole_cluster;

use crate::command::{Context, print};
use crate::error::Error;
use clap::{Args, ValueEnum};
use eni_core::diagnostic::{Diagnostic, Severity};
use eni_core::domain::zone::{Region, Zone};
use serde::Serialize;

/// What is checked, and how it is printed.
#[derive(Debug, Args)]
pub struct Wanted {
    /// Check a whole cluster, from anywhere, by its kubeconfig: `all` zones of the cluster's subnets, or these
    #[arg(long, value_name = "all|ZONE,…", value_delimiter = ',', value_parser = zone)]
    zones: Vec<Zones>,
    /// The cluster's region, with --zones
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    region: Option<Region>,
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

/// How a list of checks is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For a person: one line a check, and what to do below it
    #[default]
    Text,
    /// For a program
    Json,
}

/// Which zones.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Zones {
    /// Those of the cluster's subnets.
    All,
    /// This one.
    One(Zone),
}

fn zone(text: &str) -> Result<Zones, String> {
    match text {
        "all" => Ok(Zones::All),
        name => name.parse().map(Zones::One).map_err(|error| error.to_string()),
    }
}

/// A check, and the ENIConfig or zone that it is about if there are several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    of: Option<String>,
    #[serde(flatten)]
    diagnostic: Diagnostic,
}

/// Makes every check and prints what was found.
pub async fn check(context: Context, wanted: Wanted) -> Result<(), Error> {
    let Wanted { zones, region, output } = wanted;
    let lines = if zones.is_empty() {
        node::check(context).await?
    } else {
        Box::pin(whole_cluster::check(context, &zones, region)).await?
    };
    print(&match output {
        Output::Text => output::text(&lines),
        Output::Json => output::json(&lines),
    })?;
    let count = |severity| lines.iter().filter(|it| it.diagnostic.severity == severity).count();
    match count(Severity::Failed) {
        0 => Ok(()),
        failed => Err(Error::Checks(format!("{failed} of {} checks failed", lines.len()))),
    }
}
