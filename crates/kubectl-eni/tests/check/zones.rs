//! The ENIConfigs of all zones.

use crate::check::site::{RunOutput, Site, ZONES, expect_golden};
use serde_json::Value;
use std::iter;

/// Asserts the exit code, an empty stderr, and the whole output with these ids replaced by names.
fn expect(output: &RunOutput, status: i32, golden: &str, ids: &[(&String, &str)]) {
    let (text, stderr) = (&output.stdout, output.stderr.as_str());
    assert_eq!((output.status, stderr), (Some(status), ""), "{text}");
    // The ids of subnets have the same length as those of EC2, so that the lines break as in reality.
    let steady = ids.iter().fold(text.clone(), |text, (id, name)| text.replace(*id, name));
    expect_golden(golden, &steady);
}

#[test]
fn every_zone_and_every_eniconfig_is_checked() {
    let Some(site) = Site::start() else { return };
    let subnets: Vec<String> =
        iter::zip(ZONES, 11..).map(|(zone, number)| site.subnet(zone, number)).collect();
    for (zone, subnet) in iter::zip(ZONES, &subnets) {
        site.eni_config(zone, subnet);
    }
    let names =
        ["subnet-aaaaaaaaaaaaaaaaa", "subnet-bbbbbbbbbbbbbbbbb", "subnet-ccccccccccccccccc"];
    let mut ids: Vec<(&String, &str)> = iter::zip(&subnets, names).collect();
    expect(&site.check(&[]), 0, "all-right.txt", &ids);
    assert_eq!(site.check(&["--strict"]).status, Some(0));
    expect(&site.check(&["--output", "json"]), 0, "all-right.json", &ids);

    // A name without a zone, such as that of another node group, and a zone without ENIConfig.
    site.cluster.delete("/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/us-west-2c");
    site.eni_config("old", "");
    expect(&site.check(&[]), 1, "zone-without-eniconfig.txt", &ids);

    site.cluster.delete("/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/old");
    let other = site.subnet("us-west-2a", 21);
    ids.push((&other, "subnet-ddddddddddddddddd"));
    site.eni_config("us-west-2c", &other);
    expect(&site.check(&[]), 1, "other-zone.txt", &ids);

    let full = site.account().subnet(&site.vpc, "us-west-2c", "10.0.22.0/28");
    for host in 4..14 {
        site.account().interface(&full, &format!("10.0.22.{host}"));
    }
    ids.push((&full, "subnet-eeeeeeeeeeeeeeeee"));
    site.eni_config("us-west-2c", &full);
    site.eni_config("default", &subnets[0]);
    expect(&site.check(&[]), 1, "full-subnet.txt", &ids);

    let one = site.check(&["--zones", "us-west-2a", "--output", "json"]);
    let result: Value = serde_json::from_str(&one.stdout).unwrap();
    let scopes: Vec<&str> =
        result["checks"].as_array().unwrap().iter().filter_map(|it| it["of"].as_str()).collect();
    assert_eq!(scopes.first(), Some(&"zone us-west-2a"));
    assert!(!scopes.contains(&"zone us-west-2b"), "{scopes:?}");

    let first_line = |template: &str| {
        let text = site.check(&["--zones=us-west-2a", "--eni-config-name", template]).stdout;
        let line = text.lines().skip_while(|it| *it != "zone us-west-2a").nth(1);
        line.unwrap().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(first_line("prod-{zone}"), "failed ENIConfig \"prod-us-west-2a\" not found");
    assert_eq!(
        first_line("{instance-type}"),
        "skipped ENIConfig the name contains {instance-type}, which is unknown for this zone"
    );
}

#[test]
fn without_custom_networking_no_eniconfig_is_needed() {
    let Some(site) = Site::start() else { return };
    let off = [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "false")];
    site.install("v1.23.2", &off);
    expect(&site.check(&[]), 0, "no-custom-networking.txt", &[]);
    let subnet = site.subnet("us-west-2a", 11);
    site.eni_config("us-west-2a", &subnet);
    let output = site.check(&["--zones=us-west-2a"]);
    expect(&output, 0, "unused-eniconfigs.txt", &[(&subnet, "subnet-aaaaaaaaaaaaaaaaa")]);
}

/// The name of the cluster on the command line does not matter.
#[test]
fn the_tags_are_compared_with_cluster_name_of_aws_node() {
    let Some(site) = Site::start() else { return };
    let subnet = site.subnet("us-west-2a", 11);
    site.account().tag(&subnet, "kubernetes.io/role/cni", "1");
    site.account().tag(&subnet, "cni.networking.k8s.aws/cluster/other", "shared");
    site.eni_config("us-west-2a", &subnet);
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let subnet_lines = |version: &str, variables: &[(&str, &str)], more: &[&str]| {
        site.install(version, variables);
        let arguments = [&["--zones=us-west-2a"], more].concat();
        let text = site.check(&arguments).stdout;
        let zone = text.split_once("zone us-west-2a\n").unwrap().1;
        let checks = zone.split_once("ok       security").unwrap().0;
        words(checks.split_once(" found\n").unwrap().1).replace(&subnet, "SUBNET")
    };
    let ok = "ok subnet SUBNET is in us-west-2a and has 251 free addresses";
    let excluded = "because of its tag cni.networking.k8s.aws/cluster/other (CLUSTER_NAME of aws-node is prod)";
    let named = [("CLUSTER_NAME", "prod")];
    let edit = "`kubectl edit eniconfig us-west-2a`";
    let failed = format!(
        "failed subnet the CNI assigns no pod addresses from SUBNET {excluded} → remove the tag, or set spec.subnet to another subnet: {edit}"
    );
    assert_eq!(subnet_lines("v1.23.2", &[], &[]), ok);
    assert_eq!(subnet_lines("v1.21.1", &named, &[]), ok);
    assert_eq!(subnet_lines("v1.23.2", &named, &[]), failed);
    assert_eq!(
        subnet_lines("stable", &named, &[]),
        format!(
            "{ok} warning subnet the version of the CNI is unknown; from 1.22.0, the CNI assigns no pod addresses from SUBNET {excluded} → add `--cni-version VERSION`; if it is 1.22.0 or later, remove the tag, or set spec.subnet to another subnet: {edit}"
        )
    );
    assert_eq!(subnet_lines("stable", &named, &["--cni-version=1.23.2"]), failed);
}
