//! `--verify-subnets` against moto's EC2.

use super::support::Plugin;
use crate::support::expect_golden;
use eni_bootstrap_real_parts::{Who, cluster, moto};
use eni_bootstrap_sandbox::fleet::ZONES;

#[test]
fn the_zone_of_each_subnet_is_compared_with_that_of_the_nodes() {
    let (Some(cluster), Some(moto)) = (cluster(), moto()) else { return };
    let account = moto.account();
    let vpc = account.vpc("10.77.0.0/16");
    // The subnet of the third zone is in the first, by mistake.
    let zones = [ZONES[0], ZONES[1], ZONES[0]];
    let ranges = ["10.77.0.0/24", "10.77.1.0/24", "10.77.2.0/24"];
    let subnets: Vec<String> =
        zones.iter().zip(ranges).map(|(zone, range)| account.subnet(&vpc, zone, range)).collect();
    cluster.install_fleet([&subnets[0], &subnets[1], &subnets[2]]);
    let mut plugin = Plugin::new(&cluster.kubeconfig(Who::Admin));
    let in_zone = |zone: &str| format!("topology.kubernetes.io/zone={zone},karpenter.sh/nodepool");

    let (code, text, stderr) = plugin.run(&["--verify-subnets"]);
    let help = "error: the AWS region of the cluster is unknown\n  help: add `--region REGION`\n";
    assert_eq!((code, text.as_str(), stderr.as_str()), (64, "", help));

    plugin.variables = vec![
        ("AWS_REGION", "us-west-2".to_owned()),
        ("AWS_ENDPOINT_URL_EC2", moto.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", "a".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "b".to_owned()),
    ];
    let verify = |plugin: &Plugin, zone: &str| {
        plugin.run(&["--verify-subnets", "--no-pods", "--selector", &in_zone(zone)])
    };
    let (code, text, stderr) = verify(&plugin, ZONES[0]);
    assert_eq!((code, stderr.as_str()), (0, ""), "{text}");
    let (code, text, stderr) = verify(&plugin, ZONES[2]);
    assert_eq!((code, stderr.as_str()), (1, ""), "{text}");
    expect_golden("nodes-other-zone.txt", &text.replace(&subnets[2], "subnet-3"));

    // Without a server at the endpoint, the comparison is skipped.
    let closed = eni_bootstrap_real_parts::free_address();
    plugin.variables[1].1 = format!("http://{closed}");
    let (code, text, stderr) = verify(&plugin, ZONES[2]);
    assert_eq!((code, stderr.as_str()), (2, ""), "{text}");
    assert!(text.contains("\nskipped: subnets: "), "{text}");
}
