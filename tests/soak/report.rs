//! The results of the soak test: its table, its JSON file, and its limits.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::memory::{Memory, Trend};
use super::requests::{Timed, audited, by_kind, peak, per_second, seconds, within};
use super::storm::Storm;
use super::{Servers, Size};
use crate::support::real_parts::soak_records;

/// The time after a disruption whose requests are counted, at most.
const OBSERVED: Duration = Duration::from_mins(1);

/// The requests after the connections to the API server were lost.
#[derive(Debug)]
pub struct Disruption {
    is_restart: bool,
    /// The time in seconds until the API server accepted a connection again.
    down: f64,
    /// The time in seconds from then until every agent had a watch again.
    reconnected: f64,
    requests: BTreeMap<String, usize>,
    errors: usize,
    first_second: usize,
    /// The largest number of requests in any second, and of connection attempts.
    request_peak: usize,
    connection_peak: usize,
    /// The time for which the machine did not run this process.
    stalled: Duration,
    /// The connection attempts, including those that the API server did not accept.
    connections: usize,
    requests_per_second: Vec<usize>,
    connections_per_second: Vec<usize>,
}

impl Disruption {
    pub fn new(
        servers: &Servers,
        size: Size,
        is_restart: bool,
        lost: SystemTime,
        stalled: Duration,
    ) -> Self {
        let length = size.restart_every.min(OBSERVED);
        let requests = audited(&servers.cluster.audit_log());
        let requests: Vec<&Timed> =
            requests.iter().filter(|it| (lost..lost + length).contains(&it.at)).collect();
        let times = within(requests.iter().map(|it| it.at), lost, length);
        let attempts = servers.gateway.attempts();
        let accepted = attempts.iter().filter(|it| it.is_accepted && it.at >= lost);
        let ready = accepted.map(|it| it.at).min().unwrap_or(lost);
        let attempts = within(attempts.iter().map(|it| it.at), lost, length);
        let watches = servers.watches(lost);
        let seconds_shown = usize::try_from(length.as_secs()).unwrap();
        Self {
            is_restart,
            down: seconds(lost, ready),
            reconnected: watches.get(size.agents - 1).map_or(f64::NAN, |at| seconds(ready, *at)),
            requests: by_kind(requests.iter().copied()),
            errors: requests.iter().filter(|it| it.code >= 500 || it.code == 429).count(),
            first_second: within(times.iter().copied(), ready, Duration::from_secs(1)).len(),
            request_peak: peak(&times),
            connection_peak: peak(&attempts),
            stalled,
            connections: attempts.len(),
            requests_per_second: per_second(&times, lost, seconds_shown),
            connections_per_second: per_second(&attempts, lost, seconds_shown),
        }
    }

    fn event(&self) -> &'static str {
        if self.is_restart { "restart" } else { "connections lost" }
    }

    /// Prints the row of the table and the histograms.
    #[expect(clippy::print_stdout, reason = "the results of the test")]
    pub fn print(&self) {
        println!(
            "{:<16}{:>6.1} s{:>14}{:>12}{:>15}{:>10}{:>13}{:>8}{:>11.1} s",
            self.event(),
            self.down,
            self.first_second,
            self.request_peak,
            self.connection_peak,
            self.requests.values().sum::<usize>(),
            self.connections,
            self.errors,
            self.reconnected,
        );
        println!("  requests/s    {:?}", self.requests_per_second);
        println!("  connections/s {:?}", self.connections_per_second);
    }

    fn json(&self) -> Value {
        json!({
            "event": self.event(),
            "down_seconds": self.down,
            "reconnected_seconds": self.reconnected,
            "requests": self.requests,
            "errors": self.errors,
            "stalled_seconds": self.stalled.as_secs_f64(),
            "first_second": self.first_second,
            "request_peak_per_second": self.request_peak,
            "connection_peak_per_second": self.connection_peak,
            "connection_attempts": self.connections,
            "requests_per_second": self.requests_per_second,
            "connection_attempts_per_second": self.connections_per_second,
        })
    }
}

/// The time in milliseconds over which the agents connect again.
const SPREAD_MILLIS: usize = 10_000;

/// All results.
#[derive(Debug)]
pub struct Results {
    pub size: Size,
    pub storm: Storm,
    pub disruptions: Vec<Disruption>,
    pub memory: Trend,
    pub failed: Vec<String>,
    /// The time in seconds from the creation of the ENIConfigs until all agents had ended.
    pub ended: f64,
    /// The largest number of EC2 requests in any second after the creation of the ENIConfigs.
    pub ec2_peak: usize,
}

