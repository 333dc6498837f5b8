//! The command line, and the only reader of the environment.

#![expect(clippy::doc_markdown, reason = "the help prints these comments, backticks and all")]

mod addresses;
mod log;
mod variables;

use crate::adapter::Context;
use crate::command;
use crate::error::Error;
use addresses::Addresses;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use eni_core::error::{Advice as _, ExitCode as Code, report};
use eni_core::settings::Layer;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

/// The calculator's name on Amazon Linux 2.
const SCRIPT: &str = "max-pods-calculator.sh";

/// Prepares an Amazon EKS node for the Amazon VPC CNI before its kubelet starts.
///
/// Reads the instance metadata service, works out how many pods the node can really hold under
/// custom networking and prefix delegation, tells the kubelet, and waits until the ENIConfig that
/// the CNI will look for is there.
#[derive(Debug, Parser)]
#[command(name = "eni-bootstrap", version, after_long_help = after_help())]
struct Cli {
    #[command(flatten)]
    addresses: Addresses,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prepare this node: figures, files, wait. Status 0: the kubelet may start
    #[command(after_help = RUN_EXAMPLE)]
    Run(Box<SettingsFlags>),
    /// Show what `run` would do, and change nothing
    #[command(after_help = PLAN_EXAMPLE)]
    Plan(Box<PlanFlags>),
    /// Print how many pods an instance type can hold, as max-pods-calculator.sh does
    #[command(after_help = MAX_PODS_EXAMPLE)]
    MaxPods(Box<command::max_pods::Wanted>),
    /// Wait for this node's ENIConfig, and do nothing else
    #[command(after_help = WAIT_EXAMPLE)]
    Wait(Box<SettingsFlags>),
    /// Check all that a boot depends on, for this node or for a whole cluster, and change nothing
    #[command(after_help = CHECK_EXAMPLE)]
    Check(Box<CheckFlags>),
    /// Print the token that `aws eks get-token` makes, for a kubeconfig
    #[command(after_help = TOKEN_EXAMPLE)]
    Token(command::token_command::TokenArgs),
    /// Take away what `run` wrote on this node; the kubelet's next start is the image's own
    #[command(after_help = UNDO_EXAMPLE)]
    Undo,
    /// The table of instance types
    #[command(subcommand)]
    Limits(Limits),
}

const RUN_EXAMPLE: &str = "Example: eni-bootstrap run --cni-prefix-delegation --eni-config-wait 5m";
const PLAN_EXAMPLE: &str = "Example: eni-bootstrap plan --output diff";
const MAX_PODS_EXAMPLE: &str =
    "Example: eni-bootstrap max-pods --instance-type m5.large --cni-custom-networking-enabled";
const WAIT_EXAMPLE: &str = "Example: eni-bootstrap wait --eni-config-name 'prod-{zone}'";
const CHECK_EXAMPLE: &str = "Examples:
  eni-bootstrap check
  eni-bootstrap check --zones all --cluster-kubeconfig ~/.kube/config --cluster-name prod --region us-west-2";
const TOKEN_EXAMPLE: &str = "Example: eni-bootstrap token --cluster-name prod --region us-west-2";
const UNDO_EXAMPLE: &str = "Example: systemctl disable eni-bootstrap && eni-bootstrap undo";
const SHOW_EXAMPLE: &str = "Example: eni-bootstrap limits show 'm7g.*'";
const REFRESH_EXAMPLE: &str = "Example: eni-bootstrap limits refresh --region us-east-1";

#[derive(Debug, Subcommand)]
enum Limits {
    /// Show what is known of instance types, without asking anybody
    #[command(after_help = SHOW_EXAMPLE)]
    Show(command::limits::Shown),
    /// Make the table anew from EC2's DescribeInstanceTypes, and print what changed
    #[command(after_help = REFRESH_EXAMPLE)]
    Refresh(command::limits::Wanted),
}

#[derive(Debug, Args)]
struct PlanFlags {
    /// How to print it
    #[arg(long, short, value_name = "FORMAT", default_value = "text")]
    output: command::plan_command::Output,
    #[command(flatten)]
    settings: SettingsFlags,
}

