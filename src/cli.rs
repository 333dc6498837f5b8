//! The command line, the environment and the exit code.

#![expect(clippy::doc_markdown, reason = "the help prints these comments")]

mod deferred;
mod dispatch;
pub mod empty_values;
mod global_options;
mod log;
mod long_help;
mod moved;
mod variables;

use crate::adapter::core_dumps;
use crate::command;
use crate::error::Error;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use deferred::Deferred;
use eni_core::failure::{Advice as _, ExitCode, report};
use eni_core::settings::Settings;
use global_options::GlobalOptions;
use log::Stderr;
use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process;
use tracing::warn;

/// The file name under which the program runs `eni-bootstrap max-pods`.
const SCRIPT: &str = "max-pods-calculator.sh";

/// The width of the help in columns: the short help has one line for each flag.
const TERM_WIDTH: usize = 140;

/// Prepares an Amazon EKS node for the Amazon VPC CNI before the kubelet starts
///
/// `eni-bootstrap run` reads the instance metadata and the CNI configuration, computes max-pods,
/// configures the kubelet, and waits until the ENIConfig of the node exists. If a step fails, the
/// systemd unit fails and the kubelet does not start.
#[derive(Debug, Parser)]
#[command(
    name = "eni-bootstrap",
    version,
    verbatim_doc_comment,
    after_help = PROGRAM_EXAMPLE,
    after_long_help = long_help::after_long_help(),
    term_width = TERM_WIDTH
)]
struct Cli {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(subcommand)]
    command: Command,
}

// `defer`: defines only the flags of the command that runs.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// Configure the kubelet of this node and wait for its ENIConfig
    #[command(after_help = RUN_EXAMPLE)]
    Run(Box<Deferred<RunFlags>>),
    /// Show what `run` would do, without changing anything
    #[command(after_help = PLAN_EXAMPLE)]
    Plan(Box<Deferred<PlanFlags>>),
    /// Compute max-pods for an instance type, like max-pods-calculator.sh
    #[command(after_help = MAX_PODS_EXAMPLE)]
    MaxPods(Box<Deferred<command::max_pods_command::MaxPodsArgs>>),
    /// Wait for the ENIConfig of this node, without configuring the kubelet
    #[command(after_help = WAIT_EXAMPLE)]
    Wait(Box<Deferred<Settings>>),
    /// Check everything that `run` depends on; `kubectl eni check` checks a cluster
    #[command(after_help = CHECK_EXAMPLE)]
    Check(Box<Deferred<CheckFlags>>),
    /// Print a token for the cluster, like `aws eks get-token`
    #[command(after_help = TOKEN_EXAMPLE)]
    Token(Deferred<command::token_command::TokenArgs>),
    /// Print the result of the last run: outcome, calculation, timeline and diagnostics
    #[command(after_help = REPORT_EXAMPLE)]
    Report(Deferred<command::report_command::ReportArgs>),
    /// Start the kubelet again after `run` has failed; eni-bootstrap-retry.service runs this command
    #[command(after_help = RETRY_EXAMPLE)]
    Retry(Box<Deferred<Settings>>),
    /// Revert the changes that `run` made on this node
    #[command(after_help = UNDO_EXAMPLE)]
    Undo(Deferred<command::undo::UndoArgs>),
}

const PROGRAM_EXAMPLE: &str = "Example: eni-bootstrap plan";
const RUN_EXAMPLE: &str =
    "Example: eni-bootstrap run --eni-config-name 'prod-{zone}' --eni-config-wait 5m";
const PLAN_EXAMPLE: &str = "Example: eni-bootstrap plan --output diff";
const MAX_PODS_EXAMPLE: &str =
    "Example: eni-bootstrap max-pods --instance-type m5.large --cni-custom-networking-enabled";
const WAIT_EXAMPLE: &str = "Example: eni-bootstrap wait --eni-config-name 'prod-{zone}'";
const CHECK_EXAMPLE: &str = "Example: eni-bootstrap check --strict";
const TOKEN_EXAMPLE: &str = "Example: eni-bootstrap token --cluster-name prod --region us-west-2";
const REPORT_EXAMPLE: &str = "Example: eni-bootstrap report result.json";
const RETRY_EXAMPLE: &str = "Example: systemctl start eni-bootstrap-retry";
const UNDO_EXAMPLE: &str = "Example: systemctl disable eni-bootstrap && eni-bootstrap undo";

