//! Waits for the cluster: for the configuration of the CNI, then for an ENIConfig that fits this node.

mod answer;
mod cni_config;
mod eni_config_watch;
mod progress;
mod wait_timeout;

pub(crate) use cni_config::until_cni_config;
pub use eni_config_watch::{Ready, until_ready};
pub use wait_timeout::{WaitReason, WaitTarget, WaitTimeout};

use crate::adapter::Deadline;
use eni_core::settings::Wait;
use progress::Progress;
use std::time::Duration;
use tokio::time::Instant;

/// The longest pause between two requests, before jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The time limit for the cluster, shared by every wait of a command.
#[derive(Clone, Copy, Debug)]
pub struct WaitTimer {
    wait: Wait,
    started: Instant,
    deadline: Deadline,
    fallback: Option<Deadline>,
}

impl WaitTimer {
    /// Starts the time limit now.
    #[must_use]
    pub fn start(wait: Wait) -> Self {
        let deadline = match wait {
            Wait::Once => Deadline::after(Duration::ZERO),
            Wait::For(time) => Deadline::after(time),
            Wait::Forever => Deadline::never(),
        };
        Self { wait, started: Instant::now(), deadline, fallback: None }
    }

    /// Ends a wait after `time` from now if the API server has not responded, so that the caller can use
    /// recorded values.
    #[must_use]
    pub(crate) fn with_fallback(self, time: Option<Duration>) -> Self {
        Self { fallback: time.map(Deadline::after), ..self }
    }

    /// Returns the time left for a request of at most `most`.
    #[must_use]
    pub(crate) fn at_most(&self, most: Duration) -> Deadline {
        match self.wait {
            Wait::Once => Deadline::after(most),
            Wait::For(_) | Wait::Forever => self.deadline.no_later_than(most),
        }
    }

    /// Returns the time since the start.
    #[must_use]
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Returns the log text for the start of the wait, such as `waiting up to 10m for ENIConfig us-west-2a`.
    #[must_use]
    pub(crate) fn announcement(&self, target: &WaitTarget) -> String {
        match self.wait {
            Wait::Once => format!("checking {target} once"),
            Wait::For(time) => {
                format!("waiting up to {} for {target}", humantime::format_duration(time))
            }
            Wait::Forever => format!("waiting for {target} without a time limit"),
        }
    }

    /// Returns whether a failed attempt is followed by another one.
    fn retries(&self) -> bool {
        self.wait != Wait::Once
    }

    fn limit(&self) -> Duration {
        match self.wait {
            Wait::Once => Duration::ZERO,
            Wait::For(time) => time,
            Wait::Forever => Duration::MAX,
        }
    }
}

/// Awaits `attempts` until the deadline, or until the fallback deadline without a response, or `once` if only one attempt is allowed. Both record in `progress`
/// why the target is not ready.
async fn until<T>(
    progress: &Progress,
    timer: WaitTimer,
    once: impl Future<Output = Option<T>>,
    attempts: impl Future<Output = T>,
) -> Result<T, WaitTimeout> {
    if !timer.retries() {
        return once.await.ok_or_else(|| progress.timeout(timer.limit()));
    }
    tokio::select! {
        done = attempts => Ok(done),
        () = progress.report_until(timer.deadline) => Err(progress.timeout(timer.limit())),
        () = progress.unanswered_until(timer.fallback) => Err(progress.timeout(timer.limit())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_announcement_states_the_time_limit() {
        let target = WaitTarget::EniConfig("us-west-2a".parse().unwrap());
        let announcement = |wait| WaitTimer::start(wait).announcement(&target);
        let ten_minutes = Duration::from_mins(10);
        assert_eq!(
            announcement(Wait::For(ten_minutes)),
            "waiting up to 10m for ENIConfig us-west-2a"
        );
        assert_eq!(announcement(Wait::Once), "checking ENIConfig us-west-2a once");
        assert_eq!(
            announcement(Wait::Forever),
            "waiting for ENIConfig us-west-2a without a time limit"
        );
    }
}
