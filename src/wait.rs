//! Until the ENIConfig exists and can be used, or the deadline.
//!
//! One GET, which is the common case; then one WATCH, which tells at once. Whatever ends a watch
//! (the server's own time limit, a lost connection, 410, 500), the next GET catches up.

use crate::adapter::kubernetes::{ApiServer, EniConfig, Event, KubernetesError};
use crate::adapter::{Deadline, pauses};
use crate::domain::eni_config::EniConfigName;
use crate::settings::Wait;
use futures::StreamExt as _;
use std::cell::RefCell;
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// How often a wait that goes on says so.
const PROGRESS: Duration = Duration::from_secs(15);
/// The longest pause between two requests, where the server cannot be watched.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// A watch that lasted this long was a good one: the next pause begins small again.
const GOOD_WATCH: Duration = Duration::from_secs(30);

/// Why the node is not ready yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Not asked yet.
    Unknown,
    /// There is no ENIConfig of this name.
    NotThere,
    /// There is one, and it names no subnet.
    NoSubnet,
    /// The API server did not say.
    Api(KubernetesError),
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => formatter.write_str("nobody has been asked yet"),
            Self::NotThere => formatter.write_str("it is not there"),
            Self::NoSubnet => formatter.write_str("it is there, but its spec.subnet is empty"),
            Self::Api(error) => error.fmt(formatter),
        }
    }
}

/// The ENIConfig that the CNI will find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ready {
    /// What it says.
    pub eni_config: EniConfig,
    /// How long it took.
    pub waited: Duration,
}

/// No usable ENIConfig in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ENIConfig {name} was not ready after {}: {reason}", humantime::format_duration(*allowed))]
pub struct NotReady {
    /// Its name.
    pub name: EniConfigName,
    /// How long was waited, to the second.
    pub allowed: Duration,
    /// The last reason.
    pub reason: Reason,
}

/// Waits until the ENIConfig `name` exists and names a subnet.
pub async fn until_ready(
    api: &ApiServer,
    name: &EniConfigName,
    wait: Wait,
) -> Result<Ready, NotReady> {
    let begun = Instant::now();
    let state = State { name, reason: RefCell::new(Reason::Unknown) };
    let not_ready = |allowed| {
        let reason = state.reason.borrow().clone();
        NotReady { name: name.clone(), allowed, reason }
    };
    let ready = |eni_config| Ready { eni_config, waited: begun.elapsed() };
    let (deadline, allowed) = match wait {
        Wait::Once => {
            let found = state.ask(api).await;
            return found.map(ready).ok_or_else(|| not_ready(Duration::ZERO));
        }
        Wait::For(time) => (Deadline::after(time), time),
        Wait::Forever => (Deadline::never(), Duration::MAX),
    };
    tokio::select! {
        eni_config = state.attempts(api) => Ok(ready(eni_config)),
        () = state.tell_progress(deadline) => Err(not_ready(allowed)),
    }
}

struct State<'a> {
    name: &'a EniConfigName,
    reason: RefCell<Reason>,
}

impl State<'_> {
    /// GET and WATCH in turn until the ENIConfig is good.
    async fn attempts(&self, api: &ApiServer) -> EniConfig {
        let mut delays = pauses(LONGEST_PAUSE);
        let mut may_watch = true;
        loop {
            if let Some(eni_config) = self.ask(api).await {
                return eni_config;
            }
            let answered = !matches!(*self.reason.borrow(), Reason::Api(_));
            if may_watch && answered {
                let begun = Instant::now();
                match self.watch(api).await {
                    Ok(Some(eni_config)) => return eni_config,
                    Ok(None) | Err(KubernetesError::Expired) => {}
                    // Not news of the ENIConfig: the last reason stands.
                    Err(KubernetesError::Forbidden(why)) => {
                        warn!("wait: may not watch, asking again and again instead: {why}");
                        may_watch = false;
                    }
                    Err(error) => self.because(Reason::Api(error)),
                }
                if begun.elapsed() >= GOOD_WATCH {
                    delays = pauses(LONGEST_PAUSE);
                }
            }
            sleep(delays.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    /// One GET.
    async fn ask(&self, api: &ApiServer) -> Option<EniConfig> {
        match api.eni_config(self.name.as_str()).await {
            Ok(Some(eni_config)) => self.judge(eni_config),
            Ok(None) => {
                self.because(Reason::NotThere);
                None
            }
            Err(error) => {
                self.because(Reason::Api(error));
                None
            }
        }
    }

    /// One WATCH, to its end.
    async fn watch(&self, api: &ApiServer) -> Result<Option<EniConfig>, KubernetesError> {
        let mut events = api.watch(self.name.as_str()).await?;
        while let Some(event) = events.next().await {
            match event? {
                Event::Is(eni_config) => {
                    if let Some(good) = self.judge(eni_config) {
                        return Ok(Some(good));
                    }
                }
                Event::Gone => self.because(Reason::NotThere),
            }
        }
        Ok(None)
    }

    /// Whether the CNI can use it.
    fn judge(&self, eni_config: EniConfig) -> Option<EniConfig> {
        if eni_config.subnet.is_empty() {
            self.because(Reason::NoSubnet);
            None
        } else {
            Some(eni_config)
        }
    }

    /// Keeps the reason, and says it once when it is new.
    fn because(&self, reason: Reason) {
        if *self.reason.borrow() != reason {
            if let Reason::Api(_) = &reason {
                warn!("wait: ENIConfig {}: {reason}", self.name);
            } else {
                info!("wait: ENIConfig {}: {reason}", self.name);
            }
            *self.reason.borrow_mut() = reason;
        }
    }

    /// Says now and then how things stand; ends at the deadline.
    async fn tell_progress(&self, deadline: Deadline) {
        loop {
            let Some(remaining) = deadline.remaining() else {
                sleep(PROGRESS).await;
                info!("wait: ENIConfig {}: {}; waiting for ever", self.name, self.reason.borrow());
                continue;
            };
            if remaining.is_zero() {
                return;
            }
            sleep(remaining.min(PROGRESS)).await;
            if let Some(left) = deadline.remaining().filter(|left| !left.is_zero()) {
                let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
                info!("wait: ENIConfig {}: {}; {left} left", self.name, self.reason.borrow());
            }
        }
    }
}
