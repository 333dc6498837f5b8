//! Requests over time: those in the audit log of the API server, and their peaks.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

/// A request of an agent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timed {
    pub at: SystemTime,
    /// Such as `watch eniconfigs`.
    pub kind: String,
    /// The HTTP status.
    pub code: u64,
}

/// Returns the requests in the audit log in the order of their arrival. A watch is included as soon as it
/// has begun.
pub fn audited(log: &Path) -> Vec<Timed> {
    let log = fs::read_to_string(log).unwrap_or_default();
    let mut ids = BTreeSet::new();
    let mut requests = Vec::new();
    // The last line may be incomplete, and a killed API server leaves one in the middle.
    for event in log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        // A watch has one event for its start and one for its end.
        if ids.insert(event["auditID"].as_str().unwrap().to_owned()) {
            let at = event["requestReceivedTimestamp"].as_str().unwrap();
            let resource = event["objectRef"]["resource"].as_str().unwrap_or("other");
            requests.push(Timed {
                at: humantime::parse_rfc3339(at).unwrap(),
                kind: format!("{} {resource}", event["verb"].as_str().unwrap()),
                code: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
            });
        }
    }
    requests.sort();
    requests
}

/// Returns the number of requests of each kind.
pub fn by_kind<'a>(requests: impl IntoIterator<Item = &'a Timed>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for request in requests {
        *counts.entry(request.kind.clone()).or_default() += 1;
    }
    counts
}

/// Returns the largest number of events within any second. `times` are in order.
pub fn peak(times: &[SystemTime]) -> usize {
    let within = |start: usize, end: usize| seconds(times[start], times[end]) < 1.0;
    let mut start = 0;
    let mut most = 0;
    for end in 0..times.len() {
        while !within(start, end) {
            start += 1;
        }
        most = most.max(end + 1 - start);
    }
    most
}

/// Returns the number of events in each second after `start`.
pub fn per_second(times: &[SystemTime], start: SystemTime, count: usize) -> Vec<usize> {
    let mut histogram = vec![0; count];
    for second in times.iter().filter_map(|at| at.duration_since(start).ok()) {
        if let Some(events) =
            usize::try_from(second.as_secs()).ok().and_then(|second| histogram.get_mut(second))
        {
            *events += 1;
        }
    }
    histogram
}

/// Returns the time from `start` to `end` in seconds; negative if `end` is earlier.
pub fn seconds(start: SystemTime, end: SystemTime) -> f64 {
    match end.duration_since(start) {
        Ok(time) => time.as_secs_f64(),
        Err(error) => -error.duration().as_secs_f64(),
    }
}

/// Returns the times in the interval from `start`, of length `length`, in order.
pub fn within(
    times: impl IntoIterator<Item = SystemTime>,
    start: SystemTime,
    length: Duration,
) -> Vec<SystemTime> {
    let mut times: Vec<_> =
        times.into_iter().filter(|at| (start..start + length).contains(at)).collect();
    times.sort();
    times
}

#[test]
fn the_peak_is_the_largest_number_of_events_within_any_second() {
    let at = |millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis);
    assert_eq!(peak(&[]), 0);
    assert_eq!(peak(&[0, 900, 1000, 1100, 1950].map(at)), 3);
    assert_eq!(per_second(&[0, 900, 1000, 1100, 3950].map(at), at(0), 3), [2, 2, 0]);
}
