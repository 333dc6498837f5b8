//! Runs the program, and compares its output with golden files.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The status, stdout and stderr of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunOutput {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Returns the output of a program that succeeds without messages.
pub fn result(stdout: &str) -> RunOutput {
    RunOutput { status: Some(0), stdout: stdout.to_owned(), stderr: String::new() }
}

/// Returns the program with `arguments`, without the kubeconfig and the AWS configuration of the user.
pub fn program<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-eni"));
    command.args(arguments).env_clear().env("HOME", "/nonexistent");
    command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    command
}

/// Runs the program.
pub fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> RunOutput {
    run_output(program(arguments).stdin(Stdio::null()).output().unwrap())
}

/// Returns the exit code of a program whose standard output nobody reads.
pub fn status_with_closed_pipe(mut command: Command) -> Option<i32> {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer).status().unwrap().code()
}

/// Runs the program with `input` on its standard input.
pub fn run_with_input<'a>(arguments: impl IntoIterator<Item = &'a str>, input: &[u8]) -> RunOutput {
    let mut command = program(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    run_output(child.wait_with_output().unwrap())
}

/// Converts the output of a process.
pub fn run_output(output: Output) -> RunOutput {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    RunOutput {
        status: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// Asserts that `tests/golden/NAME` contains `actual`. With the environment variable `UPDATE_GOLDEN`, writes the
/// file first.
pub fn expect_golden(name: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    #[expect(clippy::disallowed_methods, reason = "a switch and files of the tests")]
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, actual).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(actual, expected, "{name}: run with UPDATE_GOLDEN=1 to accept the change");
}
