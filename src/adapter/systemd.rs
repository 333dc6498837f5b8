//! systemd: notifications while a unit of eni-bootstrap starts, the units that systemd has loaded, and their
//! start.

use crate::adapter::Deadline;
use crate::adapter::host_command::{self, CommandError};
use eni_core::failure::one_line;
use eni_core::host::{HostCommand, LoadedUnit, PROPERTIES};
use sd_notify::NotifyState;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::time::Duration;
use tracing::debug;

/// The timeout of a query.
const QUERY_TIMEOUT: Duration = Duration::from_secs(30);
/// The timeout of a start. The units have shorter timeouts, unless eni-config.wait is `forever`.
const START_TIMEOUT: Duration = Duration::from_hours(24);

/// Sets the status line of `systemctl status`, and extends the start timeout to `more` from now, even beyond
/// `TimeoutStartSec`. Does nothing outside a unit.
pub(crate) fn status(text: &str, more: Duration) {
    let more = u32::try_from(more.as_micros()).unwrap_or(u32::MAX);
    notify(&[NotifyState::Status(text), NotifyState::ExtendTimeoutUsec(more)]);
}

/// Sets the status line of `systemctl status`. Does nothing outside a unit.
pub(crate) fn status_line(text: &str) {
    notify(&[NotifyState::Status(text)]);
}

fn notify(state: &[NotifyState<'_>]) {
    if let Err(error) = send(state) {
        // The log has the same text; a missing status line must not end the boot.
        debug!("systemd: failed to set the status line: {error}");
    }
}

/// Sends `state` to systemd. Does not wait if its queue is full: a systemd that does not respond must not stop
/// this process, whose deadlines would then have no effect.
#[expect(clippy::disallowed_methods, reason = "the protocol of sd_notify(3)")]
fn send(state: &[NotifyState<'_>]) -> io::Result<()> {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(&path)?,
    };
    let lines: Vec<String> = state.iter().map(ToString::to_string).collect();
    let message = lines.join("\n") + "\n";
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}

/// The directory that exists on a system that systemd started.
///
/// Source: `sd_booted(3)`.
const BOOTED: &str = "/run/systemd/system";
/// The longest time for one `systemctl daemon-reload` or `systemctl show`.
const LONGEST_COMMAND: Duration = Duration::from_secs(20);
/// The shortest time for one of these commands. After a slow command that succeeded at the end of a time limit,
/// the next one must still be able to succeed.
const SHORTEST_COMMAND: Duration = Duration::from_secs(5);

/// Returns whether a running systemd reads the units below `root`.
pub(crate) fn manages(root: &Path) -> bool {
    root == Path::new("/") && Path::new(BOOTED).exists()
}

/// Runs `systemctl daemon-reload` until `deadline`.
pub(crate) async fn daemon_reload(deadline: Deadline) -> Result<(), CommandError> {
    systemctl(&["daemon-reload"], command_time(deadline)).await.map(drop)
}

/// Returns a unit as systemd has loaded it. Waits for systemd until `deadline`.
pub(crate) async fn show(unit: &str, deadline: Deadline) -> Result<LoadedUnit, CommandError> {
    let command = systemctl_command(&["show", "-p", PROPERTIES, unit], command_time(deadline));
    let output = host_command::run(&command).await?;
    LoadedUnit::parse(&output)
        .ok_or_else(|| host_command::invalid_output(&command, "the output has no LoadState"))
}

fn command_time(deadline: Deadline) -> Duration {
    deadline.at_most(LONGEST_COMMAND).max(SHORTEST_COMMAND)
}

/// Returns a property of a unit; `None` if `systemctl` fails.
pub(crate) async fn property(unit: &str, name: &str) -> Option<String> {
    // systemd 219 has no `--value`.
    let shown = systemctl(&["show", &format!("--property={name}"), unit], QUERY_TIMEOUT).await;
    let shown = shown.inspect_err(|error| debug!("systemd: {}", one_line(error))).ok()?;
    shown.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned)
}

/// Starts a unit, and waits until it has started or failed.
pub(crate) async fn start(unit: &str) -> Result<(), CommandError> {
    systemctl(&["start", unit], START_TIMEOUT).await.map(drop)
}

async fn systemctl(arguments: &[&str], deadline: Duration) -> Result<String, CommandError> {
    host_command::run(&systemctl_command(arguments, deadline)).await
}

fn systemctl_command(arguments: &[&str], deadline: Duration) -> HostCommand {
    let arguments = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let help = "check `systemctl status` and `journalctl -u eni-bootstrap`";
    let program = "systemctl".into();
    HostCommand { program, arguments, deadline, help }
}

/// The first version of systemd that extends the start timeout on request.
///
/// Source: `EXTEND_TIMEOUT_USEC` in NEWS of systemd 236.
const EXTENDS_SINCE: u32 = 236;

/// The start timeout of this process's unit, which this version of systemd does not extend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FixedStartTimeout {
    /// The version of systemd.
    pub version: u32,
    pub timeout: Duration,
}

/// Returns the start timeout of this process's unit; `None` outside a unit, without a timeout, or if systemd
/// extends it.
#[expect(clippy::disallowed_methods, reason = "the variable of sd_notify(3)")]
pub(crate) async fn fixed_start_timeout(unit: &str) -> Option<FixedStartTimeout> {
    std::env::var_os("NOTIFY_SOCKET")?;
    let shown = systemctl(&["show", "--property=Version"], QUERY_TIMEOUT).await;
    let shown = shown.inspect_err(|error| debug!("systemd: {}", one_line(error))).ok()?;
    let version = shown.trim().strip_prefix("Version=")?;
    let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
    let version = digits.parse().ok().filter(|version| *version < EXTENDS_SINCE)?;
    let timeout = humantime::parse_duration(&property(unit, "TimeoutStartUSec").await?).ok()?;
    (!timeout.is_zero()).then_some(FixedStartTimeout { version, timeout })
}
