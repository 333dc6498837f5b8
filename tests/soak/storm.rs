//! The boot storm: many agents that boot at the same time.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::agents::Agent;
use super::requests::{audited, by_kind, peak, seconds};
use super::{Servers, THROTTLED};

/// The agents that boot at the same time, with an ENIConfig and a throttled EC2 API.
#[derive(Debug)]
pub struct Storm {
    agents: usize,
    pub failed: Vec<String>,
    /// The agents that skipped a check against EC2.
    skipped: usize,
    seconds: f64,
    api: BTreeMap<String, usize>,
    api_peak: usize,
    connections: usize,
    ec2: BTreeMap<String, usize>,
    metadata: usize,
}

impl Storm {
    pub fn new(
        servers: &Servers,
        started: SystemTime,
        agents: &[Agent],
        failed: Vec<String>,
    ) -> Self {
        let seconds = seconds(started, SystemTime::now());
        let requests = audited(&servers.cluster.audit_log());
        let mut ec2 = BTreeMap::new();
        for action in servers.region.ec2.requests() {
            *ec2.entry(action).or_default() += 1;
        }
        Self {
            agents: agents.len(),
            failed,
            skipped: agents.iter().filter(|it| it.log().contains("skipped")).count(),
            seconds,
            api: by_kind(&requests),
            api_peak: peak(&requests.iter().map(|it| it.at).collect::<Vec<_>>()),
            connections: servers.gateway.attempts().len(),
            ec2,
            metadata: servers.region.metadata_requests(),
        }
    }

    #[expect(clippy::print_stdout, reason = "the results of the test")]
    pub fn print(&self) {
        println!(
            "boot storm: {} of {} agents ended right in {:.1} s; EC2 throttled {THROTTLED} of 10 requests, {} agents skipped a check",
            self.agents - self.failed.len(),
            self.agents,
            self.seconds,
            self.skipped
        );
        println!(
            "  API server: {:?}, peak {}/s, {} connections",
            self.api, self.api_peak, self.connections
        );
        println!("  EC2: {:?}; instance metadata: {}", self.ec2, self.metadata);
    }

    pub fn json(&self) -> Value {
        json!({
            "agents": self.agents,
            "failed": self.failed.len(),
            "skipped_a_check": self.skipped,
            "seconds": self.seconds,
            "api_requests": self.api,
            "api_peak_per_second": self.api_peak,
            "api_connections": self.connections,
            "ec2_requests": self.ec2,
            "metadata_requests": self.metadata,
        })
    }
}
