//! Reports the state of a wait to the log and to systemd, when it changes and at intervals.

use super::{WaitReason, WaitTarget, WaitTimeout};
use crate::adapter::kubernetes::KubernetesError;
use crate::adapter::recorder::{Recorder, WaitStateTimer};
use crate::adapter::{Deadline, systemd};
use eni_core::failure::one_line;
use std::cell::{Cell, RefCell};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::sleep;
use tracing::{info, warn};

/// The interval of the reports.
const INTERVAL: Duration = Duration::from_secs(15);
/// The time by which each report extends the start timeout of systemd. Up to three reports in a row may
/// be lost.
const EXTENSION: Duration = Duration::from_mins(1);

/// Reports at intervals that there is no response for `target` yet, until `attempt` completes.
pub(super) async fn report_during<T>(target: &WaitTarget, attempt: impl Future<Output = T>) -> T {
    let reports = async {
        loop {
            sleep(INTERVAL).await;
            info!("wait: no response yet for {target}");
            systemd::status(&format!("Waiting for {target}: no response yet"), EXTENSION);
        }
    };
    tokio::select! {
        done = attempt => done,
        never = reports => never,
    }
}

/// The target of a wait and the last reason why it is not ready.
pub(super) struct Progress {
    target: WaitTarget,
    reason: RefCell<WaitReason>,
    /// Whether the API server has responded with a fact about the target.
    answered: Cell<bool>,
    /// Is notified when the wait ends at a reason of a further attempt.
    ended: Notify,
    recorder: Recorder,
    /// The recorded state.
    state: RefCell<WaitStateTimer>,
}

impl Progress {
    /// Reports the reason of the first attempt, and whether further attempts follow.
    pub(super) fn new(
        target: WaitTarget,
        reason: WaitReason,
        retries: bool,
        recorder: Recorder,
    ) -> Self {
        let state = recorder.wait(&target, reason.state(&target));
        let progress = Self {
            target,
            recorder,
            state: RefCell::new(state),
            answered: Cell::new(reason.is_answer()),
            reason: RefCell::new(reason),
            ended: Notify::new(),
        };
        progress.report_new(&progress.reason.borrow(), retries);
        progress
    }

    /// Returns whether the ENIConfig exists but does not fit this node. Its subnet in EC2 may change.
    pub(super) fn does_not_fit(&self) -> bool {
        matches!(*self.reason.borrow(), WaitReason::DoesNotFit(_))
    }

    /// Returns whether the ENIConfig does not exist.
    pub(super) fn is_absent(&self) -> bool {
        matches!(*self.reason.borrow(), WaitReason::NotFound)
    }

    /// Returns whether the last request to the API server failed.
    pub(super) fn has_failed(&self) -> bool {
        matches!(*self.reason.borrow(), WaitReason::Api(_))
    }

    /// Records that the API server has responded with a fact about the target.
    pub(super) fn mark_answered(&self) {
        self.answered.set(true);
    }

    /// Records the reason of a further attempt, and reports a new one. If the end of the wait interrupted the
    /// attempt, the previous reason stays, because it is more specific.
    pub(super) fn set(&self, reason: WaitReason) {
        if matches!(reason, WaitReason::Api(KubernetesError::WaitEnded)) {
            return;
        }
        if reason.is_answer() {
            self.mark_answered();
        }
        if self.record(&reason) {
            self.report_new(&reason, true);
        }
        if reason.is_permanent() {
            self.ended.notify_one();
        }
        self.reason.replace(reason);
    }

    /// Returns whether `reason` is a new state. Then records its start.
    fn record(&self, reason: &WaitReason) -> bool {
        let state = reason.state(&self.target);
        if self.reason.borrow().state(&self.target) == state {
            return false;
        }
        // The previous state ends first.
        drop(self.state.replace(WaitStateTimer::default()));
        self.state.replace(self.recorder.wait(&self.target, state));
        true
    }

    /// Waits until a further attempt records a reason that ends the wait.
    pub(super) async fn ended(&self) {
        self.ended.notified().await;
    }

    /// Records that the ENIConfig did not exist at the last response, after a further request has succeeded. Reports
    /// it only at the next interval: the first event of the new watch may show that the ENIConfig exists now.
    pub(super) fn set_not_found_again(&self) {
        self.mark_answered();
        self.record(&WaitReason::NotFound);
        self.reason.replace(WaitReason::NotFound);
    }

    /// Reports a new reason, with help unless a retry may be enough.
    fn report_new(&self, reason: &WaitReason, retries: bool) {
        let state = reason.state(&self.target);
        match reason {
            WaitReason::NotFound | WaitReason::NoSubnet => {
                info!("wait: {state}{}", if retries { "; retrying" } else { "" });
            }
            WaitReason::DoesNotFit(_)
            | WaitReason::SubnetFull(_)
            | WaitReason::Api(_)
            | WaitReason::AwsNode(_) => {
                let help = reason.diagnostic(&self.target).help.unwrap_or_default();
                warn!("wait: {state}; {help}");
            }
        }
        self.notify(reason, None);
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
    /// deadline.
    pub(super) async fn unanswered_until(&self, deadline: Option<Deadline>) {
        let Some(remaining) = deadline.and_then(Deadline::remaining) else {
            return std::future::pending().await;
        };
        sleep(remaining).await;
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
    pub(super) fn timeout(self, limit: Duration) -> WaitTimeout {
        let Self { target, reason, answered, .. } = self;
        WaitTimeout { target, limit, reason: reason.into_inner(), answered: answered.get() }
    }
}
