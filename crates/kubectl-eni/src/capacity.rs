//! `kubectl eni capacity`: how many more nodes fit into the pod subnets.
//!
//! ```text
//! capacity     the arguments, the output and the exit code
//! input        reads the cluster and the subnets
//! text, svg    print the report
//! predict      computes the report
//! fix, fleet   the fixes, and the nodes of several zones
//! demand       the addresses of a node, with the decisions of ipamd
//! zone, pool   the free addresses of a zone and of a subnet
//! address_map  the addresses of a subnet
//! ```

mod address_map;
mod demand;
mod error;
mod fix;
mod fleet;
mod input;
mod ipamd;
mod pool;
mod predict;
mod report;
mod strip;
mod svg;
mod text;
mod zone;

pub use error::CapacityError;

use crate::aws::AwsOptions;
use crate::cluster::{Cluster, ClusterOptions};
use crate::error::Error;
use crate::output;
use clap::{Args, ValueEnum};
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::zone::Zone;
use eni_core::failure::ExitCode;
use predict::{Question, predict};
use std::path::PathBuf;

/// The help below the flags of `kubectl eni capacity --help`.
pub(crate) const AFTER_HELP: &str = "\
Exit codes:
  0  each zone has capacity for another node of each instance type
  1  a zone has no capacity for certain, or the nodes of --nodes do not fit
  2  neither, but something was skipped

Examples:
  kubectl eni capacity
  kubectl eni capacity --instance-type m5.large,m5.4xlarge --nodes 100 --svg subnets.svg
  kubectl eni capacity --lost-zone us-west-2a --output json";

/// The flags of `kubectl eni capacity`.
#[derive(Clone, Debug, Args)]
pub struct CapacityArgs {
    /// Instance types of the new nodes [default: those of the running nodes]
    #[arg(long, value_delimiter = ',', value_name = "TYPE")]
    pub instance_type: Vec<InstanceType>,
    /// Compute where this many new nodes start, in all zones together
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub nodes: Option<u32>,
    /// Zones whose loss is computed [default: each zone]
    #[arg(long, value_delimiter = ',', value_name = "ZONE")]
    pub lost_zone: Vec<Zone>,
    /// Write a picture of the pod subnets to this file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// Format of the result
    #[arg(long, short, value_enum, default_value_t, value_name = "FORMAT")]
    pub output: Format,
}

/// The format of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables
    #[default]
    Text,
    /// JSON with stable keys
    Json,
}

/// Computes and prints the capacity.
pub(crate) async fn run(
    args: CapacityArgs,
    cluster: &ClusterOptions,
    aws: &AwsOptions,
) -> Result<ExitCode, Error> {
    let cluster = Cluster::connect(cluster).await?;
    let input = input::read(&cluster, &aws.context()?, &args.instance_type).await?;
    let lost_zones: Vec<String> = args.lost_zone.iter().map(ToString::to_string).collect();
    for lost in &lost_zones {
        if !input.zones.iter().any(|zone| zone.name == *lost) {
            return Err(CapacityError::UnknownZone(lost.clone()).into());
        }
    }
    let report = predict(&input, &Question { nodes: args.nodes, lost_zones });
    output::print(&match args.output {
        Format::Text => text::text(&report),
        Format::Json => serde_json::to_string_pretty(&report).map_err(Error::Json)? + "\n",
    })?;
    // After the report, which a failure must not discard.
    if let Some(path) = &args.svg {
        output::write_file(path, &svg::svg(&report)).map_err(CapacityError::Picture)?;
    }
    Ok(if report.has_failure() {
        ExitCode::CheckFailed
    } else if report.is_incomplete() {
        ExitCode::CheckSkipped
    } else {
        ExitCode::Success
    })
}
