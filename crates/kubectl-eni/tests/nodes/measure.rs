//! The time and memory of the command in a large cluster.

use super::support::{Plugin, SUBNETS, create_all, service_account};
use eni_bootstrap_real_parts::{Who, cluster};
use eni_bootstrap_sandbox::fleet::{self, FleetNode};
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::{Value, json};
use std::time::Instant;

const NODES: u32 = 5_000;
/// Including the two of the host network.
const PODS_ON_EACH: u32 = 3;
/// The fields that a kubelet reports and the audit skips make a Node of a real cluster this large.
const IMAGES: usize = 30;

/// Prints the time and the peak memory for 5,000 nodes and 15,000 pods. Run it with
/// `cargo test -p kubectl-eni --test nodes -- --ignored --nocapture`.
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
    create_all(&cluster, &objects);
    let pods: Vec<Value> = nodes.iter().flat_map(|node| node.pods(PODS_ON_EACH - 2)).collect();
    create_all(&cluster, &pods);

    let plugin = Plugin::new(&cluster.kubeconfig(Who::Admin));
    for arguments in [&["--no-pods"][..], &[], &[], &[]] {
        let started = Instant::now();
        let (code, text, stderr) = plugin.run(arguments);
        let elapsed = started.elapsed();
        // The largest of all processes so far that this process has waited for: only those of the program.
        let peak = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap().max_rss() >> 10;
        assert_eq!((code, stderr.as_str()), (0, ""), "{text}");
        assert!(text.starts_with("5000 nodes: 5000 right\n"), "{text}");
        let build = if cfg!(debug_assertions) { "debug" } else { "release" };
        let pods = pods.len();
        println!(
            "nodes {}: {:.2} s, peak {peak} MiB ({NODES} nodes, {pods} pods, {build} build)",
            arguments.join(" "),
            elapsed.as_secs_f64()
        );
    }
}
