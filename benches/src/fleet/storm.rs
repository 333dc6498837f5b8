//! Nodes that boot at a constant rate with default settings, at one tenth of the size of a large cluster: one
//! tenth of the nodes, and one tenth of the request limits of EC2.

use std::error::Error;
use std::thread;
use std::time::{Duration, Instant};

use eni_bootstrap_sandbox::{Ec2, Imds, Instance, Subnet};

use super::admin::Admin;
use super::agents::Agent;
use super::times::{Times, milliseconds};
use crate::parts::Parts;
use crate::row::Row;
use eni_bootstrap_real_parts::cluster::Cluster;

/// The number of nodes that boot in [`LENGTH`].
const AGENTS: u32 = 1000;
const LENGTH: Duration = Duration::from_mins(1);
/// A tenth of the token bucket of EC2 for `Describe*` actions: 100 tokens, and 20 more in each second.
///
/// Source: <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html>
const BUCKET: (f64, f64) = (10.0, 2.0);
/// The name of the ENIConfig of all nodes.
const NAME: &str = "storm";

/// Returns the row of the storm.
pub fn row(parts: &Parts, cluster: &Cluster) -> Result<Row, Box<dyn Error>> {
    let user_data = Some(cluster.node_config().into_bytes());
    let imds = Imds::start(&Instance { user_data, ..Instance::default() });
    let ec2 = Ec2::start(vec![Subnet { id: "subnet-0a".into(), ..Subnet::default() }]);
    ec2.limit_rate(BUCKET.0, BUCKET.1);
    let admin = Admin::new(cluster)?;
    admin.create_eni_config(NAME)?;
    let arguments = [
        "run".to_owned(),
        format!("--imds-endpoint={}", imds.endpoint()),
        format!("--ec2-endpoint={}", ec2.endpoint()),
        format!("--eni-config-name={NAME}"),
    ];
    let cpu = admin.metrics()?.cpu_seconds();
    let start = Instant::now();
    let mut agents = Vec::new();
    for number in 0..AGENTS {
        let at = start + LENGTH * number / AGENTS;
        thread::sleep(at.saturating_duration_since(Instant::now()));
        agents.push(Agent::start(parts, &parts.output, &arguments)?);
    }
    let mut times = Vec::new();
    let mut skipped = 0_u32;
    for agent in &mut agents {
        let exit = agent.exited()?;
        times.push(milliseconds(agent.started, exit));
        skipped += u32::from(agent.log()?.contains("skipped"));
    }
    let cpu = (admin.metrics()?.cpu_seconds() - cpu) * 1000.0 / f64::from(AGENTS);
    let requests = u32::try_from(ec2.requests().len())?;
    let times = Times::new(times);
    let mut values = times.values();
    values.extend(
        [
            ("ec2_requests", f64::from(requests)),
            ("nodes_with_skipped_checks", f64::from(skipped)),
            ("api_server_cpu_ms_per_node", cpu),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    Ok(Row {
        what: format!(
            "{AGENTS} boots in {} s, EC2 limited to a bucket of {} tokens and {} in a second",
            LENGTH.as_secs(),
            BUCKET.0,
            BUCKET.1
        ),
        measured: format!(
            "whole `run`: {}; {requests} EC2 requests; {skipped} nodes skipped a check; API server {cpu:.1} ms CPU for each node",
            times.text()
        ),
        values,
        ..Row::default()
    })
}
