//! `--dry-run=server` and `--apply` against a real API server.

use super::site::{Site, expect_golden};
use eni_bootstrap_real_parts::cluster;
use serde_json::json;

const PODS: &[(&str, &str)] = &[("tier", "pods")];
const TAG: [&str; 2] = ["--subnet-tag", "tier"];

/// Returns the arguments with the tag.
fn with<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&TAG[..], arguments].concat()
}

#[test]
fn apply_creates_and_changes_eniconfigs_and_reports_conflicts() {
    let Some(mut site) = Site::new(&[
        ("us-west-2a", "10.0.64.0/20", PODS),
        ("us-west-2b", "10.0.80.0/20", PODS),
        ("us-west-2c", "10.0.96.0/20", PODS),
    ]) else {
        return;
    };
    let group = site.account().group(&site.vpc, "pods");
    site.name(&group, "1");
    let group_flag = format!("--security-groups={group}");
    let mut texts = Vec::new();
    let run = |site: &Site, arguments: &[&str]| {
        let arguments = with(arguments);
        let shown = arguments.join(" ").replace(&group, "sg-00000000000000001");
        site.run(&arguments).text(&[&shown])
    };

    texts.push(run(&site, &["--dry-run=server"]));
    assert_eq!(site.spec("us-west-2a"), None, "a dry run creates nothing");

    let of_another_owner = json!({ "subnet": "subnet-1", "securityGroups": ["sg-1"] });
    site.cluster.eni_config("us-west-2b", of_another_owner.clone());
    texts.push(run(&site, &["--dry-run=server"]));
    texts.push(run(&site, &["--apply"]));
    assert_eq!(site.spec("us-west-2a"), None, "a conflict in one zone changes no zone");
    assert_eq!(site.spec("us-west-2b"), Some(of_another_owner));
    texts.push(run(&site, &["--apply", "--output", "json"]));

    site.cluster.delete("/apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/us-west-2b");
    texts.push(run(&site, &["--apply"]));
    let created = site.spec("us-west-2a");
    assert_eq!(
        created,
        Some(
            json!({ "subnet": "subnet-00000000a10064020", "securityGroups": ["sg-00000000000000000"] })
        )
    );
    texts.push(run(&site, &["--apply"]));
    texts.push(run(&site, &["--dry-run=server", &group_flag]));
    assert_eq!(site.spec("us-west-2a"), created, "a dry run changes nothing");
    texts.push(run(&site, &["--apply", &group_flag]));
    assert_eq!(site.spec("us-west-2a").unwrap()["securityGroups"], json!(["sg-00000000000000001"]));
    texts.push(run(&site, &["--apply", &group_flag, "--output", "json"]));

    // A failed check: nothing is sent.
    let other_vpc = site.account().vpc("10.1.0.0/16");
    let foreign = site.account().group(&other_vpc, "other");
    site.name(&other_vpc, "f0");
    site.name(&foreign, "f2");
    let foreign_flag = format!("--security-groups={foreign}");
    let arguments = with(&["--apply", &foreign_flag]);
    texts.push(
        site.run(&arguments)
            .text(&["--subnet-tag tier --apply --security-groups=sg-000000000000000f2"]),
    );
    assert_eq!(site.spec("us-west-2a").unwrap()["securityGroups"], json!(["sg-00000000000000001"]));

    // Without the CNI, the API server has no resource type ENIConfig.
    let Some(empty) = cluster() else { return };
    site.cluster = empty;
    texts.push(run(&site, &["--apply"]));
    expect_golden("apply.txt", &texts.join("\n"));
}
