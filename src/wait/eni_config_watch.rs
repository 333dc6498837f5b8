//! Waits for an ENIConfig that fits the node: with a GET, which is usually enough, then with a WATCH.
//!
//! If a watch ends (its time limit, lost connection, 410, 500), the next GET catches up.

use super::reconnect::{Pauses, next_check_after, random_part};
use super::{Progress, WaitReason, WaitTarget, WaitTimeout, WaitTimer, until};
use crate::adapter::kubernetes::{
    ApiServer, EniConfig, Event, KubernetesError, VersionedEniConfig, Watch,
};
use crate::adapter::pauses_from;
use crate::verify::is_full;
use eni_core::diagnostic::Diagnostic;
use eni_core::domain::eni_config::EniConfigName;
use eni_core::failure::one_line;
use futures::{Stream, StreamExt as _};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::warn;

/// The first pause before another comparison of an ENIConfig with EC2. The subnet can change without a
/// watch event.
const FIRST_RECHECK: Duration = Duration::from_secs(15);
/// The longest pause between comparisons with EC2. A thousand nodes may wait at the same time.
const LONGEST_RECHECK: Duration = Duration::from_mins(2);

/// The result of a successful wait: an ENIConfig that fits this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its subnet and security groups.
    pub eni_config: EniConfig,
    /// The results of its checks, none of them a failure.
    pub diagnostics: Vec<Diagnostic>,
    /// How long the command waited for it.
    pub waited: Duration,
    /// Whether it fitted this node at the first attempt.
    pub at_once: bool,
}

/// Waits until the ENIConfig `name` exists, names a subnet, and `verify` returns no failure. After an event, `verify` is
/// called within `spread`.
pub async fn until_ready<V>(
    api: &ApiServer,
    name: &EniConfigName,
    timer: WaitTimer,
    (spread, verify): (Duration, V),
) -> Result<Ready, WaitTimeout>
where
    V: AsyncFn(&EniConfig) -> Vec<Diagnostic>,
{
    let target = WaitTarget::EniConfig(name.clone());
    let reader = Reader { api, name: name.as_str(), timer, spread, verify };
    let first = async { reader.get(|| ()).await.map(|fitting| (fitting, true)) };
    let fitting = until(target, (timer, api.recorder()), first, async |progress, current| {
        Some((Watcher { reader: &reader, progress }.attempts(current).await, false))
    });
    let (Fitting { eni_config, diagnostics }, at_once) = fitting.await?;
    Ok(Ready { eni_config, diagnostics, waited: timer.elapsed(), at_once })
}

/// Reads the ENIConfig and compares it with this node.
struct Reader<'a, V> {
    api: &'a ApiServer,
    name: &'a str,
    timer: WaitTimer,
    /// The time over which the nodes of a cluster send the requests of `verify` after an event.
    spread: Duration,
    verify: V,
}

/// Waits for the ENIConfig after the first GET.
struct Watcher<'a, V> {
    reader: &'a Reader<'a, V>,
    progress: &'a Progress,
}

/// What determines the next request.
struct NextRequest {
    permission: WatchPermission,
    /// Whether the next watch starts at the version of the ENIConfig.
    from_version: bool,
    /// Whether the ENIConfig did not exist at the last response, so that no GET is needed.
    is_absent: bool,
}

impl NextRequest {
    fn new(is_absent: bool) -> Self {
        Self { permission: WatchPermission::Unknown, from_version: true, is_absent }
    }

    fn may_watch(&self) -> bool {
        self.permission != WatchPermission::Denied
    }
}

/// Whether the node may watch ENIConfigs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WatchPermission {
    /// The API server has not accepted a watch yet.
    Unknown,
    /// The API server has accepted a watch.
    Granted,
    Denied,
}

struct Fitting {
    eni_config: EniConfig,
    diagnostics: Vec<Diagnostic>,
}

/// The reason why the ENIConfig is not ready, and its current state if it exists.
type NotReady = (WaitReason, Option<VersionedEniConfig>);

impl<V: AsyncFn(&EniConfig) -> Vec<Diagnostic>> Reader<'_, V> {
    /// Reads the ENIConfig once, and returns it if it fits this node. Calls `answered` before the
    /// comparison, which may take longer.
    async fn get(&self, answered: impl Fn()) -> Result<Fitting, NotReady> {
        let response = self.timer.request(Box::pin(self.api.eni_config(self.name))).await;
        if response.is_ok() {
            answered();
        }
        match response {
            Ok(Some(current)) => match self.check(&current.eni_config).await {
                Ok(fitting) => Ok(fitting),
                Err(reason) => Err((reason, Some(current))),
            },
            Ok(None) => Err((WaitReason::NotFound, None)),
            Err(error) => Err((WaitReason::Api(error), None)),
        }
    }

    /// Returns the ENIConfig if it names a subnet and fits this node.
    async fn check(&self, eni_config: &EniConfig) -> Result<Fitting, WaitReason> {
        if eni_config.subnet.is_empty() {
            return Err(WaitReason::NoSubnet);
        }
        let diagnostics = (self.verify)(eni_config).await;
        match diagnostics.iter().find(|it| it.is_failure()) {
            Some(failure) if self.timer.ends_if_full && is_full(failure, &diagnostics) => {
                Err(WaitReason::SubnetFull(failure.clone()))
            }
            Some(failure) => Err(WaitReason::DoesNotFit(failure.clone())),
            None => Ok(Fitting { eni_config: eni_config.clone(), diagnostics }),
        }
    }
}

