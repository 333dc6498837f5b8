//! The command line and the exit code.

use crate::aws::AwsOptions;
use crate::cluster::ClusterOptions;
use crate::error::Error;
use crate::limits::{self, LimitsCommand};
use crate::max_pods::{self, MaxPodsArgs};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
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
    max_term_width = 100
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
    /// Show or refresh the network interface and IP address limits of instance types
    #[command(subcommand)]
    Limits(LimitsCommand),
    /// Compute max-pods for instance types
    #[command(after_help = max_pods::EXAMPLES)]
    MaxPods(Box<MaxPodsArgs>),
}

/// Returns the definition of the command line, for man pages, completions and tests.
#[must_use]
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs the command in `arguments` and returns the exit code. Results go to stdout, messages and errors to
/// stderr.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
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

/// Runs the command. A check that found problems has printed them and returns its exit code.
async fn run(cli: Cli) -> Result<ExitCode, Error> {
    let Cli { cluster, aws, command } = cli;
    match command {
        Command::Limits(command) => limits::run(command, &cluster, &aws).await,
        Command::MaxPods(args) => max_pods::run(&args, &cluster, &aws).await,
    }
}

/// Reports an error and returns its exit code.
fn fail(error: &Error) -> process::ExitCode {
    if let Error::Output(error) = error
        && error.kind() == io::ErrorKind::BrokenPipe
    {
        // The reader, such as `head`, has closed the pipe.
        return process::ExitCode::SUCCESS;
    }
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
