//! Waits for the cluster: for the configuration of the CNI, then for an ENIConfig that fits this node.

mod answer;
mod cni_config;
mod eni_config_watch;
mod progress;
mod reconnect;
mod wait_timeout;

pub(crate) use cni_config::until_cni_config;
pub use eni_config_watch::{Ready, until_ready};
pub use wait_timeout::{WaitReason, WaitTarget, WaitTimeout};

use crate::adapter::kubernetes::KubernetesError;
use crate::adapter::{Deadline, Recorder};
use eni_core::settings::Wait;
use progress::Progress;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The longest pause between two requests, before jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The shortest time for a request. An earlier wait of the command may have used the complete time limit, but
/// an API server that responds must still be asked once.
const SHORTEST_REQUEST: Duration = Duration::from_secs(5);

/// The time limit for the cluster, shared by every wait of a command.
#[derive(Clone, Copy, Debug)]
pub struct WaitTimer {
    wait: Wait,
    started: Instant,
    deadline: Deadline,
    /// Whether the wait ends at a reason that is not transient, such as 403.
    transient_only: bool,
    /// Whether the wait ends if the subnet of the ENIConfig is full.
    ends_if_full: bool,
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
        Self {
            wait,
            started: Instant::now(),
            deadline,
            transient_only: false,
            ends_if_full: false,
            fallback: None,
        }
    }

    /// Ends a wait for the CNI configuration as soon as the cluster must change before a retry can
    /// succeed.
    #[must_use]
    pub(crate) fn transient_only(self) -> Self {
        Self { transient_only: true, ..self }
    }

    /// Ends a wait for an ENIConfig if its subnet has no address for this node, which has none yet.
    #[must_use]
    pub(crate) fn ends_if_full(self, ends_if_full: bool) -> Self {
        Self { ends_if_full, ..self }
    }

    /// Returns whether another attempt follows after `reason`.
    fn retries(&self, reason: &WaitReason) -> bool {
        (!self.transient_only || reason.is_transient()) && !reason.is_permanent()
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

    /// Awaits `request` until the deadline, but at least for [`SHORTEST_REQUEST`]. A single request has its own
    /// time limits, which may be longer.
    async fn request<T, E: From<KubernetesError>>(
        &self,
        request: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let left = match self.wait {
            Wait::Once | Wait::Forever => return request.await,
            Wait::For(_) => self.deadline.at_most(Duration::MAX).max(SHORTEST_REQUEST),
        };
        response_until(sleep(left), request).await
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

    fn limit(&self) -> Duration {
        match self.wait {
            Wait::Once => Duration::ZERO,
            Wait::For(time) => time,
            Wait::Forever => Duration::MAX,
        }
    }
}

/// Awaits `request` until `end`. If the process was stopped during the request, both may be complete; a
/// response that has arrived still counts.
async fn response_until<T, E: From<KubernetesError>>(
    end: impl Future<Output = ()>,
    request: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    tokio::select! {
        biased;
        response = request => response,
        () = end => Err(KubernetesError::WaitEnded.into()),
    }
}

/// Awaits `first`, then `further` attempts until the deadline, or until the fallback deadline if the API
/// server has not responded with a fact about the target.
///
/// The deadline interrupts the requests to the API server of the first attempt (see [`WaitTimer::request`]),
/// but not its checks in EC2, which have their own time limits: a node whose ENIConfig exists must not stay
/// down because EC2 is slow. The first attempt returns why the target is not ready, with a state for the
/// further attempts. These record later reasons in the `Progress`, and return `None` if no attempt follows.
async fn until<T, S>(
    target: WaitTarget,
    (timer, recorder): (WaitTimer, &Recorder),
    first: impl Future<Output = Result<T, (WaitReason, S)>>,
    further: impl AsyncFnOnce(&Progress, S) -> Option<T>,
) -> Result<T, WaitTimeout> {
    let (reason, state) = match progress::report_during(&target, first).await {
        Ok(done) => return Ok(done),
        Err(not_ready) => not_ready,
    };
    let has_time = timer.deadline.remaining().is_none_or(|left| !left.is_zero());
    let retries = timer.retries(&reason);
    let progress = Progress::new(target, reason, has_time && retries, recorder.clone());
    if !retries {
        return Err(progress.timeout(Duration::ZERO));
    }
    if has_time {
        tokio::select! {
            done = further(&progress, state) => {
                return done.ok_or_else(|| progress.timeout(Duration::ZERO));
            }
            () = progress.ended() => return Err(progress.timeout(Duration::ZERO)),
            () = progress.report_until(timer.deadline) => {}
            () = progress.unanswered_until(timer.fallback) => {}
        }
    }
    Err(progress.timeout(timer.limit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, ready};

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
    #[tokio::test]
    async fn a_response_that_has_arrived_at_the_end_of_the_wait_counts() {
        // Without an order, each of the 64 requests would have an equal chance to lose its response.
        for attempt in 0..64 {
            let response = ready(Ok::<_, KubernetesError>(attempt));
            assert_eq!(response_until(ready(()), response).await, Ok(attempt));
        }
    }

    #[tokio::test]
    async fn a_request_without_a_response_ends_with_the_wait() {
        let response = pending::<Result<(), KubernetesError>>();
        let result = response_until(ready(()), response).await;
        assert_eq!(result, Err(KubernetesError::WaitEnded));
    }
}
