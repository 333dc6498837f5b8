//! Until the cluster says what this node needs to know, or the deadline: what the CNI is set to, and
//! an ENIConfig that exists and fits.

mod cni_config;
mod eni_config_watch;
mod progress;
mod wait_timeout;

pub use cni_config::until_known;
pub use eni_config_watch::{Ready, until_ready};
pub use wait_timeout::{Awaited, NotReady, Reason};

use crate::adapter::Deadline;
use eni_core::settings::Wait;
use progress::Progress;
use std::time::Duration;
use tokio::time::Instant;

/// How long the cluster may take, from its first question to its last.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    wait: Wait,
    begun: Instant,
    deadline: Deadline,
}

impl Patience {
    /// Begins now.
    #[must_use]
    pub fn begin(wait: Wait) -> Self {
        let deadline = match wait {
            Wait::Once => Deadline::after(Duration::ZERO),
            Wait::For(time) => Deadline::after(time),
            Wait::Forever => Deadline::never(),
        };
        Self { wait, begun: Instant::now(), deadline }
    }

    /// How long it has been.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// For the log.
    #[must_use]
    pub fn limit(&self) -> String {
        match self.wait {
            Wait::Once => "asking once".to_owned(),
            Wait::For(time) => format!("for {} at most", humantime::format_duration(time)),
            Wait::Forever => "for ever".to_owned(),
        }
    }

    fn allowed(&self) -> Duration {
        match self.wait {
            Wait::Once => Duration::ZERO,
            Wait::For(time) => time,
            Wait::Forever => Duration::MAX,
        }
    }
}

/// Runs `once` where one question is all that is allowed, else `attempts` until the deadline. Both
/// tell `progress` why they are not done yet.
async fn until<T>(
    progress: &Progress,
    patience: Patience,
    once: impl Future<Output = Option<T>>,
    attempts: impl Future<Output = T>,
) -> Result<T, NotReady> {
    let not_ready = || progress.not_ready(patience.allowed());
    if patience.wait == Wait::Once {
        return once.await.ok_or_else(not_ready);
    }
    tokio::select! {
        found = attempts => Ok(found),
        () = progress.tell(patience.deadline) => Err(not_ready()),
    }
}
