//! Many nodes at one kube-apiserver, and the requests of one boot.

mod admin;
mod agents;
mod boot;
mod byte_counter;
mod latency;
mod metrics;
mod simulated;
mod storm;
mod times;

use std::error::Error;
use std::path::Path;

use serde_json::json;

use crate::groups::Results;
use crate::parts::Parts;
use crate::scheduling::Policy;
use eni_bootstrap_real_parts::Cluster;

/// Runs the group `fleet`.
///
/// # Errors
///
/// Returns an error if a server or an agent does not start.
pub fn run(parts: &Parts) -> Result<Results, Box<dyn Error>> {
    let mut results = Results::from(boot::rows(parts)?);
    // The servers and agents have the policy of this process when it starts them.
    Policy::RealTime.set()?;
    let waits = latency::run(parts, &cluster(parts)?)?;
    results.rows.extend(waits.rows);
    results.measurements.extend(waits.measurements);
    Policy::Normal.set()?;
    let cluster = cluster(parts)?;
    results.rows.push(storm::row(parts, &cluster)?);
    results.rows.extend(simulated::rows(parts, &cluster)?);
    Ok(results)
}

/// Starts a kube-apiserver with the permissions of nodes and with custom networking.
fn cluster(parts: &Parts) -> Result<Cluster, Box<dyn Error>> {
    let programs = parts.real_parts.join("kubernetes");
    if !programs.join("kube-apiserver").exists() {
        return Err("kube-apiserver not found; run `tests/real/install.sh kubernetes`".into());
    }
    let cluster = Cluster::start(&programs, simulated::AGENTS);
    cluster.apply_file(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/rbac.yaml"));
    cluster.install_cni(json!([
        { "name": "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "value": "true" },
    ]));
    Ok(cluster)
}
