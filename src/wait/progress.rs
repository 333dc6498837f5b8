//! How a wait stands: said when it changes, and every now and then, to the log and to systemd.

use super::wait_timeout::help;
use super::{Awaited, NotReady, Reason};
use crate::adapter::{Deadline, systemd};
use std::cell::RefCell;
use std::time::Duration;
use tokio::time::sleep;
use tracing::{info, warn};

/// How often a wait that goes on says so.
const PROGRESS: Duration = Duration::from_secs(15);
/// What systemd allows from one such line: it may miss three of them.
const ALIVE: Duration = Duration::from_mins(1);

pub(super) struct Progress {
    awaited: Awaited,
    reason: RefCell<Reason>,
}

impl Progress {
    pub(super) fn of(awaited: Awaited) -> Self {
        Self { awaited, reason: RefCell::new(Reason::Unknown) }
    }

    /// The reason as it stands.
    pub(super) fn reason(&self) -> Reason {
        self.reason.borrow().clone()
    }

    /// Keeps the reason, and says it once when it is new, with what to do where somebody must act.
    pub(super) fn because(&self, reason: Reason) {
        if *self.reason.borrow() == reason {
            return;
        }
        let awaited = &self.awaited;
        match reason {
            Reason::Unknown | Reason::NotThere | Reason::NoSubnet => {
                info!("wait: {awaited}: {reason}");
            }
            Reason::Unfit(_) | Reason::Api(_) | Reason::AwsNode(_) => {
                warn!("wait: {awaited}: {reason}; {}", help(awaited, &reason));
            }
        }
        systemd::status(&format!("Waiting for {awaited}: {reason}"), ALIVE);
        *self.reason.borrow_mut() = reason;
    }

    /// Says now and then how things stand; ends at the deadline.
    pub(super) async fn tell(&self, deadline: Deadline) {
        loop {
            let Some(remaining) = deadline.remaining() else {
                sleep(PROGRESS).await;
                self.stands("waiting for ever");
                continue;
            };
            if remaining.is_zero() {
                return;
            }
            sleep(remaining.min(PROGRESS)).await;
            if let Some(left) = deadline.remaining().filter(|left| !left.is_zero()) {
                let left = humantime::format_duration(Duration::from_secs(left.as_secs()));
                self.stands(&format!("{left} left"));
            }
        }
    }

    fn stands(&self, left: &str) {
        let (awaited, reason) = (&self.awaited, self.reason.borrow());
        info!("wait: {awaited}: {reason}; {left}");
        systemd::status(&format!("Waiting for {awaited}: {reason}; {left}"), ALIVE);
    }

    pub(super) fn not_ready(&self, allowed: Duration) -> NotReady {
        NotReady { awaited: self.awaited.clone(), allowed, reason: self.reason() }
    }
}
