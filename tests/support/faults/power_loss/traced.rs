//! Commands of eni-bootstrap below strace.

use crate::support::node::{RunOutput, run_output};
use std::borrow::BorrowMut;
use std::path::Path;
use std::process::Command;

/// Returns `command` as a child of strace with `arguments`, which writes the system calls to `log`.
pub fn strace(command: &Command, log: &Path, arguments: &[&str]) -> Command {
    let mut strace = Command::new("/usr/bin/strace");
    strace.args(["-f", "-qq", "-o"]).arg(log).args(arguments);
    strace.arg(command.get_program()).args(command.get_args());
    strace.env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace
}

/// Executes a command to its end.
pub fn execute(mut command: impl BorrowMut<Command>) -> RunOutput {
    run_output(command.borrow_mut().output().unwrap())
}
