//! Waits for an ENIConfig that fits the node: with a GET, which is usually enough, then with a WATCH.
//!
//! If a watch ends (time limit of the server, lost connection, 410, 500), the next GET catches up.

use super::{LONGEST_PAUSE, Progress, WaitReason, WaitTarget, WaitTimeout, WaitTimer, until};
use crate::adapter::kubernetes::{
    ApiServer, EniConfig, Event, KubernetesError, VersionedEniConfig,
};
use crate::adapter::{pauses, pauses_from};
use eni_core::diagnostic::Diagnostic;
use eni_core::domain::eni_config::EniConfigName;
use eni_core::failure::one_line;
use futures::StreamExt as _;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::warn;

/// After a watch that lasted this long, the pauses start at the shortest one again.
const STABLE_WATCH: Duration = Duration::from_secs(30);
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
}

/// Waits until the ENIConfig `name` exists, names a subnet, and `verify` returns no failure.
pub async fn until_ready<V>(
    api: &ApiServer,
    name: &EniConfigName,
    timer: WaitTimer,
    verify: V,
) -> Result<Ready, WaitTimeout>
where
    V: AsyncFn(&EniConfig) -> Vec<Diagnostic>,
{
    let target = WaitTarget::EniConfig(name.clone());
    let reader = Reader { api, name: name.as_str(), verify };
    let fitting = until(target, timer, reader.get(|| ()), async |progress, current| {
        Some(Watcher { reader: &reader, progress }.attempts(current).await)
    });
    let Fitting { eni_config, diagnostics } = fitting.await?;
    Ok(Ready { eni_config, diagnostics, waited: timer.elapsed() })
}

/// Reads the ENIConfig and compares it with this node.
struct Reader<'a, V> {
    api: &'a ApiServer,
    name: &'a str,
    verify: V,
}

/// Waits for the ENIConfig after the first GET.
struct Watcher<'a, V> {
    reader: &'a Reader<'a, V>,
    progress: &'a Progress,
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
        let response = self.api.eni_config(self.name).await;
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
            Some(failure) => Err(WaitReason::DoesNotFit(failure.clone())),
            None => Ok(Fitting { eni_config: eni_config.clone(), diagnostics }),
        }
    }
}

impl<V: AsyncFn(&EniConfig) -> Vec<Diagnostic>> Watcher<'_, V> {
    /// Alternates between WATCH and GET until the ENIConfig fits. `current` is the result of the last
    /// GET.
    async fn attempts(&self, mut current: Option<VersionedEniConfig>) -> Fitting {
        let mut delays = pauses(LONGEST_PAUSE);
        let mut may_watch = true;
        let mut from_version = true;
        loop {
            if may_watch && !self.progress.has_failed() {
                let start = Instant::now();
                let version = current.as_ref().and_then(|current| current.version.as_deref());
                let eni_config = current.as_ref().map(|current| current.eni_config.clone());
                match self.watch(version.filter(|_| from_version), eni_config).await {
                    Ok(Some(fitting)) => return fitting,
                    Ok(None) => {}
                    // The server no longer has this version: watch from the current state.
                    Err(KubernetesError::Expired) => from_version = false,
                    // The state of the ENIConfig is still known, so the last reason stays.
                    Err(error @ KubernetesError::Forbidden(_)) => {
                        let error = one_line(&error);
                        warn!("wait: failed to watch ENIConfigs, falling back to polling: {error}");
                        may_watch = false;
                    }
                    Err(error) => self.progress.set(WaitReason::Api(error)),
                }
                if start.elapsed() >= STABLE_WATCH {
                    delays = pauses(LONGEST_PAUSE);
                }
            }
            let pause = delays.next().unwrap_or(LONGEST_PAUSE);
            sleep(self.reader.api.pause(pause)).await;
            match self.reader.get(|| self.progress.mark_answered()).await {
                Ok(fitting) => return fitting,
                Err((reason, state)) => {
                    self.progress.set(reason);
                    current = state;
                }
            }
        }
    }

    /// Watches the ENIConfig until it fits or the watch ends.
    ///
    /// The last known state is compared with EC2 again at intervals if only EC2 is the problem.
    async fn watch(
        &self,
        version: Option<&str>,
        mut last: Option<EniConfig>,
    ) -> Result<Option<Fitting>, KubernetesError> {
        let mut events = self.reader.api.watch(self.reader.name, version).await?;
        let mut rechecks = pauses_from(FIRST_RECHECK, LONGEST_RECHECK);
        loop {
            let does_not_fit = self.progress.does_not_fit();
            let pause = async {
                match (&last, does_not_fit) {
                    (Some(_), true) => sleep(rechecks.next().unwrap_or(LONGEST_RECHECK)).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                event = events.next() => match event.transpose()? {
                    None => return Ok(None),
                    Some(Event::Applied(eni_config)) => {
                        self.progress.mark_answered();
                        last = Some(eni_config);
                    }
                    Some(Event::Deleted) => {
                        last = None;
                        self.progress.set(WaitReason::NotFound);
                    }
                },
                () = pause => {}
            }
            if let Some(eni_config) = &last {
                match self.reader.check(eni_config).await {
                    Ok(fitting) => return Ok(Some(fitting)),
                    Err(reason) => self.progress.set(reason),
                }
            }
        }
    }
}
