//! Agents that run at the same time, each with its own root folder.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use eni_bootstrap_sandbox::{Ec2, Imds, Instance, Subnet};

use crate::support::golden::host_file;
use crate::support::node::{DROP_IN, Node};

/// The zones of the agents, with their ID, subnet and pod subnet.
const ZONES: [(&str, &str, &str, &str); 3] = [
    ("us-west-2a", "usw2-az1", "subnet-0123456789abcdef0", "subnet-0a"),
    ("us-west-2b", "usw2-az2", "subnet-0123456789abcdef1", "subnet-0b"),
    ("us-west-2c", "usw2-az3", "subnet-0123456789abcdef2", "subnet-0c"),
];
/// The template of the ENIConfig name of every fourth agent.
const OTHER_NAME: &str = "large-{zone}";

/// The servers that agents read before they read the API server: one metadata service for each zone.
pub struct Region {
    zones: Vec<Imds>,
    pub ec2: Ec2,
}

impl Region {
    pub fn start(user_data: &str) -> Self {
        let metadata = ZONES.map(|(zone, zone_id, subnet, _)| {
            Imds::start(&Instance {
                zone: zone.to_owned(),
                zone_id: zone_id.to_owned(),
                subnet_id: subnet.to_owned(),
                user_data: Some(user_data.into()),
                ..Instance::default()
            })
        });
        let subnets = ZONES.iter().flat_map(|(zone, zone_id, own, pods)| {
            [own, pods].map(|id| Subnet {
                id: (*id).to_owned(),
                zone: (*zone).to_owned(),
                zone_id: (*zone_id).to_owned(),
                ..Subnet::default()
            })
        });
        Self { zones: metadata.into(), ec2: Ec2::start(subnets.collect()) }
    }

    /// Returns the number of requests to the metadata services.
    pub fn metadata_requests(&self) -> usize {
        self.zones.iter().map(|imds| imds.requests().len()).sum()
    }
}

/// Returns the names of the ENIConfigs that the agents need, with their pod subnets.
pub fn eni_configs() -> Vec<(String, &'static str)> {
    let names = |(zone, _, _, pods): &(&str, _, _, &'static str)| {
        [((*zone).to_owned(), *pods), (OTHER_NAME.replace("{zone}", zone), *pods)]
    };
    ZONES.iter().flat_map(names).collect()
}

/// A running agent. Dropping it kills it.
pub struct Agent {
    child: Child,
    node: Node,
    zone: &'static str,
    eni_config: String,
}

impl Agent {
    /// Starts the agent with this number, which determines its zone and ENIConfig.
    pub fn start(program: &Path, region: &Region, number: usize, wait: Duration) -> Self {
        let (zone, ..) = ZONES[number % ZONES.len()];
        let template = if number % 4 == 3 { OTHER_NAME } else { "{zone}" };
        let node = Node::al2023();
        let log = File::create(node.root().join("log")).unwrap();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .args(["run", "--verbose"])
            .arg(format!("--root={}", node.root().display()))
            .arg(format!("--imds-endpoint={}", region.zones[number % ZONES.len()].endpoint()))
            .arg(format!("--ec2-endpoint={}", region.ec2.endpoint()))
            .arg(format!("--eni-config-name={template}"))
            .arg(format!("--eni-config-wait={}s", wait.as_secs()))
            .stderr(log);
        let child = command.spawn().unwrap();
        Self { child, node, zone, eni_config: template.replace("{zone}", zone) }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns whether the agent has exited.
    pub fn has_exited(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Returns what the agent has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.node.root().join("log")).unwrap()
    }

    /// Returns what is wrong with an agent that has exited; `None` if it succeeded and wrote the planned
    /// file.
    fn failure(&mut self) -> Option<String> {
        let status = self.child.try_wait().unwrap();
        let planned = host_file("nodeadm", "custom networking", &format!("/{DROP_IN}"))
            .replace("eniConfig=us-west-2a", &format!("eniConfig={}", self.eni_config))
            .replace("zone=us-west-2a", &format!("zone={}", self.zone));
        let (log, written) = (self.log(), self.node.written());
        if status.is_none_or(|status| !status.success()) {
            return Some(format!("{status:?}\n{log}"));
        }
        if written != [DROP_IN] {
            return Some(format!("wrote {written:?}\n{log}"));
        }
        let text = self.node.read(DROP_IN).unwrap();
        (text != planned).then(|| format!("{DROP_IN}:\n{text}\nexpected:\n{planned}"))
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until all agents have exited, at most `limit`. Returns the failures.
pub fn failures(agents: &mut [Agent], limit: Duration) -> Vec<String> {
    let started = Instant::now();
    while !agents.iter_mut().all(Agent::has_exited) && started.elapsed() < limit {
        thread::sleep(Duration::from_millis(20));
    }
    agents.iter_mut().filter_map(Agent::failure).collect()
}
