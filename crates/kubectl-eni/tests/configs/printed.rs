//! The printed ENIConfigs, Helm values and JSON, and the errors of the selection.

use super::site::Site;
use eni_bootstrap_real_parts::helm;
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use tempfile::NamedTempFile;

const PODS: &[(&str, &str)] = &[("kubernetes.io/role/cni", "1"), ("tier", "pods")];

#[test]
fn one_eniconfig_for_each_zone_is_printed_in_each_format() {
    let Some(mut site) = Site::new(&[
        ("us-west-2a", "10.0.64.0/20", PODS),
        ("us-west-2b", "10.0.80.0/20", PODS),
        ("us-west-2c", "10.0.128.0/20", &[]),
    ]) else {
        return;
    };
    // A subnet with the same tag in another VPC is not a candidate.
    let other_vpc = site.account().vpc("10.1.0.0/16");
    let foreign = site.account().subnet(&other_vpc, "us-west-2a", "10.1.64.0/21");
    site.account().tag(&foreign, "tier", "pods");
    let foreign_group = site.account().group(&other_vpc, "other");
    for (id, name) in [(&other_vpc, "f0"), (&foreign, "f1"), (&foreign_group, "f2")] {
        site.name(id, name);
    }

    let one_zone_is_missing = ["--subnet-tag", "tier=pods"];
    let complete = ["--cidr", "10.0.64.0/18,10.0.128.0/20"];
    let (a, b) = (
        site.subnet("us-west-2a", "10.0.64.0/20").to_owned(),
        site.subnet("us-west-2b", "10.0.80.0/20").to_owned(),
    );
    let c = site.subnet("us-west-2c", "10.0.128.0/20").to_owned();
    let ids = [a.as_str(), &b, &c].join(",");
    site.expect(
        "formats.txt",
        &[
            &complete,
            &[&complete[..], &["--output", "helm-values"]].concat(),
            &[&complete[..], &["--output", "json"]].concat(),
            &one_zone_is_missing,
            &[&one_zone_is_missing[..], &["--strict"]].concat(),
            &[
                "--subnet-ids",
                &ids,
                "--security-groups",
                &site.group,
                "--eni-config-name",
                "pods-{zone-id}",
            ],
        ],
    );

    values_render_the_same_eniconfigs(&site, &complete);

    let two_of_one_zone = format!("{a},{foreign}");
    site.expect(
        "errors.txt",
        &[
            &["--subnet-tag", "tier=nodes"],
            &["--subnet-ids", &two_of_one_zone],
            &["--subnet-ids", "subnet-00000000000000bad"],
            &["--subnet-ids", &foreign],
            &["--subnet-tag", "tier", "--security-groups", &foreign_group],
            &["--subnet-tag", "tier", "--security-groups", &foreign_group, "--output", "json"],
            &["--subnet-tag", "tier", "--eni-config-name", "pods"],
            &["--subnet-tag", "tier", "--eni-config-name", "{instance-type}"],
            &["--subnet-tag", "tier", "--apply", "--output", "yaml"],
            &["--subnet-tag", "tier", "--subnet-ids", "subnet-1"],
            &["--output", "json"],
        ],
    );

    site.set_cni(&[("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "1")]);
    site.expect("cni.txt", &[&complete]);
    site.cluster.delete("/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node");
    site.expect("no-cni.txt", &[&complete]);
}

/// Renders the chart with the printed values, and compares the ENIConfigs with the printed ones.
fn values_render_the_same_eniconfigs(site: &Site, selection: &[&str]) {
    let Some(helm) = helm() else { return };
    let documents = |yaml: &str| -> Vec<Value> { serde_saphyr::from_multiple(yaml).unwrap() };
    let printed = documents(&site.run(selection).stdout);
    let values = site.run(&[selection, &["--output", "helm-values"]].concat()).stdout;
    let home = tempfile::tempdir().unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(values.as_bytes()).unwrap();
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packaging/chart/eni-bootstrap");
    let mut command = Command::new(helm);
    command.env_clear().env("HOME", home.path()).args(["template", "test"]).arg(chart);
    command.arg("--values").arg(file.path()).arg("--show-only=templates/eniconfigs.yaml");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut rendered = documents(&String::from_utf8(output.stdout).unwrap());
    for object in &mut rendered {
        object["metadata"] = json!({ "name": object["metadata"]["name"] });
    }
    assert_eq!(rendered, printed);
}

#[test]
fn two_candidates_in_a_zone_are_listed_with_the_flag_that_decides() {
    let both = &[("kubernetes.io/role/cni", "1")];
    let Some(site) = Site::new(&[
        ("us-west-2a", "10.0.64.0/20", PODS),
        ("us-west-2a", "10.0.96.0/19", both),
        ("us-west-2b", "10.0.80.0/20", PODS),
        ("us-west-2c", "10.0.128.0/20", PODS),
        ("us-west-2c", "10.0.144.0/24", both),
    ]) else {
        return;
    };
    let ids = [
        site.subnet("us-west-2a", "10.0.96.0/19"),
        site.subnet("us-west-2b", "10.0.80.0/20"),
        site.subnet("us-west-2c", "10.0.128.0/20"),
    ];
    site.expect(
        "ambiguous.txt",
        &[
            &["--subnet-tag", "kubernetes.io/role/cni=1"],
            &["--cidr", "10.0.64.0/18,10.0.128.0/17"],
            &["--subnet-tag", "kubernetes.io/role/cni=1", "--subnet-tag", "tier=pods"],
            &["--subnet-ids", &ids.join(",")],
        ],
    );
}
