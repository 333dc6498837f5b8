//! The subnets of a node without custom networking: their tags and their free addresses.

mod recorded;

use crate::support::node::{DROP_IN, Node, RunOutput, imds_with, with_imds};
use eni_bootstrap_sandbox::{Ec2, Fault, Imds, Interface, KubernetesApi, Subnet};
use std::collections::BTreeMap;

const CURRENT: &str = "v1.23.2-eksbuild.1";
const OWN: &str = "subnet-0123456789abcdef0";
const PREFIXES: [(&str, &str); 2] =
    [("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "1")];

/// A node without custom networking in [`OWN`], which has 251 free addresses.
struct Site {
    api: KubernetesApi,
    ec2: Ec2,
    imds: Imds,
    node: Node,
}

impl Site {
    /// Returns a node in a cluster whose CNI has this version and these variables.
    fn new(version: &str, variables: &[(&str, &str)]) -> Self {
        let api = KubernetesApi::start();
        api.set_cni_version(version);
        api.set_aws_node(Some(variables));
        let imds = imds_with(api.node_config());
        let ec2 = Ec2::start(vec![Subnet::default()]);
        let node = with_imds(&imds)
            .with("--ec2-endpoint", ec2.endpoint())
            .with("--eni-config-verify", "true");
        Self { api, ec2, imds, node }
    }

    /// Runs once, and returns the lines about the subnets.
    fn lines(&self) -> Vec<String> {
        let output = self.run(&[]);
        let is_about = |line: &&str| line.contains("verify: ") || line.starts_with("warning: ");
        output.stderr.lines().filter(is_about).map(without_age).collect()
    }

    fn run(&self, arguments: &[&str]) -> RunOutput {
        let output = self.node.run(["run"].iter().chain(arguments));
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        output
    }

    fn max_pods(&self) -> String {
        let drop_in = self.node.read(DROP_IN).unwrap();
        let line = drop_in.lines().find_map(|line| line.trim().strip_prefix("maxPods: "));
        line.unwrap().to_owned()
    }
}

fn without_age(line: &str) -> String {
    match line.rsplit_once(" (").filter(|(_, age)| age.ends_with(" ago)")) {
        Some((before, _)) => format!("{before} (AGE)"),
        None => line.to_owned(),
    }
}

/// Returns a subnet in the zone of the node, with a value of the tag `kubernetes.io/role/cni`.
fn subnet(id: &str, free_addresses: u32, role: &str) -> Subnet {
    let tags = [("kubernetes.io/role/cni".to_owned(), role.to_owned())];
    let tags = BTreeMap::from(tags.map(|(key, value)| (key, value)));
    Subnet { id: id.to_owned(), free_addresses, tags, ..Subnet::default() }
}

#[test]
fn one_request_serves_the_plan_and_the_check() {
    for version in [CURRENT, "v1.20.4-eksbuild.1"] {
        let site = Site::new(version, &[]);
        assert_eq!(
            site.lines(),
            [format!("verify: subnet: {OWN} is in us-west-2a and has 251 free addresses")]
        );
        assert_eq!(site.ec2.requests(), ["DescribeSubnets"], "{version}");
        let check = site.node.run(["check"]);
        assert_eq!(check.status, Some(0), "{}", check.stdout);
        let line = format!("ok       subnet     {OWN} is in us-west-2a and has 251 free addresses");
        assert!(check.stdout.lines().any(|it| it == line), "{}", check.stdout);
        assert_eq!(site.ec2.requests(), ["DescribeSubnets"; 2], "{version}");
    }
}

#[test]
fn a_shortage_of_addresses_is_a_warning() {
    let site = Site::new(CURRENT, &[]);
    let own = |free_addresses| Subnet { free_addresses, ..Subnet::default() };
    site.ec2.set_subnets(vec![own(1)]);
    assert_eq!(
        site.lines(),
        [format!(
            "warning: verify: subnet: {OWN} has 1 free address, but a new node needs at least 2; release addresses in {OWN}, or set the tag kubernetes.io/role/cni=1 on another subnet in the zone"
        )]
    );
    let check = site.node.run(["check"]);
    assert_eq!(check.status, Some(0), "{}", check.stdout);
    site.ec2.set_subnets(vec![own(1), subnet("subnet-0b", 20, "1"), subnet("subnet-0c", 90, "0")]);
    assert_eq!(
        site.lines(),
        [format!(
            "warning: verify: subnet: {OWN} and subnet-0b have 21 free addresses, but the pods of this node can use up to 27; add a larger subnet before the node runs out of addresses"
        )]
    );
    site.api.set_aws_node(Some(&[("ENABLE_SUBNET_DISCOVERY", "false")]));
    assert_eq!(
        site.lines(),
        [format!(
            "warning: verify: subnet: {OWN} has 1 free address, but a new node needs at least 2; release addresses in {OWN}, or start nodes in a larger subnet"
        )]
    );
}

#[test]
fn an_excluded_subnet_of_the_node_is_not_checked() {
    let site = Site::new(CURRENT, &[]);
    site.ec2.set_subnets(vec![subnet(OWN, 251, "0"), subnet("subnet-0b", 5, "1")]);
    assert_eq!(
        site.lines(),
        [
            "warning: verify: subnet: subnet-0b has 5 free addresses, but the pods of this node can use up to 18; add a larger subnet before the node runs out of addresses"
        ]
    );
    assert_eq!(site.max_pods(), "20");
}

#[test]
fn addresses_of_attached_interfaces_are_not_missing_after_a_reboot() {
    let site = Site::new(CURRENT, &[]);
    site.ec2.set_subnets(vec![Subnet { free_addresses: 0, ..Subnet::default() }]);
    let attached = |number: u8| Interface {
        id: format!("eni-{number}"),
        mac: format!("02:00:00:00:01:{number:02}"),
        device_number: u32::from(number),
        subnet_id: OWN.to_owned(),
        local_ipv4s: (1..=10).map(|host| format!("192.0.2.{host}")).collect(),
        ..Interface::default()
    };
    site.imds.attach(&attached(1));
    assert_eq!(
        site.lines(),
        [format!(
            "warning: verify: subnet: {OWN} has 0 free addresses, but the pods of this node can use up to 18 more; add a larger subnet before the node runs out of addresses"
        )]
    );
    site.imds.attach(&attached(2));
    let primary = "meta-data/network/interfaces/macs/02:00:00:00:00:01";
    site.imds.set(&format!("{primary}/local-ipv4s"), attached(0).local_ipv4s.join("\n"));
    assert_eq!(
        site.lines(),
        [format!("verify: subnet: {OWN} is in us-west-2a and has 0 free addresses")]
    );
}

#[test]
fn free_prefixes_are_counted_only_if_the_free_addresses_do_not_decide() {
    let site = Site::new(CURRENT, &PREFIXES);
    let enough = format!("verify: free prefixes: {OWN} has at least 11 free /28 prefixes");
    assert_eq!(site.lines()[1..], [enough]);
    assert_eq!(site.ec2.requests(), ["DescribeSubnets"]);
    // Each of the 14 prefixes without reserved addresses contains a used address.
    let used: Vec<String> = (1..15).map(|block| format!("192.0.2.{}", block * 16)).collect();
    let own = Subnet { free_addresses: 120, used, ..Subnet::default() };
    site.ec2.set_subnets(vec![own.clone()]);
    let ok = format!("verify: subnet: {OWN} is in us-west-2a and has 120 free addresses");
    let uncounted = format!(
        "verify: free prefixes skipped: {OWN} has 120 free addresses and between 0 and 7 free /28 prefixes; run `eni-bootstrap check` to count them"
    );
    assert_eq!(site.lines(), [ok, uncounted]);
    site.ec2.set_subnets(vec![Subnet { free_addresses: 100, ..own.clone() }]);
    assert_eq!(
        site.lines()[1],
        format!(
            "warning: verify: free prefixes: {OWN} has at most 6 free /28 prefixes, but the pods of this node can use up to 7; add a larger subnet before the node runs out of addresses"
        )
    );
    site.ec2.set_subnets(vec![own.clone()]);
    assert_eq!(site.ec2.requests(), ["DescribeSubnets"; 3], "`run` lists no network interfaces");
    let check = |text: &str| {
        let output = site.node.run(["check"]);
        assert!(output.stdout.contains(text), "{}", output.stdout);
    };
    check(&format!("{OWN} has 120 free addresses, but no free /28 prefix\n"));
    let small = Subnet { cidr: "198.51.100.0/26".to_owned(), ..subnet("subnet-0b", 40, "1") };
    site.ec2.set_subnets(vec![own, small]);
    check(&format!(
        "{OWN} and subnet-0b have 2 free /28 prefixes, but the pods of this node can use up to 7\n"
    ));
    site.ec2.deny("DescribeNetworkInterfaces");
    check("access denied for ec2:DescribeNetworkInterfaces: UnauthorizedOperation");
}

#[test]
fn a_denied_or_failed_request_is_one_line() {
    let denied = "access denied for ec2:DescribeSubnets: UnauthorizedOperation: You are not authorized to perform this operation.";
    let site = Site::new("v1.20.4-eksbuild.1", &[]);
    site.ec2.deny("DescribeSubnets");
    assert_eq!(
        site.lines(),
        [format!(
            "verify: subnet skipped: {denied}; allow `ec2:DescribeSubnets` in the IAM policy of this role or user; /usr/share/eni-bootstrap/iam-policy.json contains every action"
        )]
    );
    let check = site.node.run(["check"]);
    assert_eq!(check.status, Some(2), "{}", check.stdout);
    let site = Site::new(CURRENT, &[("ENABLE_SUBNET_DISCOVERY", "false")]);
    site.ec2.deny("DescribeSubnets");
    let assumed = "max-pods is computed as if no tag excludes the subnet of the node";
    let help = "allow ec2:DescribeSubnets for the IAM role of the node, or set cni.primary-subnet-excluded";
    assert_eq!(site.lines(), [format!("warning: plan: {denied}; {assumed}; {help}")]);
    assert_eq!(site.ec2.requests(), ["DescribeSubnets"]);

    let site = Site::new("v1.20.4-eksbuild.1", &[]);
    site.ec2.faults().fail_always_matching("", Fault::Status(503));
    let failed =
        "no successful response for ec2:DescribeSubnets: HTTP status 503 without an error code";
    assert_eq!(site.lines(), [format!("verify: subnet skipped: {failed}")]);
}

#[test]
fn a_node_whose_subnet_ec2_does_not_return_is_not_checked() {
    let site = Site::new("v1.20.4-eksbuild.1", &[]);
    site.ec2.set_subnets(vec![subnet("subnet-0b", 5, "1")]);
    assert_eq!(site.lines(), [format!("verify: subnet skipped: {OWN} not found in us-west-2a")]);
}

#[test]
fn ec2_is_not_called_if_nothing_depends_on_the_subnets() {
    for version in [CURRENT, "v1.20.4-eksbuild.1"] {
        let site = Site::new(version, &[]);
        site.run(&["--cni-source=settings", "--cni-custom-networking=false"]);
        assert!(site.ec2.requests().is_empty(), "{version}");
    }
    let ipv6 =
        Site::new("v1.20.4-eksbuild.1", &[("ENABLE_IPv6", "true"), PREFIXES[0], PREFIXES[1]]);
    ipv6.run(&[]);
    assert!(ipv6.ec2.requests().is_empty());
    let site = Site::new("v1.20.4-eksbuild.1", &[]);
    let node = with_imds(&site.imds).with("--ec2-endpoint", site.ec2.endpoint());
    let output = node.run(["run", "--eni-config-verify=false"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(site.ec2.requests().is_empty());
}

#[test]
fn a_node_in_imds_only_mode_waits_two_seconds_for_ec2() {
    let site = Site::new(CURRENT, &[("ENABLE_IMDS_ONLY_MODE", "true")]);
    site.imds.attach(&Interface::default());
    site.ec2.faults().fail_always_matching("", Fault::Hang);
    let output = site.run(&[]);
    let reason = "no successful response for ec2:DescribeSubnets: no response within 2.0 s";
    assert!(output.stderr.contains(reason), "{}", output.stderr);
}

#[test]
fn wait_without_custom_networking_does_not_call_ec2() {
    let site = Site::new(CURRENT, &[]);
    let output = site.node.run(["wait"]);
    assert_eq!(output.status, Some(64), "{}", output.stderr);
    assert!(site.ec2.requests().is_empty());
}
