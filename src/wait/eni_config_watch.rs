//! The ENIConfig: one GET, which is the common case; then one WATCH, which tells at once. Whatever
//! ends a watch (the server's own time limit, a lost connection, 410, 500), the next GET catches up.

use super::{Awaited, NotReady, Patience, Progress, Reason, until};
use crate::adapter::kubernetes::{ApiServer, EniConfig, Event, Found, KubernetesError};
use crate::adapter::pauses;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use eni_core::domain::eni_config::EniConfigName;
use eni_core::domain::finding::Finding;
use futures::StreamExt as _;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::warn;

/// The longest pause between two requests, where the server cannot be watched.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A watch that lasted this long was a good one: the next pause begins small again.
const GOOD_WATCH: Duration = Duration::from_secs(30);
/// How soon, and then how seldom, an ENIConfig that does not fit is compared with EC2 again: its
/// subnet may be mended without a change of the object. A thousand nodes may be asking.
const AGAIN: (Duration, Duration) = (Duration::from_secs(15), Duration::from_mins(2));

/// The ENIConfig that the CNI will find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// What it says.
    pub eni_config: EniConfig,
    /// What was found when it was looked at.
    pub findings: Vec<Finding>,
    /// How long it took.
    pub waited: Duration,
}

/// Waits until the ENIConfig `name` exists, names a subnet, and `verify` finds nothing that fails.
pub async fn until_ready<V>(
    api: &ApiServer,
    name: &EniConfigName,
    patience: Patience,
    verify: V,
) -> Result<Ready, NotReady>
where
    V: AsyncFn(&EniConfig) -> Vec<Finding>,
{
    let progress = Progress::of(Awaited::EniConfig(name.clone()));
    let wait = Waiting { api, name: name.as_str(), progress: &progress, verify };
    let once = async { wait.ask().await.0 };
    let good = until(&progress, patience, once, wait.attempts()).await?;
    let Good { eni_config, findings } = good;
    Ok(Ready { eni_config, findings, waited: patience.elapsed() })
}

struct Waiting<'a, V> {
    api: &'a ApiServer,
    name: &'a str,
    progress: &'a Progress,
    verify: V,
}

struct Good {
    eni_config: EniConfig,
    findings: Vec<Finding>,
}

impl<V: AsyncFn(&EniConfig) -> Vec<Finding>> Waiting<'_, V> {
    /// GET and WATCH in turn until the ENIConfig is good.
    async fn attempts(&self) -> Good {
        let mut delays = pauses(LONGEST_PAUSE);
        let mut may_watch = true;
        let mut from_version = true;
        loop {
            let (good, found) = self.ask().await;
            if let Some(good) = good {
                return good;
            }
            let answered = !matches!(self.progress.reason(), Reason::Api(_));
            if may_watch && answered {
                let begun = Instant::now();
                let from = found.as_ref().and_then(|found| found.version.as_deref());
                let seen = found.as_ref().map(|found| found.eni_config.clone());
                match self.watch(from.filter(|_| from_version), seen).await {
                    Ok(Some(good)) => return good,
                    Ok(None) => {}
                    // The object is older than what the server remembers: from now on, then.
                    Err(KubernetesError::Expired) => from_version = false,
                    // Not news of the ENIConfig: the last reason stands.
                    Err(KubernetesError::Forbidden(why)) => {
                        warn!("wait: may not watch, asking again and again instead: {why}");
                        may_watch = false;
                    }
                    Err(error) => self.progress.because(Reason::Api(error)),
                }
                if begun.elapsed() >= GOOD_WATCH {
                    delays = pauses(LONGEST_PAUSE);
                }
            }
            sleep(delays.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    /// One GET: the ENIConfig if it is good, and whatever was found.
    async fn ask(&self) -> (Option<Good>, Option<Found>) {
        match self.api.eni_config(self.name).await {
            Ok(Some(found)) => (self.judge(&found.eni_config).await, Some(found)),
            Ok(None) => {
                self.progress.because(Reason::NotThere);
                (None, None)
            }
            Err(error) => {
                self.progress.because(Reason::Api(error));
                (None, None)
            }
        }
    }

    /// One WATCH, to its end. What it last told is compared with EC2 again now and then, as long as
    /// only EC2 stands in the way.
    async fn watch(
        &self,
        from: Option<&str>,
        mut seen: Option<EniConfig>,
    ) -> Result<Option<Good>, KubernetesError> {
        let mut events = self.api.watch(self.name, from).await?;
        let mut again = again();
        loop {
            let unfit = matches!(self.progress.reason(), Reason::Unfit(_));
            let pause = async {
                match (&seen, unfit) {
                    (Some(_), true) => sleep(again.next().unwrap_or(AGAIN.1)).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                event = events.next() => match event.transpose()? {
                    None => return Ok(None),
                    Some(Event::Is(eni_config)) => seen = Some(eni_config),
                    Some(Event::Gone) => {
                        seen = None;
                        self.progress.because(Reason::NotThere);
                    }
                },
                () = pause => {}
            }
            if let Some(eni_config) = &seen
                && let Some(good) = self.judge(eni_config).await
            {
                return Ok(Some(good));
            }
        }
    }

    /// Whether the CNI can use it.
    async fn judge(&self, eni_config: &EniConfig) -> Option<Good> {
        if eni_config.subnet.is_empty() {
            self.progress.because(Reason::NoSubnet);
            return None;
        }
        let findings = (self.verify)(eni_config).await;
        if let Some(fatal) = findings.iter().find(|finding| finding.is_fatal()) {
            self.progress.because(Reason::Unfit(fatal.clone()));
            return None;
        }
        Some(Good { eni_config: eni_config.clone(), findings })
    }
}

fn again() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(AGAIN.0)
        .with_max_delay(AGAIN.1)
        .without_max_times()
        .with_jitter()
        .build()
}
