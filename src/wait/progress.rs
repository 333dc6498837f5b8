//! Reports the state of a wait to the log and to systemd, when it changes and at intervals.

use super::{WaitReason, WaitTarget, WaitTimeout};
use crate::adapter::{Deadline, systemd};
use eni_core::failure::one_line;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

/// The interval of the reports.
const INTERVAL: Duration = Duration::from_secs(15);
/// The time by which each report extends the start timeout of systemd. Up to three reports in a row may
/// be lost.
const EXTENSION: Duration = Duration::from_mins(1);

/// The target of a wait and the last reason why it is not ready.
pub(super) struct Progress {
    target: WaitTarget,
    /// Whether a failed attempt is followed by another one.
    retries: bool,
    reason: RefCell<WaitReason>,
    /// Whether the API server has responded with a fact about the target.
    answered: Cell<bool>,
}

/// The interval in which a wait checks whether its first attempt has failed.
const FIRST_ATTEMPT_POLL: Duration = Duration::from_millis(50);

impl Progress {
    pub(super) fn new(target: WaitTarget, retries: bool) -> Self {
        let reason = RefCell::new(WaitReason::NoResponse);
        Self { target, retries, reason, answered: Cell::new(false) }
    }

    /// Returns whether the ENIConfig exists but does not fit this node. Its subnet in EC2 may change.
    pub(super) fn does_not_fit(&self) -> bool {
        matches!(*self.reason.borrow(), WaitReason::DoesNotFit(_))
    }

    /// Returns whether the last request to the API server failed.
    pub(super) fn has_failed(&self) -> bool {
        matches!(*self.reason.borrow(), WaitReason::Api(_))
    }

    /// Records that the API server has responded with a fact about the target.
    pub(super) fn mark_answered(&self) {
        self.answered.set(true);
    }

    /// Records the reason and reports a new one, with help unless a retry may be enough.
    pub(super) fn set(&self, reason: WaitReason) {
        if reason.is_answer() {
            self.mark_answered();
        }
        let state = reason.state(&self.target);
        let is_new = self.reason.borrow().state(&self.target) != state;
        if is_new {
            match reason {
                WaitReason::NoResponse | WaitReason::NotFound | WaitReason::NoSubnet => {
                    info!("wait: {state}{}", if self.retries { "; retrying" } else { "" });
                }
                WaitReason::DoesNotFit(_) | WaitReason::Api(_) | WaitReason::AwsNode(_) => {
                    let help = reason.diagnostic(&self.target).help.unwrap_or_default();
                    warn!("wait: {state}; {help}");
                }
            }
            self.notify(&reason, None);
        }
        self.reason.replace(reason);
    }

    /// Reports the state at intervals until the deadline.
    pub(super) async fn report_until(&self, deadline: Deadline) {
        loop {
            let Some(remaining) = deadline.remaining() else {
                sleep(INTERVAL).await;
                self.report("no time limit");
                continue;
            };
            if remaining.is_zero() {
                return;
            }
            sleep(remaining.min(INTERVAL)).await;
            if let Some(left) = deadline.remaining().filter(|left| !left.is_zero()) {
                let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
                self.report(&format!("{left} left"));
            }
        }
    }

    /// Waits until `deadline` has passed without an answer. Never returns after an answer or without a
    /// deadline. If the deadline has passed before the wait, the first attempt may still complete.
    pub(super) async fn unanswered_until(&self, deadline: Option<Deadline>) {
        let Some(remaining) = deadline.and_then(Deadline::remaining) else {
            return std::future::pending().await;
        };
        sleep(remaining).await;
        while remaining.is_zero() && matches!(*self.reason.borrow(), WaitReason::NoResponse) {
            sleep(FIRST_ATTEMPT_POLL).await;
        }
        if self.answered.get() {
            std::future::pending::<()>().await;
        }
    }

    fn report(&self, left: &str) {
        let reason = self.reason.borrow();
        info!("wait: {}; retrying ({left})", reason.state(&self.target));
        self.notify(&reason, Some(left));
    }

    fn notify(&self, reason: &WaitReason, left: Option<&str>) {
        let left = left.map(|left| format!("; {left}")).unwrap_or_default();
        let reason = one_line(reason);
        systemd::status(&format!("Waiting for {}: {reason}{left}", self.target), EXTENSION);
    }

    /// Returns the timeout with the last reason.
    pub(super) fn timeout(&self, limit: Duration) -> WaitTimeout {
        let reason = self.reason.replace(WaitReason::NoResponse);
        let answered = self.answered.get();
        WaitTimeout { target: self.target.clone(), limit, reason, answered }
    }
}
