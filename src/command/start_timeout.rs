//! Ends the wait for the cluster before systemd stops the unit.

use crate::adapter::systemd::{self, FixedStartTimeout};
use eni_core::settings::Wait;
use std::time::Duration;
use tokio::time::Instant;
use tracing::warn;

/// The unit that runs `run`.
const UNIT: &str = "eni-bootstrap.service";
/// The time between the end of the wait and the start timeout, in which the run logs its error and exits.
const MARGIN: Duration = Duration::from_secs(30);

/// Returns the start timeout of the unit if this version of systemd does not extend it.
pub(super) async fn fixed() -> Option<FixedStartTimeout> {
    systemd::fixed_start_timeout(UNIT).await
}

/// Returns `wait`, or the longest wait that the start timeout `fixed` allows. Warns if it is shorter. The process
/// started at `started`.
pub(super) fn limited(wait: Wait, fixed: Option<FixedStartTimeout>, started: Instant) -> Wait {
    match fixed {
        Some(fixed) => limit(wait, fixed, started.elapsed()),
        None => wait,
    }
}

fn limit(wait: Wait, fixed: FixedStartTimeout, elapsed: Duration) -> Wait {
    let FixedStartTimeout { version, timeout } = fixed;
    let most = timeout.saturating_sub(MARGIN).saturating_sub(elapsed);
    let most = Duration::from_secs(most.as_secs());
    if matches!(wait, Wait::Once) || matches!(wait, Wait::For(time) if time <= most) {
        return wait;
    }
    let limited = if most.is_zero() { Wait::Once } else { Wait::For(most) };
    let timeout = humantime::format_duration(timeout);
    warn!(
        "wait: systemd {version} stops {UNIT} after {timeout}; reducing eni-config.wait from {wait} to {limited}; to wait longer, raise TimeoutStartSec= with `systemctl edit eni-bootstrap`"
    );
    limited
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_timeout_that_systemd_does_not_extend_limits_the_wait() {
        let fixed = FixedStartTimeout { version: 219, timeout: Duration::from_mins(13) };
        let limit = |wait| limit(wait, fixed, Duration::from_secs(90));
        let ten_minutes = Wait::For(Duration::from_mins(10));
        assert_eq!(limit(ten_minutes), ten_minutes);
        assert_eq!(limit(Wait::Once), Wait::Once);
        let most = Wait::For(Duration::from_mins(11));
        assert_eq!(limit(Wait::For(Duration::from_mins(30))), most);
        assert_eq!(limit(Wait::Forever), most);
        let short = FixedStartTimeout { version: 219, timeout: Duration::from_secs(20) };
        assert_eq!(super::limit(ten_minutes, short, Duration::ZERO), Wait::Once);
    }
}