#[derive(Debug, Args)]
struct CheckFlags {
    #[command(flatten)]
    check: command::check::CheckArgs,
    #[command(flatten)]
    settings: SettingsFlags,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Settings (each a TOML key, too: --cni-source is source in [cni])")]
struct SettingsFlags {
    #[command(flatten)]
    layer: Layer,
}

/// The command line, for whoever documents it: the tests of the README, completions, man pages.
#[must_use]
pub fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs the command that `arguments` name. Results go to stdout, everything else to stderr.
#[must_use]
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(by_name(arguments)) {
        Ok(cli) => cli,
        Err(error) => {
            return variables::error(&error).map_or_else(|| usage(&error), |it| ended(&it.into()));
        }
    };
    log::to_stderr(cli.addresses.level());
    checked(cli).map_or_else(|error| ended(&error), |()| ExitCode::SUCCESS)
}

/// Says how it ended. Not a log line: it must be seen at every level, and the console shows stderr.
fn ended(error: &Error) -> ExitCode {
    #[expect(clippy::print_stderr, reason = "the one place that ends a run badly")]
    {
        eprintln!("{}", report(error));
    }
    ExitCode::from(error.exit_code().number())
}

/// Under the name of the script that EKS had, `eni-bootstrap` is its calculator.
fn by_name(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    let is_script = |name: &OsString| Path::new(name).file_name().is_some_and(|it| it == SCRIPT);
    if arguments.first().is_some_and(is_script) {
        arguments.insert(1, "max-pods".into());
    }
    arguments
}

fn checked(cli: Cli) -> Result<(), Error> {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    variables::check(names)?;
    // One thread: a boot agent waits for answers, and threads cost more than they bring.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    runtime.block_on(dispatch(cli))
}

async fn dispatch(cli: Cli) -> Result<(), Error> {
    let config = cli.addresses.config.clone();
    let context = cli.addresses.context().map_err(Error::Usage)?;
    let load = |context: Context, flags: SettingsFlags| {
        command::load_settings(context, config.as_deref(), flags.layer)
    };
    match cli.command {
        Command::Run(flags) => {
            let (context, settings) = load(context, *flags)?;
            Box::pin(command::run::run(context, settings)).await
        }
        Command::Plan(flags) => {
            let PlanFlags { output, settings } = *flags;
            let (context, settings) = load(context, settings)?;
            Box::pin(command::plan_command::show(context, settings, output)).await
        }
        Command::Wait(flags) => {
            let (context, settings) = load(context, *flags)?;
            Box::pin(command::wait_command::wait(context, settings)).await
        }
        Command::Check(flags) => {
            let CheckFlags { check, settings } = *flags;
            let (context, settings) = load(context, settings)?;
            Box::pin(command::check::check(context, settings, check)).await
        }
        Command::Undo => command::undo::undo(context).await,
        Command::Token(arguments) => command::token_command::show(context, arguments).await,
        Command::MaxPods(wanted) => command::max_pods::show(context, *wanted).await,
        Command::Limits(Limits::Show(wanted)) => command::limits::show(context, &wanted),
        Command::Limits(Limits::Refresh(wanted)) => command::limits::refresh(context, wanted).await,
    }
}

/// Help and version are results; anything else that clap says is a usage error.
fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion if printed.is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::from(Code::Usage.number()), // clap's own would be 2
    }
}

fn after_help() -> String {
    let mut text = String::from(
        "Example, in a systemd unit before the kubelet's:\n  \
         eni-bootstrap run --cni-prefix-delegation --eni-config-wait 5m\n\n\
         Settings are read from /usr/lib/eni-bootstrap/*.toml, /etc/eni-bootstrap/*.toml,\n\
         /run/eni-bootstrap/*.toml, a Bottlerocket bootstrap container's user data, --config,\n\
         the environment and the flags; the later one wins.\n\n\
         Exit status:\n",
    );
    for code in Code::ALL {
        let _ = writeln!(text, "  {:>2}  {}", code.number(), code.meaning());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
