//! When the faults of a case begin and end.

use std::time::Duration;

use super::case::Case;
use super::inject::Site;
use super::stack::eni_config;

/// The faults of a case in time. The default is no faults.
#[derive(Debug, Default)]
pub struct Schedule {
    is_active: bool,
    /// Indexes of the faults that begin at a request.
    waiting: Vec<usize>,
    ends: Option<Duration>,
    /// When the last fault that waits for a request began.
    began: Duration,
    flaps: Option<Duration>,
    /// The number of changes of a flapping fault so far.
    changes: u32,
    creates: Option<Duration>,
    /// When the first watch was received.
    watched: Option<Duration>,
}

impl Schedule {
    /// Returns the schedule of `case`.
    pub fn of(case: &Case) -> Self {
        let waiting = |it: &usize| case.inject[*it].when.is_some();
        Self {
            is_active: true,
            waiting: (0..case.inject.len()).filter(waiting).collect(),
            ends: case.ends,
            began: Duration::ZERO,
            flaps: case.flaps,
            changes: 0,
            creates: case.eni_config_after,
            watched: None,
        }
    }

    /// Returns whether there are faults.
    pub fn has_faults(&self) -> bool {
        self.is_active
    }

    /// Begins the faults that are present when the agent starts.
    pub fn start(&mut self, case: &Case, site: &mut Site) {
        if self.is_active {
            begin(case, site);
        }
    }

    /// Begins and ends faults, `elapsed` after the start of the agent.
    pub fn advance(&mut self, case: &Case, site: &mut Site, elapsed: Duration) {
        let mut began = self.began;
        self.waiting.retain(|&index| {
            let injection = &case.inject[index];
            let is_due = site.has_received(&injection.on, injection.when.as_deref().unwrap());
            if is_due {
                site.begin(case, injection);
                began = elapsed;
            }
            !is_due
        });
        self.began = began;
        if self.creates.is_some()
            && self.watched.is_none()
            && site.has_received("api", "watch=true")
        {
            self.watched = Some(elapsed);
        }
        if self.creates.zip(self.watched).is_some_and(|(after, since)| elapsed >= since + after) {
            self.creates = None;
            site.stack.api.apply("us-west-2a", eni_config());
        }
        let is_over = self.waiting.is_empty() && self.ends.is_some_and(|at| elapsed >= began + at);
        if is_over {
            (self.ends, self.flaps) = (None, None);
            site.end(case);
        }
        if let Some(period) = self.flaps
            && elapsed >= period * (self.changes + 1)
        {
            self.changes += 1;
            if self.changes % 2 == 1 {
                site.end(case);
            } else {
                begin(case, site);
            }
        }
    }
}

fn begin(case: &Case, site: &mut Site) {
    for injection in case.inject.iter().filter(|it| it.when.is_none()) {
        site.begin(case, injection);
    }
}
