//! What systemd is told: while a unit of ours starts, one line for `systemctl status` and that the
//! start goes on; and to read its units again.

use eni_core::error::{Advice, ExitCode};
use sd_notify::NotifyState;
use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::process::Output;
use std::time::Duration;
use tokio::process::Command;
use tracing::debug;

/// systemd did not read its units again.
#[derive(Debug, thiserror::Error)]
pub enum SystemdError {
    /// There is no such command.
    #[error("`systemctl daemon-reload` could not be run")]
    Command(#[source] io::Error),
    /// It ended badly.
    #[error("`systemctl daemon-reload` failed: {0}")]
    Failed(String),
}

impl Advice for SystemdError {
    fn help(&self) -> Cow<'static, str> {
        "look at `systemctl status`; the files themselves are written".into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::CannotWrite
    }
}

/// Says how things stand, and that the start is still under way: systemd allows it `more` from now,
/// however short the unit's own `TimeoutStartSec` is. Outside of a unit nobody is told anything.
pub fn status(text: &str, more: Duration) {
    let more = u32::try_from(more.as_micros()).unwrap_or(u32::MAX);
    let told =
        sd_notify::notify(&[NotifyState::Status(text), NotifyState::ExtendTimeoutUsec(more)]);
    if let Err(error) = told {
        // The log has the same words; a status line that cannot be set must not end a boot.
        debug!("systemd could not be told: {error}");
    }
}

/// Has the running systemd, where there is one, read its units again: the kubelet's is loaded long
/// before we run.
pub async fn daemon_reload() -> Result<(), SystemdError> {
    // Source: sd_booted(3).
    if !Path::new("/run/systemd/system").exists() {
        return Ok(());
    }
    let ended = Command::new("systemctl").arg("daemon-reload").output().await;
    let Output { status, stderr, .. } = ended.map_err(SystemdError::Command)?;
    if status.success() {
        Ok(())
    } else {
        Err(SystemdError::Failed(String::from_utf8_lossy(&stderr).trim().to_owned()))
    }
}
