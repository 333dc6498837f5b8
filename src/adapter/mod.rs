//! The only code that talks to anything. Each adapter is handed its address.

pub mod aws;
pub mod bottlerocket_api;
pub mod bottlerocket_commit;
pub mod command;
pub mod disk;
pub mod dns;
pub mod ec2;
pub mod eks;
pub mod hardware;
pub mod image_files;
pub mod imds;
pub mod kubernetes;
pub mod proxy;
pub mod systemd;
pub mod token;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use eni_core::domain::limits::Table;
use eni_core::domain::zone::Region;
use proxy::Proxy;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;
use tracing::{info, warn};

/// Where everything is: injected, so that a node, the tests, the demo and a private endpoint are
/// all the same to the code below.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// The instance metadata service, such as `http://169.254.169.254`.
    pub imds: String,
    /// EC2's API; `None` is the region's own.
    pub ec2: Option<String>,
    /// EKS's API; `None` is the region's own.
    pub eks: Option<String>,
    /// Where AWS's APIs are asked; `None` is the instance's own region.
    pub region: Option<Region>,
    /// Through which AWS and the cluster are reached; `None` is directly.
    pub proxy: Option<Proxy>,
    /// The machine's files: `/` on a node.
    pub root: PathBuf,
    /// The table of instance types: the embedded one, and an override file's.
    pub table: Table,
}

impl Endpoints {
    /// Where AWS's APIs are asked, by an instance in `own`.
    #[must_use]
    pub fn region<'a>(&'a self, own: &'a Region) -> &'a Region {
        self.region.as_ref().unwrap_or(own)
    }
}

/// The moment at which something must have happened. Handed down, so that nested waits cannot add
/// up to more than was allowed.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// `time` from now.
    #[must_use]
    pub fn after(time: Duration) -> Self {
        // A time too long for the clock is as good as none.
        Self(Instant::now().checked_add(time))
    }

    /// Never.
    #[must_use]
    pub fn never() -> Self {
        Self(None)
    }

    /// How long until then; `None` is for ever.
    #[must_use]
    pub fn remaining(self) -> Option<Duration> {
        self.0.map(|then| then.saturating_duration_since(Instant::now()))
    }

    /// The shorter of `most` and what remains.
    #[must_use]
    pub fn at_most(self, most: Duration) -> Duration {
        self.remaining().map_or(most, |remaining| remaining.min(most))
    }

    /// Whether a pause of `pause` ends before then.
    #[must_use]
    pub fn allows(self, pause: Duration) -> bool {
        self.remaining().is_none_or(|remaining| pause < remaining)
    }
}

/// An error of which some cases pass by themselves.
pub trait Transient {
    /// Whether asking again later can help.
    fn is_transient(&self) -> bool;

    /// Whether it is to be expected at first, so that nobody needs a warning.
    fn is_usual(&self) -> bool {
        false
    }
}

/// The first pause between two attempts; each next one is about twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest in [`retry`], before jitter, which at most doubles it: a network that comes up late
/// is noticed soon enough.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The pauses between attempts at anything: each about twice the one before, up to `longest`, with
/// jitter, because a thousand nodes boot at once.
#[must_use]
pub fn pauses(longest: Duration) -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(longest)
        .without_max_times()
        .with_jitter()
        .build()
}

/// The one retry loop: again while the error is transient and the deadline allows the pause.
pub async fn retry<T, E, F>(deadline: Deadline, mut operation: F) -> Result<T, E>
where
    E: Transient + std::error::Error,
    F: AsyncFnMut() -> Result<T, E>,
{
    let mut pauses = pauses(LONGEST_PAUSE);
    loop {
        let error = match operation().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        if !error.is_transient() || !deadline.allows(pause) {
            return Err(error);
        }
        let line = format!("{}; asking again in {:.1} s", chain(&error), pause.as_secs_f32());
        if error.is_usual() {
            info!("{line}");
        } else {
            warn!("{line}");
        }
        tokio::time::sleep(pause).await;
    }
}

/// An error and its sources on one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(why) = source {
        let why_text = why.to_string();
        // Several libraries repeat their source in their own text.
        if !text.ends_with(&why_text) {
            text.push_str(": ");
            text.push_str(&why_text);
        }
        source = why.source();
    }
    // A log line is a line, whatever a library says.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
