//! What systemd is told while a unit of ours starts: one line for `systemctl status`, and that the
//! start goes on. Outside of a unit nobody is told anything.

use sd_notify::NotifyState;
use std::time::Duration;
use tracing::debug;

/// Says how things stand, and that the start is still under way: systemd allows it `more` from now,
/// however short the unit's own `TimeoutStartSec` is.
pub fn status(text: &str, more: Duration) {
    let more = u32::try_from(more.as_micros()).unwrap_or(u32::MAX);
    let told =
        sd_notify::notify(&[NotifyState::Status(text), NotifyState::ExtendTimeoutUsec(more)]);
    if let Err(error) = told {
        // The log has the same words; a status line that cannot be set must not end a boot.
        debug!("systemd could not be told: {error}");
    }
}
