//! systemd: notifications while the unit of eni-bootstrap starts, and the units that it has loaded.

use crate::adapter::host_command::{self, CommandError};
use eni_core::host::{HostCommand, LoadedUnit, PROPERTIES};
use sd_notify::NotifyState;
use std::path::Path;
use std::time::Duration;
use tracing::debug;

/// Sets the status line of `systemctl status`, and extends the start timeout to `more` from now, even beyond
/// `TimeoutStartSec`. Does nothing outside a unit.
pub(crate) fn status(text: &str, more: Duration) {
    let more = u32::try_from(more.as_micros()).unwrap_or(u32::MAX);
    let notified =
        sd_notify::notify(&[NotifyState::Status(text), NotifyState::ExtendTimeoutUsec(more)]);
    if let Err(error) = notified {
        // The log has the same text; a missing status line must not end the boot.
        debug!("systemd: failed to set the status line: {error}");
    }
}

/// The directory that exists on a system that systemd started.
///
/// Source: `sd_booted(3)`.
const BOOTED: &str = "/run/systemd/system";
/// The timeout of `systemctl daemon-reload` and `systemctl show`.
const SYSTEMCTL_TIMEOUT: Duration = Duration::from_secs(20);

/// Returns whether a running systemd reads the units below `root`.
pub(crate) fn manages(root: &Path) -> bool {
    root == Path::new("/") && Path::new(BOOTED).exists()
}

/// Runs `systemctl daemon-reload`.
pub(crate) async fn daemon_reload() -> Result<(), CommandError> {
    systemctl(&["daemon-reload"]).await.map(drop)
}

/// Returns a unit as systemd has loaded it.
pub(crate) async fn show(unit: &str) -> Result<LoadedUnit, CommandError> {
    let output = systemctl(&["show", "-p", PROPERTIES, unit]).await?;
    Ok(LoadedUnit::parse(&output))
}

async fn systemctl(arguments: &[&str]) -> Result<String, CommandError> {
    let command = HostCommand {
        program: "systemctl",
        arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
        deadline: SYSTEMCTL_TIMEOUT,
        help: "check `systemctl status`; the files are already written",
    };
    host_command::run(&command).await
}
