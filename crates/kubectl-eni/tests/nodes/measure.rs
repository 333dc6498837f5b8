//! The time and memory of the command in a large cluster.

use super::support::{Plugin, SUBNETS};
use eni_bootstrap_real_parts::{Who, cluster, service_account};
use eni_bootstrap_sandbox::fleet::{self, FleetNode};
use serde_json::{Value, json};
use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const NODES: u32 = 5_000;
/// Including the two of the host network.
const PODS_ON_EACH: u32 = 3;
/// The fields that a kubelet reports and the audit skips make a Node of a real cluster this large.
const IMAGES: usize = 30;

/// Prints the time and the peak memory for 5,000 nodes and 15,000 pods. Run it with
/// `cargo test -p kubectl-eni --test plugin measure -- --ignored --nocapture`. The environment variable `KUBECTL_ENI` is
/// the path of a release build.
#[test]
#[ignore = "a measurement, which takes minutes"]
#[expect(clippy::print_stdout, reason = "the result of the measurement")]
fn five_thousand_nodes() {
    let Some(cluster) = cluster() else { return };
    cluster.install_cni(fleet::environment());
    let nodes: Vec<FleetNode> =
        (1..=NODES).map(|number| FleetNode::new(number, "m5.large")).collect();
    let image = "602401143452.dkr.ecr.us-west-2.amazonaws.com/eks/example-of-an-image";
    let images: Vec<Value> = (0..IMAGES)
        .map(|it| json!({ "names": [format!("{image}-{it}:v1.2.3")], "sizeBytes": 123_456_789 }))
        .collect();
    let mut objects = vec![service_account("default", "default")];
    objects.extend(fleet::eni_configs(SUBNETS));
    objects.extend(nodes.iter().map(|node| {
        let mut object = node.object();
        object["status"]["images"] = images.clone().into();
        object
    }));
    cluster.create_all(&objects);
    let pods: Vec<Value> = nodes.iter().flat_map(|node| node.pods(PODS_ON_EACH - 2)).collect();
    cluster.create_all(&pods);

    let plugin = Plugin::new(&cluster.kubeconfig(Who::Admin));
    for arguments in [&["--no-pods"][..], &[], &[], &[]] {
        let started = Instant::now();
        let command = plugin.command(arguments).stdout(Stdio::piped()).spawn();
        let (output, peak) = peak_memory(command.unwrap());
        let elapsed = started.elapsed();
        assert!(output.starts_with("5000 nodes: 5000 right\n"), "{output}");
        println!(
            "nodes {}: {:.2} s, peak {peak} MiB ({NODES} nodes, {} pods)",
            arguments.join(" "),
            elapsed.as_secs_f64(),
            pods.len(),
        );
    }
}

/// Waits for the end of the program. Returns its output, and the peak of its memory in MiB.
///
/// The peak in the resource usage of a child also contains the memory of this process before `exec`.
fn peak_memory(mut program: Child) -> (String, u64) {
    let status = format!("/proc/{}/status", program.id());
    let mut peak = 0;
    while program.try_wait().unwrap().is_none() {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak = peak.max(kibibytes.unwrap_or(0));
        thread::sleep(Duration::from_millis(2));
    }
    let output = program.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    (String::from_utf8(output.stdout).unwrap(), peak >> 10)
}
