//! Notifications to systemd while the unit of eni-bootstrap starts.

use sd_notify::NotifyState;
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
