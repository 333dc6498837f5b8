//! 40 nodes, of which 6 are wrong in 6 different ways.

use super::support::{Plugin, SUBNETS};
use crate::support::{expect_golden, status_with_closed_pipe};
use eni_bootstrap_real_parts::{Who, cluster};
use eni_bootstrap_sandbox::fleet;
use serde_json::Value;
use std::collections::BTreeMap;

#[test]
fn the_six_wrong_nodes_are_found_and_no_right_one_is_reported() {
    let Some(cluster) = cluster() else { return };
    cluster.install_fleet(SUBNETS);
    let plugin = Plugin::new(&cluster.kubeconfig(Who::Admin));

    let (code, json, stderr) = plugin.run(&["--output", "json"]);
    assert_eq!((code, stderr.as_str()), (1, ""));
    let document: Value = serde_json::from_str(&json).unwrap();
    let verdict = |node: &Value| {
        let text = |key: &str| node[key].as_str().unwrap().to_owned();
        (text("name"), text("verdict"))
    };
    let found: BTreeMap<_, _> = document["nodes"].as_array().unwrap().iter().map(verdict).collect();
    let names: BTreeMap<u32, String> =
        fleet::nodes().iter().map(|node| (node.number, node.name())).collect();
    let wrong = fleet::WRONG.map(|(number, verdict)| (names[&number].clone(), verdict.to_owned()));
    assert_eq!(found, BTreeMap::from(wrong));
    expect_golden("nodes.json", &json);

    for (arguments, golden) in [
        (&["--all"][..], "nodes-all.txt"),
        (&[], "nodes.txt"),
        (&["--output", "prometheus"], "nodes.prom"),
        (&["--no-pods", "-l", "topology.kubernetes.io/zone=us-west-2a"], "nodes-zone.txt"),
    ] {
        let (code, text, stderr) = plugin.run(arguments);
        assert_eq!((code, stderr.as_str()), (1, ""), "{arguments:?}");
        expect_golden(golden, &text);
        let is_command = |line: &str| line.trim_start().starts_with("kubectl ");
        let prose = text.lines().filter(|line| !is_command(line) && !golden.ends_with("prom"));
        let wide: Vec<&str> = prose.filter(|line| line.chars().count() > 100).collect();
        assert_eq!(wide, Vec::<&str>::new(), "{golden}");
    }

    assert_eq!(status_with_closed_pipe(plugin.command(&[])), Some(1));

    let (code, text, stderr) = plugin.run(&["--selector", "karpenter.sh/nodepool=default"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    expect_golden("nodes-right.txt", &text);

    // With one network interface less for pods, the same nodes have a capacity of 11 pods.
    let settings = ["--selector", "karpenter.sh/nodepool=default", "--cni-reserved-enis", "1"];
    let (code, text, stderr) = plugin.run(&[&settings[..], &["--pods-extra", "9"]].concat());
    assert_eq!((code, stderr.as_str()), (0, ""), "9 more host-network pods: {text}");
    let (code, text, stderr) = plugin.run(&settings);
    assert_eq!((code, stderr.as_str()), (1, ""));
    expect_golden("nodes-reserved.txt", &text);

    let (code, text, stderr) = plugin.run(&["--selector", "a in b"]);
    assert_eq!((code, text.as_str()), (64, ""));
    expect_golden("nodes-selector.err", &stderr);
}
