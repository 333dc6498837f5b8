//! The command line and the exit code.

use crate::aws::AwsOptions;
use crate::capacity::{self, CapacityArgs};
use crate::check;
use crate::cluster::ClusterOptions;
use crate::configs::{self, ConfigsArgs};
use crate::error::Error;
use crate::expressions::{self, ExpressionsArgs};
use crate::limits::{self, LimitsCommand};
use crate::max_pods::{self, MaxPodsArgs};
use crate::nodes;
use crate::report::{self as boot_report, ReportArgs};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use eni_bootstrap::cli::empty_values::{without_empty_flags, without_empty_variables};
use eni_core::failure::{Advice as _, ExitCode, printable, report};
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process;

/// Shows and checks what the Amazon VPC CNI needs in an Amazon EKS cluster
///
/// It uses the kubeconfig like kubectl, and the AWS credentials like the AWS CLI.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-eni",
    bin_name = "kubectl eni",
    version,
    verbatim_doc_comment,
    term_width = 100
)]
struct Cli {
    #[command(flatten)]
    cluster: ClusterOptions,
    #[command(flatten)]
    aws: AwsOptions,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show how many more nodes fit into the pod subnets
    #[command(after_help = capacity::AFTER_HELP)]
    Capacity(CapacityArgs),
    /// Check the ENIConfigs of all zones and the IAM role of aws-node
    #[command(after_help = CHECK_EXAMPLE)]
    Check(check::CheckArgs),
    /// Print or apply the ENIConfigs for the subnets of pods, one for each zone
    #[command(after_help = configs::EXAMPLES, override_usage = configs::USAGE)]
    Configs(Box<ConfigsArgs>),
    /// Print what Karpenter, nodeadm and Bottlerocket need to plan with the max-pods of the nodes
    Expressions(ExpressionsArgs),
    /// Show or refresh the network interface and IP address limits of instance types
    #[command(subcommand)]
    Limits(LimitsCommand),
    /// Compute max-pods for instance types
    #[command(after_help = max_pods::EXAMPLES)]
    MaxPods(Box<MaxPodsArgs>),
    /// Compare the nodes with what eni-bootstrap computes for them
    Nodes(nodes::Args),
    /// Show what happened during the boot of a node as text, as pictures or as a page
    #[command(after_help = boot_report::EXAMPLES)]
    Report(ReportArgs),
}

const CHECK_EXAMPLE: &str = "Examples:
  kubectl eni check
  kubectl eni check --context prod --zones us-west-2a,us-west-2b --output json";

/// Returns the definition of the command line, for man pages, completions and tests.
#[must_use]
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs the command in `arguments` and returns the exit code. Results go to stdout, messages and errors to
/// stderr.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    let cli = match parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return print_usage(&error),
    };
    match tokio::runtime::Runtime::new()
        .map_err(Error::Runtime)
        .and_then(|runtime| runtime.block_on(Box::pin(run(cli))))
    {
        Ok(code) => process::ExitCode::from(code.number()),
        Err(error) => fail(&error),
    }
}

/// Parses the command line. Ignores empty environment variables and flags with an empty value.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let arguments = without_empty_flags(Cli::command, arguments.into_iter().collect());
    let mut command = without_empty_variables(Cli::command());
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Runs the command. A check that found problems has printed them and returns its exit code.
async fn run(cli: Cli) -> Result<ExitCode, Error> {
    let Cli { cluster, aws, command } = cli;
    match command {
        Command::Capacity(arguments) => capacity::run(arguments, &cluster, &aws).await,
        Command::Check(arguments) => check::run(arguments, &cluster, &aws).await,
        Command::Configs(arguments) => configs::run(*arguments, &cluster, &aws).await,
        Command::Expressions(arguments) => expressions::run(arguments, &cluster).await,
        Command::Limits(command) => limits::run(command, &cluster, &aws).await,
        Command::MaxPods(arguments) => max_pods::run(&arguments, &cluster, &aws).await,
        Command::Nodes(arguments) => nodes::run(&arguments, &cluster, &aws).await,
        Command::Report(arguments) => boot_report::run(&arguments),
    }
}

/// Reports an error and returns its exit code.
fn fail(error: &Error) -> process::ExitCode {
    // If stderr is closed, the exit code still reports the failure.
    let _ = writeln!(io::stderr().lock(), "{}", printable(&report(error)));
    process::ExitCode::from(error.exit_code().number())
}

/// Prints help or the version on stdout, or a usage error on stderr, and returns the exit code.
fn print_usage(error: &clap::Error) -> process::ExitCode {
    let printed = error.print();
    let code = match (error.kind(), printed) {
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, Err(error))
            if error.kind() != io::ErrorKind::BrokenPipe =>
        {
            ExitCode::CannotWrite
        }
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, _) => ExitCode::Success,
        _ => ExitCode::Usage,
    };
    process::ExitCode::from(code.number())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