/// The largest values that are acceptable.
#[derive(Debug)]
pub struct Limits {
    /// The requests in any second after a disruption.
    requests: usize,
    /// The connection attempts in any second after a disruption.
    connections: usize,
    /// The growth of the mean anonymous memory of an agent in KiB.
    growth: u64,
}

impl Limits {
    /// Agents connect over 10 seconds, so a tenth of them in each second on average, and while the API server
    /// is down, more because of retries. Before the pauses were spread, all of them connected in the first
    /// second and sent two requests each.
    pub fn of(agents: usize) -> Self {
        Self { requests: agents / 2, connections: agents / 2, growth: 256 }
    }
}

/// Prints the header of the table of disruptions.
#[expect(clippy::print_stdout, reason = "the results of the test")]
pub fn print_header(size: Size) {
    println!(
        "soak: {} agents, {} restarts of the API server, one every {} s, then the loss of all connections",
        size.agents,
        size.restarts,
        size.restart_every.as_secs()
    );
    println!(
        "event               down  first second  requests/s  connections/s  requests  connections  errors  reconnected"
    );
}

impl Servers {
    /// Returns the largest number of EC2 requests in any second after `start`.
    pub fn ec2_peak(&self, start: SystemTime) -> usize {
        peak(&within(self.region.ec2.request_times(), start, super::LIMIT))
    }
}

impl Results {
    /// Returns what exceeds the limits.
    pub fn excesses(&self, limits: &Limits) -> Vec<String> {
        let mut excesses = Vec::new();
        for (what, failed) in [("boot storm", &self.storm.failed), ("soak", &self.failed)] {
            if let Some(first) = failed.first() {
                excesses
                    .push(format!("{what}: {} agents failed; the first: {first}", failed.len()));
            }
        }
        for (number, it) in self.disruptions.iter().enumerate() {
            for (what, most, limit) in [
                ("requests", it.request_peak, limits.requests),
                ("connection attempts", it.connection_peak, limits.connections),
            ] {
                // The agents that were due during a stall connect at its end.
                let due = usize::try_from(it.stalled.as_millis()).unwrap() * self.size.agents
                    / SPREAD_MILLIS;
                if most > limit + due {
                    excesses.push(format!(
                        "row {number}: {most} {what} in one second, more than {limit}, and the machine was stalled for {:.1} s",
                        it.stalled.as_secs_f64()
                    ));
                }
            }
        }
        let (first, last) = (self.memory.first.anonymous, self.memory.last.anonymous);
        if last > first + limits.growth {
            excesses.push(format!("the memory of an agent grew from {first} KiB to {last} KiB"));
        }
        excesses
    }

    /// Prints the memory and the result.
    #[expect(clippy::print_stdout, reason = "the results of the test")]
    pub fn print(&self) {
        let Self { size, memory, failed, .. } = self;
        let sizes = |it: &Memory| format!("{} / {} / {}", it.anonymous, it.pss, it.rss);
        println!(
            "memory of an agent in KiB (anonymous / PSS / RSS): first {window:.0} s {}, last {window:.0} s {}, slope {:+.2} per minute, largest growth {}, {} samples in {:.0} s",
            sizes(&memory.first),
            sizes(&memory.last),
            memory.slope,
            memory.largest_growth,
            memory.samples,
            memory.seconds,
            window = memory.window,
        );
        println!(
            "result: {} of {} agents ended right, {:.1} s after the ENIConfigs were created; EC2 peak {}/s",
            size.agents - failed.len(),
            size.agents,
            self.ended,
            self.ec2_peak
        );
    }

    /// Writes `target/soak/results.json`.
    pub fn write(&self) {
        let folder = soak_records();
        fs::create_dir_all(&folder).unwrap();
        let results = json!({
            "agents": self.size.agents,
            "restart_every_seconds": self.size.restart_every.as_secs(),
            "boot_storm": self.storm.json(),
            "disruptions": self.disruptions.iter().map(Disruption::json).collect::<Vec<_>>(),
            "memory": self.memory.json(),
            "failed": self.failed,
            "ended_seconds": self.ended,
            "ec2_peak_per_second": self.ec2_peak,
        });
        let file = File::create(folder.join("results.json")).unwrap();
        serde_json::to_writer_pretty(file, &results).unwrap();
    }
}
