//! Boots with the recorded state of the node's subnet, because EC2 or the API server does not respond.

use super::{CURRENT, OWN, Site, subnet, without_age};
use eni_bootstrap_sandbox::{Fault, Subnet};
use serde_json::Value;

const RECORD: &str = "var/lib/eni-bootstrap/last-run.json";

#[test]
fn a_later_boot_without_ec2_uses_the_recorded_state_of_the_subnet() {
    let site = Site::new(CURRENT, &[]);
    site.ec2.set_subnets(vec![subnet(OWN, 251, "0"), subnet("subnet-0b", 251, "1")]);
    site.run(&[]);
    assert_eq!(site.max_pods(), "20");
    let record = site.node.read(RECORD).unwrap();
    let value: Value = serde_json::from_str(&record).unwrap();
    assert_eq!(value["primary-subnet"], "excluded");
    let earlier = "2026-01-02T03:04:05Z";
    site.node.file(RECORD, &record.replace(value["time"].as_str().unwrap(), earlier));
    site.ec2.faults().fail_always_matching("", Fault::Status(503));
    let failed =
        "no successful response for ec2:DescribeSubnets: HTTP status 503 without an error code";
    assert_eq!(
        site.lines(),
        [format!(
            "warning: plan: {failed}; using the state of the node's subnet (excluded from pods) of the last successful run (AGE)"
        )]
    );
    assert_eq!(site.max_pods(), "20");
    let renewed: Value = serde_json::from_str(&site.node.read(RECORD).unwrap()).unwrap();
    assert_ne!(renewed["time"], earlier, "the other values are current");
    assert_eq!(renewed["primary-subnet"], "excluded");

    let assumed = format!(
        "warning: plan: {failed}; max-pods is computed as if no tag excludes the subnet of the node; check the route to the EC2 endpoint, or set cni.primary-subnet-excluded"
    );
    let without_fallback = site.run(&["--fallback-wait=off"]);
    assert!(without_fallback.stderr.lines().any(|it| it == assumed), "{}", without_fallback.stderr);
    assert_eq!(site.max_pods(), "29");
    // A record of an earlier version.
    site.node.file(RECORD, &record.replace("  \"primary-subnet\": \"excluded\",\n", ""));
    assert_eq!(site.lines(), [assumed]);
    assert_eq!(site.max_pods(), "29");
}

/// The API server fails until the CNI configuration has been replaced by the record, then responds.
#[test]
fn a_cni_version_that_changed_during_the_outage_is_applied() {
    let site = Site::new("v1.20.4-eksbuild.1", &[]);
    site.ec2.set_subnets(vec![subnet(OWN, 251, "0"), subnet("subnet-0b", 251, "1")]);
    site.run(&[]);
    assert_eq!(site.max_pods(), "29");
    site.api.set_cni_version(CURRENT);
    site.api.faults().fail_next_matching("daemonsets", 1, Fault::Status(503));
    let output = site.run(&["--fallback-wait=0"]);
    assert_eq!(site.max_pods(), "20", "{}", output.stderr);
}

const USES_RECORD: &str =
    "using the state of the node's subnet (excluded from pods) of the last successful run (AGE)";

/// Returns a node after a successful run, whose subnet a tag excludes.
fn excluded() -> Site {
    let site = Site::new(CURRENT, &[]);
    site.ec2.set_subnets(vec![subnet(OWN, 251, "0"), subnet("subnet-0b", 251, "1")]);
    site.run(&[]);
    assert_eq!(site.max_pods(), "20");
    site
}

#[test]
fn a_boot_without_the_api_server_does_not_wait_for_ec2() {
    let site = excluded();
    site.api.faults().fail_always_matching("", Fault::Status(503));
    let output = site.run(&["--fallback-wait=0"]);
    let warnings: Vec<String> = output.stderr.lines().map(without_age).collect();
    let expected = format!(
        "warning: plan: ec2:DescribeSubnets not called without the API server; {USES_RECORD}"
    );
    assert!(warnings.contains(&expected), "{}", output.stderr);
    assert_eq!(site.max_pods(), "20");
    assert_eq!(site.ec2.requests(), ["DescribeSubnets"], "only the first run");
}

/// The API server responds again after the CNI configuration has been replaced by the record.
#[test]
fn the_tags_are_read_if_the_api_server_responds_again() {
    let site = excluded();
    site.ec2.set_subnets(vec![Subnet::default()]);
    site.api.faults().fail_next_matching("daemonsets", 1, Fault::Status(503));
    let output = site.run(&["--fallback-wait=0"]);
    assert_eq!(site.max_pods(), "29", "{}", output.stderr);
    let checks = output.stderr.lines().filter(|line| line.contains("verify: subnet"));
    assert_eq!(checks.count(), 1, "{}", output.stderr);
    assert_eq!(site.ec2.requests(), ["DescribeSubnets"; 2]);
}

#[test]
fn check_and_run_use_the_same_recorded_state() {
    let site = excluded();
    site.ec2.deny("DescribeSubnets");
    let denied = "access denied for ec2:DescribeSubnets: UnauthorizedOperation: You are not authorized to perform this operation.";
    let help = "allow `ec2:DescribeSubnets` in the IAM policy of this role or user; /usr/share/eni-bootstrap/iam-policy.json contains every action";
    let without_age = |text: &str| {
        let (before, after) = text.split_once(" run (").unwrap();
        format!("{before} run (AGE){}", after.split_once(" ago)").unwrap().1)
    };
    let warning = format!("warning: plan: {denied}; {USES_RECORD}; {help}");
    let output = site.run(&[]);
    let line = output.stderr.lines().find(|line| line.contains(denied)).unwrap();
    assert_eq!(without_age(line), warning);
    assert_eq!(site.max_pods(), "20");
    let check = site.node.run(["check"]);
    assert_eq!(check.status, Some(2), "{}", check.stdout);
    let line = check.stderr.lines().find(|line| line.contains(denied)).unwrap();
    assert_eq!(without_age(line), warning);
    assert!(check.stdout.contains("max-pods   20: "), "{}", check.stdout);
    let skipped = format!("skipped  subnet     {denied}\n");
    assert!(check.stdout.contains(&skipped), "{}", check.stdout);
}
