//! Many waiting agents in one process: each runs the wait of eni-bootstrap with its own client and connection.

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use eni_bootstrap::adapter::Context;
use eni_bootstrap::adapter::kubernetes::{ApiServer, EniConfig};
use eni_bootstrap::wait::{WaitTimer, until_ready};
use eni_core::domain::eni_config::EniConfigName;
use eni_core::settings::Wait;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::sleep_until;

use super::admin::Admin;
use super::metrics::Metrics;
use super::times::Times;
use crate::parts::Parts;
use crate::row::Row;
use eni_bootstrap_real_parts::cluster::{Cluster, Who};

/// The number of waiting agents.
pub const AGENTS: u32 = 2000;
/// The number of agents that start in a minute.
const STARTS_PER_MINUTE: u32 = 10_000;
/// The length of the steady state in which the requests are counted. It is shorter than the shortest time limit
/// of a watch (145 s), so that no watch is renewed.
const STEADY: Duration = Duration::from_mins(1);
/// The name of the ENIConfig that all agents wait for.
const NAME: &str = "us-west-2a";
/// The maximum time of an agent.
const LIMIT: Duration = Duration::from_mins(10);
/// The target for the time from the creation to the last agent in milliseconds.
const TARGET: f64 = 3000.0;
/// The flow schema of the requests of nodes, and its priority level.
const FLOW: [(&str, &str); 2] = [("flow_schema", "system-nodes"), ("priority_level", "system")];

/// The metrics of the API server at each step.
struct Steps {
    before: Metrics,
    /// When all watches are open.
    opened: Metrics,
    /// After the steady state.
    steady: Metrics,
    after: Metrics,
    /// The time from the first start to the metrics of `opened` in seconds.
    opening_seconds: f64,
    exits: Times,
}

/// Returns the rows of the simulation.
pub fn rows(parts: &Parts, cluster: &Cluster) -> Result<Vec<Row>, Box<dyn Error>> {
    raise_file_limit()?;
    let directory = tempfile::tempdir_in(&parts.output)?;
    for number in 0..AGENTS {
        let text = cluster.kubeconfig(Who::OtherNode(number));
        File::create(kubeconfig(directory.path(), number))?.write_all(text.as_bytes())?;
    }
    let admin = Admin::new(cluster)?;
    let steps = measure(&admin, directory.path().to_owned())?;
    admin.delete_eni_config(NAME)?;
    Ok(vec![steps.requests(), steps.exits(), steps.memory(), steps.start()])
}

/// Returns the path of the kubeconfig of an agent.
fn kubeconfig(directory: &Path, number: u32) -> PathBuf {
    directory.join(format!("kubeconfig-{number}"))
}

/// Measures agents whose kubeconfigs are in `directory`.
fn measure(admin: &Admin, directory: PathBuf) -> Result<Steps, Box<dyn Error>> {
    let before = admin.metrics()?;
    let started = Instant::now();
    let exits = start(directory);
    admin.wait_for_watches(usize::try_from(AGENTS)?)?;
    let opened = admin.metrics()?;
    let opening_seconds = started.elapsed().as_secs_f64();
    thread::sleep(STEADY);
    let steady = admin.metrics()?;
    let created = admin.create_eni_config(NAME)?;
    let exits: Result<Vec<Instant>, _> =
        (0..AGENTS).map(|_| exits.recv_timeout(LIMIT)?.map_err(Box::from)).collect();
    let exits: Result<Vec<Instant>, Box<dyn Error>> = exits;
    let exits = Times::between(created.answered, exits?);
    let after = admin.metrics()?;
    Ok(Steps { before, opened, steady, after, opening_seconds, exits })
}

/// Starts the agents on a separate thread. Each sends the time at which its wait ended, or the error.
fn start(directory: PathBuf) -> Receiver<Result<Instant, String>> {
    let (sender, exits) = mpsc::channel();
    thread::spawn(move || {
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(sender.send(Err(error.to_string()))),
        };
        let agents = LocalSet::new();
        let first = tokio::time::Instant::now();
        for number in 0..AGENTS {
            let at = first + Duration::from_mins(1) * number / STARTS_PER_MINUTE;
            let (kubeconfig, sender) = (kubeconfig(&directory, number), sender.clone());
            agents.spawn_local(async move {
                sleep_until(at).await;
                agent(&kubeconfig, &sender).await;
            });
        }
        runtime.block_on(agents);
    });
    exits
}

