//! `retry`: starts the kubelet again after `run` has failed, with growing pauses. The unit
//! `eni-bootstrap-retry.service` runs it.
//!
//! The unit of the kubelet requires `eni-bootstrap.service`, so systemd runs `run` before each attempt.

use crate::adapter::{Context, hardware, pauses_from, systemd};
use crate::error::Error;
use crate::observe;
use eni_core::failure::{ExitCode, one_line};
use eni_core::settings::{RetryLimit, Settings};
use std::path::Path;
use std::time::{Duration, SystemTime};
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// The unit that runs `run`.
const UNIT: &str = "eni-bootstrap.service";
/// The unit that starts the kubelet on Amazon Linux 2023.
const NODEADM_RUN: &str = "nodeadm-run.service";
/// The units that start the kubelet, the most specific first. An image has one or two of them.
const START_UNITS: [&str; 3] = [NODEADM_RUN, "snap.kubelet-eks.daemon.service", "kubelet.service"];
/// The units of the kubelet itself.
const KUBELET_UNITS: [&str; 2] = ["kubelet.service", "snap.kubelet-eks.daemon.service"];
/// The exit codes after which only a change on the node can help.
const NEEDS_CHANGE: [ExitCode; 2] = [ExitCode::Usage, ExitCode::Settings];
/// The interval in which the status line of the unit is updated.
const STATUS_INTERVAL: Duration = Duration::from_secs(15);

/// Starts the kubelet until it works, or until the limit in the settings.
pub(crate) async fn retry(context: Context, settings: Settings) -> Result<(), Error> {
    let retry = &settings.retry;
    let (key, limit) = match retry.first_boot {
        Some(limit) if !has_joined(&context.root) => ("retry.first-boot", limit),
        _ => ("retry.limit", retry.limit()),
    };
    let most = match limit {
        RetryLimit::Off => {
            info!("retry: no attempt, because {key} is \"off\"");
            return Ok(());
        }
        RetryLimit::For(time) => time,
        RetryLimit::Forever => Duration::MAX,
    };
    let longest = retry.longest_pause().into();
    let mut pauses = pauses_from(retry.pause().into(), longest);
    let started = Instant::now();
    for attempt in 1_u32.. {
        let left = most.saturating_sub(started.elapsed());
        if left.is_zero() {
            break;
        }
        let next = pauses.next().unwrap_or(longest).min(longest);
        let pause = if needs_change().await { longest } else { next };
        announce_and_sleep(attempt, pause.min(left)).await;
        if start_kubelet(attempt).await {
            return Ok(());
        }
    }
    Err(Error::RetriesExhausted { limit: most, key })
}

/// Returns whether a run on this instance has succeeded before.
fn has_joined(root: &Path) -> bool {
    let hardware = hardware::identity(root);
    observe::record(root).is_some_and(|record| !record.instance().hardware.differs(&hardware))
}

/// Returns whether the last run failed because of its settings or its command line.
async fn needs_change() -> bool {
    let status = systemd::property(UNIT, "ExecMainStatus").await;
    status.is_some_and(|status| NEEDS_CHANGE.iter().any(|code| code.number().to_string() == status))
}

/// Logs when the next attempt is, and waits until then. The status line of the unit shows the same.
async fn announce_and_sleep(attempt: u32, pause: Duration) {
    let pause = Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
    let time = humantime::format_rfc3339_seconds(SystemTime::now() + pause).to_string();
    let text = |left: Duration| {
        let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
        format!("attempt {attempt} to start the kubelet in {left}, at {time}")
    };
    info!("retry: {}", text(pause));
    let started = Instant::now();
    loop {
        let left = pause.saturating_sub(started.elapsed());
        if left.is_zero() {
            return;
        }
        systemd::status_line(&format!("Next: {}", text(left)));
        sleep(left.min(STATUS_INTERVAL)).await;
    }
}

/// Starts the kubelet's unit. Returns whether it has started or is active.
async fn start_kubelet(attempt: u32) -> bool {
    if let Some(unit) = active_kubelet().await {
        info!("retry: {unit} is already active");
        return true;
    }
    let Some(unit) = start_unit().await else {
        warn!("retry: no kubelet unit found");
        return false;
    };
    info!("retry: attempt {attempt}: systemctl start {unit}");
    systemd::status_line(&format!("Attempt {attempt}: starting {unit}"));
    let Err(error) = systemd::start(unit).await else {
        info!("retry: {unit} started");
        return true;
    };
    if let Some(unit) = active_kubelet().await {
        info!("retry: {unit} is active");
        return true;
    }
    if is(UNIT, "ActiveState", "active").await {
        // The next attempt starts the kubelet without another run.
        let error = one_line(&error);
        warn!("retry: attempt {attempt} failed: {UNIT} is active, but {unit} failed: {error}");
    } else {
        warn!("retry: attempt {attempt} failed; see `journalctl -u eni-bootstrap`");
    }
    false
}

/// Returns the kubelet's unit that is active.
async fn active_kubelet() -> Option<&'static str> {
    for unit in KUBELET_UNITS {
        if is(unit, "ActiveState", "active").await {
            return Some(unit);
        }
    }
    None
}

/// Returns the unit that starts the kubelet on this image.
async fn start_unit() -> Option<&'static str> {
    for unit in START_UNITS {
        // A running nodeadm-run.service has tried to start the kubelet and waits for it without a limit.
        let waits = unit == NODEADM_RUN && is(unit, "ActiveState", "activating").await;
        if !waits && is(unit, "LoadState", "loaded").await {
            return Some(unit);
        }
    }
    None
}

/// Returns whether a property of a unit has this value.
async fn is(unit: &str, property: &str, value: &str) -> bool {
    systemd::property(unit, property).await.is_some_and(|it| it == value)
}
