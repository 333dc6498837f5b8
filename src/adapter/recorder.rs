//! Records the result of a run: its phases, requests and waits, and what the commands note.

use eni_core::host::Outcome as ChangeOutcomeOnNode;
use eni_core::run_result::{
    ChangeOutcome, ChangeResult, Phase, PhaseName, Request, RunResult, Service, WaitState,
};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The most phases, requests and states of waits. A run without a time limit may wait for days. Half of the entries are
/// the first ones, and the others are the last ones.
const MOST: usize = 1000;

/// Records a run. Clones share the record. The default records nothing, for all other commands.
#[derive(Clone, Default)]
pub struct Recorder(Option<Arc<Record>>);

/// Omits the record.
impl fmt::Debug for Recorder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Recorder").finish_non_exhaustive()
    }
}

struct Record {
    start: Instant,
    state: Mutex<State>,
}

struct State {
    result: RunResult,
    /// The number of each entry in `result.requests` and `result.waits`. The numbers ascend.
    requests: Vec<usize>,
    waits: Vec<usize>,
    /// The next number.
    next: usize,
}

impl Recorder {
    /// Starts to record a run, which starts now.
    #[must_use]
    pub(crate) fn start() -> Self {
        let result = RunResult::new(SystemTime::now());
        let state = State { result, requests: Vec::new(), waits: Vec::new(), next: 0 };
        Self(Some(Arc::new(Record { start: Instant::now(), state: Mutex::new(state) })))
    }

    /// Ends the current phase and starts the phase `name`, unless it is the current one.
    pub(crate) fn phase(&self, name: PhaseName) {
        self.update(|state, now| {
            let phases = &mut state.result.phases;
            if phases.last().is_some_and(|phase| phase.name == name) {
                return;
            }
            end_phase(phases, now);
            phases.push(Phase { name, start_us: now, duration_us: 0 });
            if phases.len() > MOST {
                phases.remove(MOST / 2);
            }
        });
    }

    /// Records that a request starts. `operation` must contain no secret, and no query of a URL.
    pub(crate) fn request(
        &self,
        service: Service,
        operation: impl FnOnce() -> String,
    ) -> RequestTimer {
        let number = self.update(|state, now| {
            let result = Request::NO_RESPONSE.to_owned();
            let operation = operation();
            let request = Request { service, operation, start_us: now, duration_us: 0, result };
            let number = state.number();
            add(&mut state.result.requests, &mut state.requests, request, number);
            number
        });
        RequestTimer { recorder: self.clone(), number, result: None }
    }

    /// Records that the object `target` is not ready because of `reason`, until the timer is dropped.
    pub(crate) fn wait(&self, target: impl fmt::Display, reason: String) -> WaitStateTimer {
        let number = self.update(|state, now| {
            let target = target.to_string();
            let wait = WaitState { target, reason, start_us: now, duration_us: 0 };
            let number = state.number();
            add(&mut state.result.waits, &mut state.waits, wait, number);
            number
        });
        WaitStateTimer { recorder: self.clone(), number }
    }

    /// Records a change of the node. It is recorded at once, because a later change of the same attempt may fail.
    pub(crate) fn changed(&self, target: String, outcome: ChangeOutcomeOnNode) {
        let Some(outcome) = ChangeOutcome::of(outcome) else { return };
        self.note(|result| result.add_change(ChangeResult { target, outcome }));
    }

    /// Changes the parts of the result that are not measured here. Does not call `change` if nothing is recorded.
    pub(crate) fn note(&self, change: impl FnOnce(&mut RunResult)) {
        self.update(|state, _| change(&mut state.result));
    }

    /// Returns the result, whose duration ends now, and ends the record; `None` if nothing is recorded.
    #[must_use]
    pub(crate) fn finish(&self) -> Option<RunResult> {
        self.update(|state, now| {
            let mut result = std::mem::replace(&mut state.result, RunResult::new(UNIX_EPOCH));
            state.requests.clear();
            state.waits.clear();
            end_phase(&mut result.phases, now);
            result.duration_us = now;
            result
        })
    }

