//! `kubectl eni limits`: the network interface and IP address limits of instance types.

mod limits_error;
mod refresh;
mod rows;

pub use limits_error::LimitsError;

use crate::aws::AwsOptions;
use crate::cluster::ClusterOptions;
use crate::error::Error;
use crate::instance_types::{self, InstanceTypeError};
use crate::output::print;
use clap::{Args, Subcommand, ValueEnum};
use eni_core::domain::instance_limits::NamedRow;
use eni_core::failure::ExitCode;
use std::io::{IsTerminal as _, stdin, stdout};
use std::path::PathBuf;

const SHOW_EXAMPLE: &str = "Example: kubectl eni limits show 'm7g.*'";
const REFRESH_EXAMPLE: &str =
    "Example: kubectl eni limits refresh --region us-east-1 --output instance-types.csv";

/// The commands of `limits`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LimitsCommand {
    /// Print the limits of known instance types, without calling EC2
    #[command(after_help = SHOW_EXAMPLE)]
    Show(ShowArgs),
    /// Build the table of instance types with ec2:DescribeInstanceTypes, and print what changed
    #[command(after_help = REFRESH_EXAMPLE)]
    Refresh(refresh::RefreshArgs),
}

/// Flags of `limits show`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArgs {
    /// Instance types or patterns such as 'm7g.*', or - to read them from stdin [default: all instance types]
    #[arg(value_name = "PATTERN")]
    patterns: Vec<String>,
    /// File of `limits refresh`, whose rows override the embedded table
    #[arg(long, value_name = "FILE")]
    table: Option<PathBuf>,
    /// Output format [default: table on a terminal, csv otherwise]
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<Output>,
}

/// Output format of `limits show`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Table for a terminal
    Table,
    /// CSV with a header, which is the format of the table file
    Csv,
}

/// Runs a command of `limits`.
pub(crate) async fn run(
    command: LimitsCommand,
    cluster: &ClusterOptions,
    aws: &AwsOptions,
) -> Result<ExitCode, Error> {
    match command {
        LimitsCommand::Show(args) => show(&args),
        LimitsCommand::Refresh(args) => refresh::run(&args, cluster, aws).await,
    }
}

fn show(args: &ShowArgs) -> Result<ExitCode, Error> {
    let table = instance_types::table(args.table.as_deref())?;
    let all = ["*".to_owned()];
    let patterns = if args.patterns.is_empty() { &all[..] } else { &args.patterns };
    let mut rows = Vec::new();
    for instance_type in instance_types::select(patterns, &table, || stdin().lock())? {
        let Some((limits, _)) = table.find(&instance_type) else {
            let nearest = table.nearest(instance_type.as_str());
            return Err(InstanceTypeError::Unknown { instance_type, nearest }.into());
        };
        rows.push(NamedRow(instance_type.to_string(), limits.row()));
    }
    let default = if stdout().is_terminal() { Output::Table } else { Output::Csv };
    print(&match args.output.unwrap_or(default) {
        Output::Table => rows::aligned(&rows),
        Output::Csv => rows::csv(&rows),
    })?;
    Ok(ExitCode::Success)
}