#[derive(Debug, Args)]
struct RunFlags {
    /// After success, print the configured kubelet arguments to standard output
    #[arg(long, short, value_name = "FORMAT")]
    output: Option<command::run::Output>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
struct PlanFlags {
    /// Output format
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: command::plan_command::Output,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Args)]
struct CheckFlags {
    #[command(flatten)]
    check: command::check::CheckArgs,
    #[command(flatten)]
    settings: Settings,
}

/// Returns the definition of the command line, for man pages, completions and tests. Call
/// [`clap::Command::build`] to define the flags of the subcommands, too.
#[must_use]
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs the command in `arguments` and returns the exit code. Results go to stdout, log lines and
/// errors to stderr.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> process::ExitCode {
    let undumpable = core_dumps::disable();
    let stderr = Stderr::detect();
    let arguments = with_script_name(arguments);
    let cli = match parse(arguments.clone()) {
        Ok(cli) => cli,
        Err(error) => {
            let from_variable = variables::error(&error).map(Error::from);
            let moved = || moved::error(&error, &arguments).map(Error::from);
            return match from_variable.or_else(moved) {
                Some(error) => fail(stderr, &error),
                None => print_usage(stderr, &error),
            };
        }
    };
    stderr.install_logger(cli.global.level());
    if let Err(error) = undumpable {
        // The node is right nevertheless, and the unit has LimitCORE=0.
        warn!("process: failed to disable core dumps: {error}");
    }
    match dispatch::run(cli) {
        Ok(()) => process::ExitCode::SUCCESS,
        Err(error) => fail(stderr, &error),
    }
}

/// Parses the command line. Ignores empty environment variables and flags with an empty value.
fn parse(arguments: Vec<OsString>) -> Result<Cli, clap::Error> {
    let arguments = empty_values::without_empty_flags(Cli::command, arguments);
    if let Ok(cli) = parse_without_help(&arguments) {
        return Ok(cli);
    }
    let mut command = empty_values::without_empty_variables(Cli::command());
    let matches = command.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

/// Parses the command line without the flag `--help`, so that no help texts are rendered. They take as long as the rest
/// of the parser. Only the success of this function matters: an error lacks the help.
fn parse_without_help(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let command = Cli::command().disable_help_flag(true);
    let matches = empty_values::without_empty_variables(command).try_get_matches_from(arguments)?;
    Cli::from_arg_matches(&matches)
}

/// Reports an error and returns its exit code.
fn fail(stderr: Stderr, error: &Error) -> process::ExitCode {
    if error.is_closed_pipe() {
        return process::ExitCode::SUCCESS;
    }
    stderr.report(&report(error));
    process::ExitCode::from(error.exit_code().number())
}

/// Inserts the subcommand `max-pods` if the program runs under the name of EKS's calculator script.
fn with_script_name(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let is_script = |name: &OsString| Path::new(name).file_name().is_some_and(|it| it == SCRIPT);
    if arguments.first().is_some_and(is_script) {
        arguments.insert(1, "max-pods".into());
    }
    arguments
}

/// Prints help or the version on stdout, or a usage error on stderr, and returns the exit code.
fn print_usage(stderr: Stderr, error: &clap::Error) -> process::ExitCode {
    let code = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => match error.print() {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::CannotWrite,
            _ => ExitCode::Success,
        },
        _ => {
            match stderr {
                Stderr::Journal => stderr.report(&error.render().to_string()),
                // The exit code also reports the error.
                Stderr::Plain => error.print().unwrap_or_default(),
            }
            ExitCode::Usage
        }
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

    #[test]
    fn short_help_of_run_has_one_line_for_each_flag() {
        let mut command = Cli::command();
        command.build();
        let run = command.find_subcommand_mut("run").unwrap();
        let help = run.render_help().to_string();
        let flags = help.lines().filter(|line| line.trim_start().starts_with('-')).count();
        assert_eq!((flags, help.lines().count()), (16, 27), "{help}");
        assert_eq!(help.lines().find(|line| line.chars().count() > TERM_WIDTH), None);
    }
}
