//! Many agents at the same time against one real API server: a boot storm with a throttled EC2 API, and a
//! wait during which the API server restarts several times.
//!
//! The test is ignored by default. `make soak` runs it with the size in its parameters; without them it has
//! the size for CI. It prints its results and writes them to `target/soak/results.json`.

mod agents;
mod gateway;
mod memory;
mod report;
mod requests;
mod storm;

use std::thread;
use std::time::{Duration, Instant, SystemTime};

use agents::{Agent, Region, eni_configs, failures};
use gateway::Gateway;
use memory::Sampler;
use report::{Disruption, Limits, Results};
use requests::{audited, seconds};
use serde_json::json;
use storm::Storm;

use crate::real::real_cluster::{CUSTOM, env, rbac};
use crate::support::real_parts::{Cluster, cluster, static_binary};
use crate::support::stall::StallMeter;

/// How long all agents may take to start to wait, to connect again, or to end.
const LIMIT: Duration = Duration::from_mins(15);
/// How long the agents wait before the first restart. Nodes wait for minutes, and agents connect over a
/// shorter time if their watches lasted for less than 10 seconds.
const SETTLE: Duration = Duration::from_secs(10);
/// How many of ten requests the EC2 API throttles in the boot storm.
const THROTTLED: usize = 3;

/// The size of the test.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    agents: usize,
    restarts: usize,
    restart_every: Duration,
    sample_every: Duration,
}

impl Size {
    /// Returns the size in the environment, by default that for CI.
    fn from_environment() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a parameter of the tests, not a setting")]
        let number = |name: &str, default: u64| {
            let text = std::env::var(name).unwrap_or_default();
            if text.is_empty() { default } else { text.parse().unwrap() }
        };
        let every = number("SOAK_RESTART_EVERY", 14);
        let restarts = number("SOAK_SECONDS", 28) / every;
        Self {
            agents: usize::try_from(number("SOAK_AGENTS", 40)).unwrap(),
            restarts: usize::try_from(restarts).unwrap(),
            restart_every: Duration::from_secs(every),
            sample_every: Duration::from_millis(if every < 30 { 1000 } else { 5000 }),
        }
    }

    /// Returns the time from the first restart to the creation of the ENIConfigs.
    fn length(self) -> Duration {
        // After the restarts, all connections are lost once.
        self.restart_every * u32::try_from(self.restarts + 1).unwrap()
    }
}

/// The servers of the test.
struct Servers {
    cluster: Cluster,
    gateway: Gateway,
    region: Region,
}

impl Servers {
    fn start() -> Option<Self> {
        let cluster = cluster()?;
        cluster.apply_file(&rbac());
        cluster.install_cni(env(&[CUSTOM]));
        let gateway = Gateway::start(cluster.address().ip(), cluster.address());
        let [own, other] = [cluster.address(), gateway.address].map(|it| format!("https://{it}"));
        let region = Region::start(&cluster.node_config().replace(&own, &other));
        Some(Self { cluster, gateway, region })
    }

    fn create_eni_configs(&self) {
        for (name, subnet) in eni_configs() {
            self.cluster
                .eni_config(&name, json!({ "subnet": subnet, "securityGroups": ["sg-0b"] }));
        }
    }

    fn delete_eni_configs(&self) {
        for (name, _) in eni_configs() {
            let path = format!("/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/{name}");
            self.cluster.delete(&path);
        }
    }

    /// Returns the times of the watches that the API server accepted after `start`.
    fn watches(&self, start: SystemTime) -> Vec<SystemTime> {
        let requests = audited(&self.cluster.audit_log()).into_iter();
        let watches = requests.filter(|it| it.kind == "watch eniconfigs" && it.code == 200);
        watches.map(|it| it.at).filter(|at| *at >= start).collect()
    }

    /// Waits until the API server has accepted `count` watches after `start`.
    fn wait_for_watches(&self, count: usize, start: SystemTime) {
        let started = Instant::now();
        while self.watches(start).len() < count {
            assert!(started.elapsed() < LIMIT, "{} of {count} watches", self.watches(start).len());
            thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
#[ignore = "takes a minute; run `make soak`"]
fn agents_survive_restarts_of_the_api_server_without_a_herd() {
    let size = Size::from_environment();
    let (Some(program), Some(mut servers)) = (static_binary(), Servers::start()) else { return };
    let start = |region: &Region, wait| -> Vec<Agent> {
        (0..size.agents).map(|number| Agent::start(&program, region, number, wait)).collect()
    };

    servers.create_eni_configs();
    servers.region.ec2.throttle(THROTTLED);
    let started = SystemTime::now();
    let mut agents = start(&servers.region, LIMIT);
    let failed = failures(&mut agents, LIMIT);
    let storm = Storm::new(&servers, started, &agents, failed);
    storm.print();
    drop(agents);
    servers.region.ec2.throttle(0);
    servers.delete_eni_configs();

    let started = SystemTime::now();
    let mut agents = start(&servers.region, size.length() + LIMIT * 2);
    servers.wait_for_watches(size.agents, started);
    let sampler = Sampler::start(agents.iter().map(Agent::pid).collect(), size.sample_every);
    thread::sleep(SETTLE);
    report::print_header(size);
    let mut warm = 0.0;
    let mut disruptions = Vec::new();
    for round in 0..=size.restarts {
        let (next, lost) = (Instant::now() + size.restart_every, SystemTime::now());
        let is_restart = round < size.restarts;
        let stall = StallMeter::start();
        if is_restart {
            servers.gateway.set_healthy(false);
            servers.cluster.restart();
            servers.gateway.set_healthy(true);
        } else {
            servers.gateway.close_connections();
        }
        servers.wait_for_watches(size.agents, lost);
        if round == 0 {
            warm = sampler.seconds();
        }
        thread::sleep(next.saturating_duration_since(Instant::now()));
        let exited = agents.iter_mut().filter_map(|it| it.has_exited().then(|| it.log()));
        assert_eq!(exited.collect::<Vec<_>>(), Vec::<String>::new(), "exited without an ENIConfig");
        let disruption = Disruption::new(&servers, size, is_restart, lost, stall.total());
        disruption.print();
        disruptions.push(disruption);
    }
    let window = size.restart_every.as_secs_f64().min(60.0);
    let memory = memory::trend(&sampler.stop(), warm, window);

    let created = SystemTime::now();
    servers.create_eni_configs();
    let failed = failures(&mut agents, LIMIT);
    let ended = seconds(created, SystemTime::now());
    let results = Results {
        size,
        storm,
        disruptions,
        memory,
        failed,
        ended,
        ec2_peak: servers.ec2_peak(created),
    };
    results.print();
    results.write();
    let excesses = results.excesses(&Limits::of(size.agents));
    assert_eq!(excesses, Vec::<String>::new());
}
