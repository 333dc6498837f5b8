//! The time from the creation of the ENIConfig to the exit of each agent, with processes of the static binary.

use std::error::Error;
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

use eni_bootstrap_sandbox::{Ec2, Imds, Instance, Subnet};

use super::admin::Admin;
use super::agents::Agent;
use super::times::{Times, milliseconds};
use crate::groups::Results;
use crate::parts::Parts;
use crate::row::Row;
use eni_bootstrap_real_parts::cluster::Cluster;

/// The number of processes in each measurement.
const AGENTS: usize = 200;
/// How long the watches last before the creation. Nodes wait for minutes, and the pauses of an agent depend on
/// how long its watch has lasted, up to 10 seconds.
const SETTLE: Duration = Duration::from_secs(11);
/// The token bucket of EC2 for `Describe*` actions: its size, and the tokens that it gets in a second.
///
/// Source: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>
const BUCKET: (f64, f64) = (100.0, 20.0);
/// The targets of the median and of the 99th percentile in milliseconds.
const TARGET: (f64, f64) = (2.0, 10.0);

/// The file system of the root directories. `run` waits until the disk has stored its record of the run.
#[derive(Clone, Copy, Debug)]
enum Directory {
    /// The file system of the output of the benchmarks.
    Disk,
    /// A tmpfs.
    Memory,
}

/// A path on a tmpfs.
const MEMORY: &str = "/dev/shm";

/// The servers of the agents.
struct Servers<'a> {
    parts: &'a Parts,
    admin: Admin,
    imds: Imds,
    ec2: Ec2,
}

/// Measures waiting processes.
pub fn run(parts: &Parts, cluster: &Cluster) -> Result<Results, Box<dyn Error>> {
    let user_data = Some(cluster.node_config().into_bytes());
    let imds = Imds::start(&Instance { user_data, ..Instance::default() });
    let ec2 = Ec2::start(vec![Subnet { id: "subnet-0a".into(), ..Subnet::default() }]);
    ec2.limit_rate(BUCKET.0, BUCKET.1);
    let servers = Servers { parts, admin: Admin::new(cluster)?, imds, ec2 };
    let measured = [
        servers.one_by_one("wait", Directory::Disk)?,
        servers.one_by_one("run", Directory::Memory)?,
        servers.one_by_one("run", Directory::Disk)?,
        servers.together(false)?,
        servers.together(true)?,
    ];
    let (rows, times): (Vec<Row>, Vec<Times>) = measured.into_iter().unzip();
    let measurements =
        rows.iter().zip(times).map(|(row, times)| times.measurement(&row.what)).collect();
    Ok(Results { rows, measurements, ..Results::default() })
}

impl Servers<'_> {
    /// Starts all agents, and waits until their watches have lasted for [`SETTLE`].
    fn waiting(
        &self,
        (command, directory): (&str, Directory),
        verify: bool,
        name: impl Fn(usize) -> String,
    ) -> Result<Vec<Agent>, Box<dyn Error>> {
        let directory = match directory {
            Directory::Disk => &self.parts.output,
            Directory::Memory => Path::new(MEMORY),
        };
        let agents: Result<Vec<Agent>, _> = (0..AGENTS)
            .map(|number| {
                let arguments = [
                    command.to_owned(),
                    format!("--imds-endpoint={}", self.imds.endpoint()),
                    format!("--ec2-endpoint={}", self.ec2.endpoint()),
                    format!("--eni-config-name={}", name(number)),
                    format!("--eni-config-verify={verify}"),
                ];
                Agent::start(self.parts, directory, &arguments)
            })
            .collect();
        self.admin.wait_for_watches(AGENTS)?;
        thread::sleep(SETTLE);
        agents
    }

    /// Creates a separate ENIConfig for each waiting agent, one after another, so that only one agent runs at
    /// a time.
    fn one_by_one(
        &self,
        command: &str,
        directory: Directory,
    ) -> Result<(Row, Times), Box<dyn Error>> {
        let suffix = match directory {
            Directory::Disk => "disk",
            Directory::Memory => "tmpfs",
        };
        let name = |number| format!("{command}-{suffix}-{number}");
        let mut agents = self.waiting((command, directory), false, name)?;
        let mut times = Vec::new();
        for (number, agent) in agents.iter_mut().enumerate() {
            let created = self.admin.create_eni_config(&name(number))?;
            times.push(milliseconds(created.answered, agent.exited()?));
        }
        let times = Times::new(times);
        let is_met = times.percentile(50) <= TARGET.0 && times.percentile(99) <= TARGET.1;
        let row = Row {
            what: format!(
                "ENIConfig created → `{command}` exits, from the response to the creation ({AGENTS} waiting processes, one creation for each, files on {suffix})"
            ),
            target: Some(format!("p50 ≤ {} ms, p99 ≤ {} ms", TARGET.0, TARGET.1)),
            measured: times.text(),
            met: Some(is_met),
            values: times.values(),
        };
        Ok((row, times))
    }

    /// Creates one ENIConfig that all agents wait for. The times start at the request, because the API server sends
    /// many events before the response.
    fn together(&self, verify: bool) -> Result<(Row, Times), Box<dyn Error>> {
        let name = format!("shared-{verify}");
        let mut agents = self.waiting(("run", Directory::Disk), verify, |_| name.clone())?;
        let start = SystemTime::now();
        let created = self.admin.create_eni_config(&name)?;
        let exits: Result<Vec<_>, _> = agents.iter_mut().map(Agent::exited).collect();
        let times = Times::between(created.sent, exits?);
        let mut values = times.values();
        let mut measured = times.text();
        if verify {
            let requests = self.ec2.request_times();
            let peak = peak_per_second(requests.into_iter().filter(|at| *at >= start));
            let mut skipped = 0_u32;
            for agent in &agents {
                skipped += u32::from(agent.log()?.contains("skipped"));
            }
            measured = format!(
                "{measured}; EC2 at most {peak} requests in a second; {skipped} skipped a check because of the limits of EC2"
            );
            values.insert("ec2_requests_peak_per_second".to_owned(), peak);
            values.insert("nodes_with_skipped_checks".to_owned(), f64::from(skipped));
        }
        let verification =
            if verify { "with the verification in EC2" } else { "without verification" };
        let row = Row {
            what: format!(
                "ENIConfig created → `run` exits, from the request ({AGENTS} processes wait for one ENIConfig, {verification})"
            ),
            measured,
            values,
            ..Row::default()
        };
        Ok((row, times))
    }
}

/// Returns the largest number of `times` in one second.
fn peak_per_second(times: impl Iterator<Item = SystemTime>) -> f64 {
    let mut times: Vec<SystemTime> = times.collect();
    times.sort();
    let within = |start: SystemTime| {
        let end = start + Duration::from_secs(1);
        times.iter().filter(|at| (start..end).contains(*at)).count()
    };
    let peak = times.iter().map(|start| within(*start)).max().unwrap_or_default();
    u32::try_from(peak).map_or(f64::NAN, f64::from)
}
