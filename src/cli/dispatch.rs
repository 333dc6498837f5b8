//! Runs the command of the command line, with a runtime if the command needs one.

use super::deferred::Deferred;
use super::{CheckFlags, Cli, Command, PlanFlags, RunFlags, variables};
use crate::adapter::Context;
use crate::command;
use crate::error::Error;
use eni_core::failure::one_line;
use eni_core::settings::Settings;
use tokio::runtime::{Builder, Runtime};
use tracing::warn;

/// Runs the command of `cli`. Results go to stdout, log lines to stderr.
pub(super) fn run(cli: Cli) -> Result<(), Error> {
    // `run` checks the variables when it loads its settings, so that its result contains the error.
    if !matches!(cli.command, Command::Run(_)) {
        check_variables()?;
    }
    let config = cli.global.config.clone();
    let context = cli.global.context().map_err(Error::Usage)?;
    let load = |context: Context, flags: Settings| {
        command::load_settings(context, config.as_deref(), flags)
    };
    match cli.command {
        Command::Run(flags) => {
            let Deferred(RunFlags { output, settings }) = *flags;
            command::run_result::with_result(
                context,
                |context| {
                    check_variables()?;
                    load(context, settings)
                },
                |context, settings| {
                    block_on(|| command::run::run_until_sigterm(context, settings, output))
                },
            )
        }
        Command::Plan(flags) => {
            let Deferred(PlanFlags { output, settings }) = *flags;
            let (context, settings) = load(context, settings)?;
            block_on(|| command::plan_command::show(context, settings, output))
        }
        Command::Wait(flags) => {
            let (context, settings) = load(context, flags.0)?;
            block_on(|| command::wait_command::wait(context, settings))
        }
        Command::Check(flags) => {
            let Deferred(CheckFlags { check, settings }) = *flags;
            let (context, settings) = load(context, settings)?;
            block_on(|| command::check::check(context, settings, check))
        }
        Command::Report(args) => command::report_command::show(&context.root, &args.0),
        Command::Retry(flags) => {
            let Deferred(flags) = *flags;
            // Settings that `run` rejects must not end the attempts: a person may correct them.
            let (context, settings) = match load(context.clone(), flags.clone()) {
                Ok(loaded) => loaded,
                Err(error) => {
                    warn!("retry: {}; using the defaults of [retry]", one_line(&error));
                    (context, flags)
                }
            };
            block_on(|| command::retry_command::retry(context, settings))
        }
        Command::Undo(args) => block_on(|| command::undo::undo(context, &args.0)),
        Command::Token(args) => block_on(|| command::token_command::show(context, args.0)),
        Command::MaxPods(args) => command::max_pods_command::show(context, &args.0, runtime),
    }
}

/// Checks the names of the environment variables.
fn check_variables() -> Result<(), Error> {
    let names = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    Ok(variables::check(names)?)
}

/// Runs a command that sends requests or has a time limit.
///
/// Not inlined, so that the stack of each command has space for its own future only.
#[inline(never)]
fn block_on<F>(command: impl FnOnce() -> F) -> Result<(), Error>
where
    F: Future<Output = Result<(), Error>>,
{
    runtime()?.block_on(Box::pin(command()))
}

/// Returns a runtime with one thread, because the program mostly waits for responses.
fn runtime() -> Result<Runtime, Error> {
    Builder::new_current_thread().enable_all().build().map_err(Error::Runtime)
}
