//! Shell scripts.

use eni_bootstrap_real_parts::program;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// Warnings that do not apply to the commands of a page: `cd` in an interactive shell (SC2164), and variables
/// that an earlier block or the environment sets (SC2154).
const EXCLUDED: &str = "--exclude=SC2164,SC2154";

/// Parses a script with bash and shellcheck. Commands without a shebang are for bash.
pub fn check(text: &str) -> Result<(), String> {
    let is_script = text.starts_with("#!");
    run(Command::new("bash").arg("-n"), text)?;
    let Some(shellcheck) = program("shellcheck", "shellcheck") else { return Ok(()) };
    let mut command = Command::new(shellcheck);
    command.args(["--format=gcc", "--severity=warning", "--norc", EXCLUDED]);
    if !is_script {
        command.arg("--shell=bash");
    }
    run(command.arg("-"), text)
}

/// Runs a program with `input` on its standard input. An error is its output.
pub fn run(command: &mut Command, input: &str) -> Result<(), String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(crate::programs::text(&output)) }
}