    fn update<T>(&self, change: impl FnOnce(&mut State, u64) -> T) -> Option<T> {
        let record = self.0.as_ref()?;
        let now = u64::try_from(record.start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let mut state = record.state.lock().unwrap_or_else(PoisonError::into_inner);
        Some(change(&mut state, now))
    }
}

impl State {
    fn number(&mut self) -> usize {
        self.next += 1;
        self.next
    }
}

/// Adds an entry. If there are too many, removes one from the middle.
fn add<T>(entries: &mut Vec<T>, numbers: &mut Vec<usize>, entry: T, number: usize) {
    entries.push(entry);
    numbers.push(number);
    if entries.len() > MOST {
        entries.remove(MOST / 2);
        numbers.remove(MOST / 2);
    }
}

fn end_phase(phases: &mut [Phase], now: u64) {
    if let Some(phase) = phases.last_mut() {
        phase.duration_us = now.saturating_sub(phase.start_us);
    }
}

/// A request in progress. If it is dropped before its response, the request has failed or was cancelled.
#[derive(Debug)]
pub(crate) struct RequestTimer {
    recorder: Recorder,
    /// `None` if nothing is recorded.
    number: Option<usize>,
    result: Option<String>,
}

impl RequestTimer {
    /// Records the status of the response.
    pub(crate) fn responded(mut self, status: u16) {
        if self.number.is_some() {
            self.result = Some(status.to_string());
        }
    }
}

impl Drop for RequestTimer {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let result = self.result.take();
        self.recorder.update(|state, now| {
            let Ok(index) = state.requests.binary_search(&number) else { return };
            let Some(request) = state.result.requests.get_mut(index) else { return };
            request.duration_us = now.saturating_sub(request.start_us);
            if let Some(result) = result {
                request.result = result;
            }
        });
    }
}

/// A state of a wait, which ends when this is dropped. The default is no state.
#[derive(Debug, Default)]
pub(crate) struct WaitStateTimer {
    recorder: Recorder,
    number: Option<usize>,
}

impl Drop for WaitStateTimer {
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        self.recorder.update(|state, now| {
            let Ok(index) = state.waits.binary_search(&number) else { return };
            let Some(wait) = state.result.waits.get_mut(index) else { return };
            wait.duration_us = now.saturating_sub(wait.start_us);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operation() -> String {
        "GET /a".to_owned()
    }

    #[test]
    fn the_default_records_nothing_and_calls_nothing() {
        let recorder = Recorder::default();
        recorder.phase(PhaseName::Plan);
        recorder.request(Service::Imds, || unreachable!("nothing is recorded")).responded(200);
        drop(recorder.wait("a", "b".to_owned()));
        recorder.note(|_| unreachable!("nothing is recorded"));
        assert_eq!(recorder.finish(), None);
    }

    #[test]
    fn phases_follow_each_other_without_a_gap() {
        let recorder = Recorder::start();
        for name in [PhaseName::Instance, PhaseName::Plan, PhaseName::Plan, PhaseName::Instance] {
            recorder.phase(name);
        }
        let result = recorder.finish().unwrap();
        let names: Vec<PhaseName> = result.phases.iter().map(|phase| phase.name).collect();
        assert_eq!(names, [PhaseName::Instance, PhaseName::Plan, PhaseName::Instance]);
        for pair in result.phases.windows(2) {
            assert_eq!(pair[0].end_us(), pair[1].start_us);
        }
        assert_eq!(result.phases.last().map(Phase::end_us), Some(result.duration_us));
    }

    #[test]
    fn a_request_without_a_response_is_recorded_at_its_start() {
        let recorder = Recorder::start();
        let pending = recorder.request(Service::Ec2, operation);
        recorder.request(Service::Imds, operation).responded(404);
        drop(recorder.request(Service::Sts, operation));
        let result = recorder.finish().unwrap();
        let requests = result.requests.iter();
        let requests: Vec<_> = requests.map(|it| (it.service, it.result.as_str())).collect();
        let expected =
            [(Service::Ec2, "no response"), (Service::Imds, "404"), (Service::Sts, "no response")];
        assert_eq!(requests, expected);
        drop(pending);
    }

    #[test]
    fn a_long_wait_keeps_the_first_and_the_last_entries() {
        let recorder = Recorder::start();
        let first = recorder.request(Service::Imds, operation);
        for number in 0..3 * MOST {
            recorder.phase(if number % 2 == 0 { PhaseName::Wait } else { PhaseName::Verify });
            recorder.request(Service::Kubernetes, || number.to_string()).responded(200);
            drop(recorder.wait("a", number.to_string()));
        }
        first.responded(201);
        let result = recorder.finish().unwrap();
        assert_eq!(
            (result.phases.len(), result.requests.len(), result.waits.len()),
            (MOST, MOST, MOST)
        );
        assert_eq!(result.requests[0].result, "201");
        assert_eq!(result.requests[1].operation, "0");
        assert_eq!(result.requests[MOST - 1].operation, (3 * MOST - 1).to_string());
        assert_eq!(result.waits[MOST - 1].reason, (3 * MOST - 1).to_string());
    }
}
