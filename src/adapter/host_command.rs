//! Runs commands of the host, such as `snap`, each with a timeout.

use crate::adapter::{Deadline, Transient, retry};
use eni_core::failure::{Advice, ExitCode};
use eni_core::host::{HostCommand, SnapOption};
use std::borrow::Cow;
use std::io;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;
use tokio::time::timeout;

/// The limit for retries of `snap get` and `snap set`. snapd restarts when it refreshes itself.
const SNAP_RETRY: Duration = Duration::from_secs(30);
/// Parts of the errors of `snap` while snapd is busy: another change, a restart, and the first minutes of the
/// first boot.
///
/// Source: `ChangeConflictError` in `overlord/snapstate/conflict.go`, `ConnectionError` in `client/client.go`,
/// and `overlord/snapstate/snapstate.go`, canonical/snapd.
const SNAPD_BUSY: [&str; 3] =
    ["in progress", "cannot communicate with server", "too early for operation"];

/// The size limit of each output of a command, in bytes.
const OUTPUT: u64 = 1 << 20;
/// The maximum length of the standard error output in a message, in characters.
const MOST_STDERR: usize = 1000;
/// The maximum number of lines of the standard error output in a message.
const MOST_LINES: usize = 10;

/// A failed command.
#[derive(Debug, thiserror::Error)]
#[error("failed to run `{command}`")]
pub struct CommandError {
    /// The command with its arguments.
    command: String,
    /// The help for the operator.
    help: &'static str,
    #[source]
    cause: CommandFailure,
}

/// The reason why a command failed.
#[derive(Debug, thiserror::Error)]
enum CommandFailure {
    #[error(transparent)]
    Start(io::Error),
    #[error("the command did not finish within {}", timeout_text(*.0))]
    TimedOut(Duration),
    #[error("the command printed more than {} MiB", OUTPUT >> 20)]
    TooMuchOutput,
    #[error("{0}")]
    InvalidOutput(&'static str),
    #[error("{status}: {}", stderr.trim())]
    Failed { status: ExitStatus, stderr: String },
}

impl Advice for CommandError {
    fn help(&self) -> Cow<'static, str> {
        self.help.into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::CannotWrite
    }
}

impl Transient for CommandError {
    fn is_transient(&self) -> bool {
        use io::ErrorKind::{NotFound, PermissionDenied};
        match &self.cause {
            CommandFailure::Start(error) => !matches!(error.kind(), NotFound | PermissionDenied),
            CommandFailure::TimedOut(_) | CommandFailure::InvalidOutput(_) => true,
            CommandFailure::TooMuchOutput => false,
            // snapd rejects the user.
            CommandFailure::Failed { stderr, .. } => !stderr.contains("access denied"),
        }
    }
}

/// Runs a command and returns its standard output. Kills the command after its timeout.
pub(crate) async fn run(command: &HostCommand) -> Result<String, CommandError> {
    let HostCommand { program, arguments, deadline, .. } = command;
    let output = output(program, arguments);
    let result = match timeout(*deadline, output).await {
        Err(_) => Err(CommandFailure::TimedOut(*deadline)),
        Ok(Err(failure)) => Err(failure),
        Ok(Ok(Output { status, stdout, .. })) if status.success() => {
            Ok(String::from_utf8_lossy(&stdout).into_owned())
        }
        Ok(Ok(Output { status, stderr, .. })) => {
            let stderr = shortened(&String::from_utf8_lossy(&stderr));
            Err(CommandFailure::Failed { status, stderr })
        }
    };
    result.map_err(|cause| failed(command, cause))
}

/// Returns the error of a command that succeeded with an output that cannot be correct.
pub(crate) fn invalid_output(command: &HostCommand, reason: &'static str) -> CommandError {
    failed(command, CommandFailure::InvalidOutput(reason))
}

fn failed(command: &HostCommand, cause: CommandFailure) -> CommandError {
    let HostCommand { program, arguments, help, .. } = command;
    CommandError { command: format!("{program} {}", arguments.join(" ")), help, cause }
}

/// Returns the first [`MOST_LINES`] lines, and at most [`MOST_STDERR`] characters.
fn shortened(text: &str) -> String {
    let lines: Vec<&str> = text.trim().lines().collect();
    let mut short = lines[..lines.len().min(MOST_LINES)].join("\n");
    if let Some((end, _)) = short.char_indices().nth(MOST_STDERR) {
        short.truncate(end);
    }
    if short.len() < text.trim().len() {
        short.push('…');
    }
    short
}

/// Returns a timeout for a message, in whole seconds if it is at least one second.
fn timeout_text(timeout: Duration) -> humantime::FormattedDuration {
    let seconds = (timeout + Duration::from_millis(500)).as_secs();
    let is_long = timeout >= Duration::from_secs(1);
    humantime::format_duration(if is_long { Duration::from_secs(seconds) } else { timeout })
}

/// Runs a program to its end. Stops it if its output exceeds [`OUTPUT`].
async fn output(program: &str, arguments: &[String]) -> Result<Output, CommandFailure> {
    let mut child = Command::new(program)
        .args(arguments)
        // `systemctl` would notify systemd in the name of this unit.
        .env_remove("NOTIFY_SOCKET")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(CommandFailure::Start)?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (stdout, stderr) = tokio::try_join!(limited(stdout), limited(stderr))?;
    let status = child.wait().await.map_err(CommandFailure::Start)?;
    Ok(Output { status, stdout, stderr })
}