impl<V: AsyncFn(&EniConfig) -> Vec<Diagnostic>> Watcher<'_, V> {
    /// Alternates between WATCH and GET until the ENIConfig fits. `current` is the result of the last
    /// GET.
    ///
    /// If the ENIConfig does not exist, each further request is a WATCH: without a version, the API server
    /// first sends the current state. A GET would double the requests of many nodes that connect again.
    async fn attempts(&self, mut current: Option<VersionedEniConfig>) -> Fitting {
        let mut pauses = Pauses::new();
        let mut next = NextRequest::new(self.progress.is_absent());
        loop {
            let mut pause = None;
            if next.may_watch() && (next.is_absent || !self.progress.has_failed()) {
                let mut state = current.as_ref().map(|it| it.eni_config.clone());
                let version = current.as_ref().and_then(|current| current.version.as_deref());
                let version = version.filter(|_| next.from_version);
                let ended = match self.reader.api.watch(self.reader.name, version).await {
                    Ok(watch) => {
                        next.permission = WatchPermission::Granted;
                        if next.is_absent {
                            self.progress.set_not_found_again();
                        }
                        let (start, time_limit) = (Instant::now(), watch.time_limit);
                        let ended = self.follow(watch, &mut state).await;
                        next.is_absent = state.is_none();
                        let limit = ended.is_ok().then_some(time_limit);
                        pause = Some(pauses.after_watch(start.elapsed(), limit));
                        ended
                    }
                    Err(error) => Err(error),
                };
                match ended {
                    Ok(Some(fitting)) => return fitting,
                    Ok(None) => {}
                    Err(error) => self.after_error(error, &mut next),
                }
            }
            sleep(pause.unwrap_or_else(|| pauses.next())).await;
            if next.is_absent {
                current = None;
                continue;
            }
            match self.reader.get(|| self.progress.mark_answered()).await {
                Ok(fitting) => return fitting,
                Err((reason, state)) => {
                    self.progress.set(reason);
                    next.is_absent = next.may_watch() && self.progress.is_absent();
                    current = state;
                }
            }
        }
    }

    /// Records the error of a watch.
    fn after_error(&self, error: KubernetesError, next: &mut NextRequest) {
        match error {
            // The server no longer has this version: watch from the current state.
            KubernetesError::Expired => next.from_version = false,
            // Watches were permitted before: a starting API server may not have loaded the permissions.
            KubernetesError::Forbidden(_) if next.permission == WatchPermission::Granted => {
                next.is_absent = false;
                self.progress.set(WaitReason::Api(error));
            }
            // The state of the ENIConfig is still known, so the last reason stays.
            KubernetesError::Forbidden(_) => {
                let error = one_line(&error);
                warn!("wait: failed to watch ENIConfigs, falling back to polling: {error}");
                (next.permission, next.is_absent) = (WatchPermission::Denied, false);
            }
            error => self.progress.set(WaitReason::Api(error)),
        }
    }

    /// Follows a watch of the ENIConfig until it fits or the watch ends. `last` is its state when the watch
    /// starts, and then that of the last event.
    ///
    /// A new state is compared with EC2 after a random pause of at most `spread`, because every node gets the event at
    /// the same time. The last state is compared again at intervals if only EC2 is the problem.
    async fn follow(
        &self,
        mut watch: Watch<impl Stream<Item = Result<Event, KubernetesError>> + Unpin>,
        last: &mut Option<EniConfig>,
    ) -> Result<Option<Fitting>, KubernetesError> {
        let start = Instant::now();
        let mut rechecks = pauses_from(FIRST_RECHECK, LONGEST_RECHECK);
        let mut recheck = || Instant::now() + rechecks.next().unwrap_or(LONGEST_RECHECK);
        let mut next_check =
            last.as_ref().filter(|_| self.progress.does_not_fit()).map(|_| recheck());
        loop {
            let check = async {
                match next_check {
                    // The resolution of a timer is 1 ms.
                    Some(next_check) if next_check <= Instant::now() => {}
                    Some(next_check) => sleep_until(next_check).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = watch.events.next() => match event.transpose()? {
                    None => return Ok(None),
                    Some(Event::Applied(eni_config)) => {
                        self.progress.mark_answered();
                        // At most half of the time left, so that there is time for the check.
                        let most = self.reader.timer.deadline.at_most(start.elapsed() * 2) / 2;
                        let check = Instant::now() + random_part(most.min(self.reader.spread));
                        next_check = Some(next_check_after(next_check, check));
                        *last = Some(eni_config);
                    }
                    Some(Event::Deleted) => {
                        (next_check, *last) = (None, None);
                        self.progress.set(WaitReason::NotFound);
                    }
                },
                () = check => {
                    next_check = None;
                    let Some(eni_config) = last.as_ref() else { continue };
                    match self.reader.check(eni_config).await {
                        Ok(fitting) => return Ok(Some(fitting)),
                        Err(reason) => self.progress.set(reason),
                    }
                    next_check = self.progress.does_not_fit().then(&mut recheck);
                }
            }
        }
    }
}