/// Waits for the ENIConfig as `run` does, with a new client.
async fn agent(kubeconfig: &Path, exits: &Sender<Result<Instant, String>>) {
    let wait = async {
        let name: EniConfigName = NAME.parse()?;
        let api = ApiServer::by_kubeconfig(kubeconfig, &Context::default()).await?;
        // Without verification, as in the measurement with processes.
        let verify = (Duration::ZERO, async |_: &EniConfig| Vec::new());
        until_ready(&api, &name, WaitTimer::start(Wait::For(LIMIT)), verify).await?;
        Ok::<_, Box<dyn Error>>(Instant::now())
    };
    let _ = exits.send(wait.await.map_err(|error| error.to_string()));
}

/// Raises the limit of open files of this process to its maximum.
fn raise_file_limit() -> Result<(), Box<dyn Error>> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    Ok(())
}

impl Steps {
    /// Returns the row of the requests in the steady state.
    fn requests(&self) -> Row {
        let sent = |verb| self.steady.requests(verb) - self.opened.requests(verb);
        let minutes = STEADY.as_secs_f64() / 60.0;
        let [gets, lists, watches] = ["GET", "LIST", "WATCH"].map(|verb| sent(verb) / minutes);
        let other = gets + lists;
        Row {
            what: format!("{AGENTS} waiting agents: requests a minute without renewals of watches"),
            target: Some("0".to_owned()),
            measured: format!(
                "{other:.0} (GET {gets:.0}, LIST {lists:.0}; {watches:.0} watches ended; {:.0} open)",
                self.steady.open_watches()
            ),
            met: Some(other == 0.0),
            values: [
                ("requests_per_minute", other),
                ("ended_watches_per_minute", watches),
                ("open_watches", self.steady.open_watches()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
        }
    }

    /// Returns the row of the end of the waits.
    fn exits(&self) -> Row {
        Row {
            what: format!("{AGENTS} waiting agents: response to the creation → end of the wait"),
            target: Some(format!("all within {:.0} s", TARGET / 1000.0)),
            measured: self.exits.text(),
            met: Some(self.exits.percentile(100) <= TARGET),
            values: self.exits.values(),
        }
    }

    /// Returns the row of the memory of the API server.
    fn memory(&self) -> Row {
        let per_watch = |bytes: fn(&Metrics) -> f64| {
            (bytes(&self.steady) - bytes(&self.before)) / f64::from(AGENTS) / 1024.0
        };
        let (resident, used) = (per_watch(Metrics::resident_bytes), per_watch(Metrics::used_bytes));
        let mebibytes = |metrics: &Metrics| metrics.resident_bytes() / f64::from(1 << 20);
        let (before, during) = (mebibytes(&self.before), mebibytes(&self.steady));
        Row {
            what: format!(
                "{AGENTS} waiting agents: memory of the API server for each watch and its connection"
            ),
            measured: format!(
                "{resident:.0} KiB resident ({before:.0} → {during:.0} MiB), {used:.0} KiB heap and stacks"
            ),
            values: [
                ("resident_kib_per_watch", resident),
                ("used_kib_per_watch", used),
                ("resident_mib_before", before),
                ("resident_mib_with_watches", during),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            ..Row::default()
        }
    }

    /// Returns the row of the start of the agents: GET, then WATCH, each on a new connection.
    fn start(&self) -> Row {
        let since = |name: &str, labels: &[(&str, &str)]| {
            self.opened.sum(name, labels) - self.before.sum(name, labels)
        };
        let cpu =
            (self.opened.cpu_seconds() - self.before.cpu_seconds()) * 1000.0 / f64::from(AGENTS);
        let cpu_of_events =
            (self.after.cpu_seconds() - self.steady.cpu_seconds()) * 1000.0 / f64::from(AGENTS);
        let dispatched = since("apiserver_flowcontrol_dispatched_requests_total", &FLOW);
        let rejected = since("apiserver_flowcontrol_rejected_requests_total", &FLOW);
        let waited = since("apiserver_flowcontrol_request_wait_duration_seconds_sum", &FLOW)
            * 1000.0
            / dispatched;
        let seats = self.opened.sum("apiserver_flowcontrol_nominal_limit_seats", &FLOW[1..]);
        Row {
            what: format!(
                "{AGENTS} agents that start at {STARTS_PER_MINUTE} a minute: the API server"
            ),
            measured: format!(
                "{cpu:.1} ms CPU for each agent; all watches open after {:.1} s; {dispatched:.0} requests in level system ({seats:.0} seats), {rejected:.0} rejected, {waited:.2} ms in its queue; {cpu_of_events:.1} ms CPU for each event and closed connection",
                self.opening_seconds
            ),
            values: [
                ("cpu_ms_per_agent", cpu),
                ("cpu_ms_per_event", cpu_of_events),
                ("opening_seconds", self.opening_seconds),
                ("requests_in_level_system", dispatched),
                ("rejected_requests", rejected),
                ("queue_ms_per_request", waited),
                ("seats_of_level_system", seats),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            ..Row::default()
        }
    }
}