/// Reads a pipe to its end.
async fn limited(pipe: Option<impl AsyncRead + Unpin>) -> Result<Vec<u8>, CommandFailure> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(OUTPUT + 1).read_to_end(&mut bytes).await.map_err(CommandFailure::Start)?;
    }
    let is_complete = u64::try_from(bytes.len()).is_ok_and(|length| length <= OUTPUT);
    if is_complete { Ok(bytes) } else { Err(CommandFailure::TooMuchOutput) }
}

/// Returns the value of a snap option; empty if it is not set. Retries a failed command.
pub(crate) async fn snap_option(option: SnapOption) -> Result<String, CommandError> {
    let deadline = Deadline::after(SNAP_RETRY);
    retry("host", deadline, async || read_snap_option(option, deadline).await).await
}

/// A failure to set a snap option. A retry may succeed only if snapd was busy: each other attempt runs the configure
/// hook of the snap, which may restart the kubelet.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
struct SnapSetError(CommandError);

impl Transient for SnapSetError {
    fn is_transient(&self) -> bool {
        let CommandFailure::Failed { stderr, .. } = &self.0.cause else { return false };
        SNAPD_BUSY.iter().any(|busy| stderr.contains(busy))
    }
}

/// Runs `snap set`. Retries while snapd is busy. An attempt that has started keeps its complete time.
pub(crate) async fn run_snap_set(command: &HostCommand) -> Result<(), CommandError> {
    let deadline = Deadline::after(SNAP_RETRY);
    let set = retry("apply", deadline, async || run(command).await.map_err(SnapSetError));
    set.await.map(drop).map_err(|SnapSetError(error)| error)
}

async fn read_snap_option(option: SnapOption, deadline: Deadline) -> Result<String, CommandError> {
    let SnapOption { snap, key } = option;
    let help = "run eni-bootstrap as root on the node, and check `systemctl status snapd`";
    let mut command = HostCommand::snap(["get", snap, key], help);
    command.deadline = deadline.at_most(command.deadline);
    match run(&command).await {
        Ok(value) => Ok(value.trim().to_owned()),
        Err(CommandError { cause: CommandFailure::Failed { stderr, .. }, .. })
            if stderr.contains(&format!("no \"{key}\" configuration")) =>
        {
            Ok(String::new())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::failure::report;
    use std::os::unix::process::ExitStatusExt as _;

    fn command(program: &'static str, arguments: &[&str], deadline: Duration) -> HostCommand {
        let arguments = arguments.iter().map(|&it| it.to_owned()).collect();
        HostCommand { program: program.into(), arguments, deadline, help: "check `it`" }
    }

    #[tokio::test]
    async fn a_command_returns_its_output_or_its_failure_with_the_cause() {
        let minute = Duration::from_mins(1);
        assert_eq!(run(&command("echo", &["a", "b"], minute)).await.unwrap(), "a b\n");
        for (command, expected) in [
            (
                command("no-such-program", &["get"], minute),
                "error: failed to run `no-such-program get`\n  caused by: No such file or directory (os error 2)\n  help: check `it`",
            ),
            (
                command("sh", &["-c", "echo broken >&2; exit 3"], minute),
                "error: failed to run `sh -c echo broken >&2; exit 3`\n  caused by: exit status: 3: broken\n  help: check `it`",
            ),
            (
                command("sleep", &["600"], Duration::from_millis(50)),
                "error: failed to run `sleep 600`\n  caused by: the command did not finish within 50ms\n  help: check `it`",
            ),
        ] {
            let error = run(&command).await.unwrap_err();
            assert_eq!(
                (report(&error).as_str(), error.exit_code()),
                (expected, ExitCode::CannotWrite)
            );
        }
    }

    #[tokio::test]
    async fn only_a_failure_that_may_be_temporary_is_retried() {
        let failure = async |program: &'static str, arguments: &[&str]| {
            let is_slow = program == "sleep";
            let deadline = Duration::from_millis(if is_slow { 50 } else { 60_000 });
            run(&command(program, arguments, deadline)).await.unwrap_err()
        };
        for (error, expected) in [
            (failure("sh", &["-c", "echo 'error: cannot communicate' >&2; exit 1"]).await, true),
            (failure("sleep", &["600"]).await, true),
            (failure("sh", &["-c", "echo 'error: access denied' >&2; exit 1"]).await, false),
            (failure("no-such-program", &[]).await, false),
            (failure("/", &[]).await, false),
        ] {
            assert_eq!(error.is_transient(), expected, "{error:?}");
        }
    }

    #[test]
    fn snap_set_is_retried_only_while_snapd_is_busy() {
        let transient = |stderr: &str| {
            let (status, stderr) = (ExitStatus::from_raw(256), stderr.to_owned());
            let cause = CommandFailure::Failed { status, stderr };
            SnapSetError(CommandError { command: "snap set".to_owned(), help: "", cause })
                .is_transient()
        };
        assert!(transient("error: snap \"kubelet-eks\" has \"auto-refresh\" change in progress"));
        assert!(transient("error: snap \"kubelet-eks\" has changes in progress"));
        assert!(transient(
            "error: cannot communicate with server: Put \"http://localhost/v2/snaps/kubelet-eks/conf\": dial unix /run/snapd.socket: connect: connection refused"
        ));
        assert!(transient(
            "error: too early for operation, device not yet seeded or device model not acknowledged"
        ));
        assert!(!transient(
            "error: cannot perform the following tasks:\n- Run configure hook of \"kubelet-eks\" snap (exit status 1)"
        ));
        assert!(!transient("error: access denied (try with sudo)"));
    }
}
