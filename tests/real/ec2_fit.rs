//! The comparison of an ENIConfig with EC2 of moto: each mismatch has its own message.

mod full_subnets;

use crate::support::node::{Node, RunOutput, error};
use crate::support::real_parts::{Account, Moto, moto, own_moto};
use eni_bootstrap_sandbox::{Imds, Instance, KubernetesApi};
use serde_json::json;

const EDIT: &str = "`kubectl edit eniconfig us-west-2a`";

/// A node in a VPC of moto, with its metadata and its cluster.
pub struct Site<'a> {
    pub account: Account<'a>,
    pub vpc: String,
    pub api: KubernetesApi,
    pub node: Node,
    pub imds: Imds,
}

impl<'a> Site<'a> {
    pub fn new(moto: &'a Moto) -> Self {
        let account = moto.account();
        let vpc = account.vpc("10.0.0.0/16");
        let api = KubernetesApi::start();
        let imds = Imds::start(&Instance {
            user_data: Some(api.node_config().into_bytes()),
            vpc_id: vpc.clone(),
            zone_id: "usw2-az2".to_owned(), // moto's us-west-2a
            ..Instance::default()
        });
        let node = Node::al2023()
            .with("--imds-endpoint", imds.endpoint())
            .with("--ec2-endpoint", account.endpoint)
            .with("--eni-config-verify", "true");
        Self { account, vpc, api, node, imds }
    }

    /// Creates or changes the node's ENIConfig.
    pub fn eni_config(&self, subnet: &str, groups: &[&str]) {
        self.api.apply("us-west-2a", json!({ "subnet": subnet, "securityGroups": groups }));
    }

    fn run_once(&self) -> RunOutput {
        self.node.run(["run", "--eni-config-wait", "0"])
    }

    /// Returns the error of a run that does not wait.
    fn rejection(&self) -> String {
        let output = self.run_once();
        assert_eq!(output.status, Some(75), "{}", output.stderr);
        error(&output).to_owned()
    }
}

fn not_ready(cause: &str, help: &str) -> String {
    format!(
        "error: the node is not ready for the kubelet\n  caused by: ENIConfig us-west-2a is not ready\n  caused by: {cause}\n  help: {help}\n"
    )
}

#[test]
fn each_mismatch_has_its_own_message() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let (account, vpc) = (site.account, site.vpc.as_str());

    let other_zone = account.subnet(vpc, "us-west-2b", "10.0.1.0/24");
    site.eni_config(&other_zone, &[]);
    assert_eq!(
        site.rejection(),
        not_ready(
            &format!(
                "{other_zone} is in us-west-2b (usw2-az1), but the node is in us-west-2a (usw2-az2)"
            ),
            &format!("set spec.subnet to a subnet in us-west-2a: {EDIT}")
        )
    );

    let other_vpc = account.vpc("10.1.0.0/16");
    let of_other = account.subnet(&other_vpc, "us-west-2a", "10.1.1.0/24");
    site.eni_config(&of_other, &[]);
    assert_eq!(
        site.rejection(),
        not_ready(
            &format!("{of_other} is in {other_vpc}, but the node is in {vpc}"),
            &format!(
                "set spec.subnet to a subnet in {vpc}: {EDIT}; if pods intentionally use another VPC, set `eni-config.verify = false`"
            )
        )
    );

    site.eni_config("subnet-0123456789abcdef0", &[]);
    assert_eq!(
        site.rejection(),
        not_ready(
            "subnet-0123456789abcdef0 not found in us-west-2 in this AWS account",
            &format!("set spec.subnet to an existing subnet: {EDIT}")
        )
    );

    let good = account.subnet(vpc, "us-west-2a", "10.0.2.0/24");
    site.eni_config(&good, &["sg-0123456789abcdef0"]);
    let edit_groups = "`kubectl edit eniconfig us-west-2a`";
    assert_eq!(
        site.rejection(),
        not_ready(
            "security group sg-0123456789abcdef0 not found",
            &format!("set spec.securityGroups to existing security groups: {edit_groups}")
        )
    );

    let of_other = account.group(&other_vpc, "other");
    site.eni_config(&good, &[&of_other]);
    assert_eq!(
        site.rejection(),
        not_ready(
            &format!("security group {of_other} is in {other_vpc}, but the subnet is in {vpc}"),
            &format!("set spec.securityGroups to security groups in {vpc}: {edit_groups}")
        )
    );

    site.api.set_cni_version("v1.23.2-eksbuild.1");
    let excluded = account.subnet(vpc, "us-west-2a", "10.0.3.0/24");
    account.tag(&excluded, "kubernetes.io/role/cni", "0");
    site.eni_config(&excluded, &[]);
    assert_eq!(
        site.rejection(),
        not_ready(
            &format!(
                "the CNI assigns no pod addresses from {excluded} because of its tag kubernetes.io/role/cni=0"
            ),
            &format!("remove the tag, or set spec.subnet to another subnet: {EDIT}")
        )
    );

    let full = full_subnet(account, vpc);
    site.eni_config(&full, &[]);
    assert_eq!(
        site.rejection(),
        not_ready(
            &format!("{full} has 1 free address, but a new node needs at least 2"),
            &format!("release addresses in {full}, or set spec.subnet to another subnet: {EDIT}")
        )
    );

    let group = account.group(vpc, "pods");
    site.eni_config(&good, &[&group]);
    let output = site.run_once();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    for line in [
        format!("verify: subnet: {good} is in us-west-2a and has 251 free addresses\n"),
        format!("verify: security groups: {group}\n"),
    ] {
        assert!(output.stderr.contains(&line), "{line} in {}", output.stderr);
    }
}

/// Returns a /28 subnet with one unused address.
fn full_subnet(account: Account<'_>, vpc: &str) -> String {
    let full = account.subnet(vpc, "us-west-2a", "10.0.4.0/28");
    for host in 4..14 {
        account.interface(&full, &format!("10.0.4.{host}"));
    }
    full
}

#[test]
fn free_prefixes_are_counted() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let subnet = site.account.subnet(&site.vpc, "us-west-2a", "10.0.5.0/25");
    site.api.set_aws_node(Some(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENABLE_PREFIX_DELEGATION", "true"),
        ("WARM_PREFIX_TARGET", "1"),
    ]));
    site.eni_config(&subnet, &[]);
    let few = format!(
        "warning: verify: free prefixes: {subnet} has 6 free /28 prefixes, but the pods of this node can use up to 7; add a larger subnet before the node runs out of addresses\n"
    );
    let output = site.run_once();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    assert!(output.stderr.contains(&few), "{}", output.stderr);
    // Four of the six prefixes have one used address each, and the other two are reserved.
    for address in ["10.0.5.20", "10.0.5.40", "10.0.5.60", "10.0.5.70"] {
        site.account.interface(&subnet, address);
    }
    site.account.reserve(&subnet, "10.0.5.80/28");
    site.account.reserve(&subnet, "10.0.5.96/28");
    assert_eq!(
        site.rejection(),
        not_ready(
            &format!("{subnet} has 119 free addresses, but no free /28 prefix"),
            &format!(
                "use a subnet that contains only pods, or reserve a range for prefixes: `aws ec2 create-subnet-cidr-reservation --subnet-id {subnet} --reservation-type prefix --cidr CIDR`"
            )
        )
    );
}

#[test]
fn six_security_groups_are_a_warning_and_seventeen_a_failure() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let subnet = site.account.subnet(&site.vpc, "us-west-2a", "10.0.9.0/24");
    let groups: Vec<String> =
        (0..17).map(|number| site.account.group(&site.vpc, &format!("pods-{number}"))).collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    site.eni_config(&subnet, &groups[..6]);
    let output = site.run_once();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = "warning: verify: security groups: the ENIConfig lists 6 security groups, but the default quota allows 5 for a network interface; check that the quota is at least 6: `aws ec2 describe-account-attributes --attribute-names vpc-max-security-groups-per-interface --region us-west-2`\n";
    assert!(output.stderr.contains(warning), "{}", output.stderr);
    site.eni_config(&subnet, &groups);
    assert_eq!(
        site.rejection(),
        not_ready(
            "the ENIConfig lists 17 security groups, but a network interface can have at most 16",
            &format!("set spec.securityGroups to at most 16 security groups: {EDIT}")
        )
    );
}

#[test]
fn a_corrected_subnet_ends_the_wait_without_a_change_of_the_eniconfig() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let full = site.account.subnet(&site.vpc, "us-west-2a", "10.0.6.0/28");
    let interfaces: Vec<String> =
        (4..14).map(|host| site.account.interface(&full, &format!("10.0.6.{host}"))).collect();
    site.eni_config(&full, &[]);
    let mut run = site.node.start(["run"]);
    assert_eq!(
        run.until("warning: wait: "),
        format!(
            "warning: wait: ENIConfig us-west-2a does not fit this node: {full} has 1 free address, but a new node needs at least 2; release addresses in {full}, or set spec.subnet to another subnet: {EDIT}\n"
        )
    );
    for interface in interfaces {
        site.account.delete_interface(&interface);
    }
    let output = run.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
}

#[test]
fn checks_without_permission_are_skipped_and_logged() {
    let Some(moto) = own_moto() else { return };
    let site = Site::new(&moto);
    let subnet = site.account.subnet(&site.vpc, "us-west-2b", "10.0.1.0/24");
    site.eni_config(&subnet, &["sg-0123456789abcdef0"]);
    let other = json!({ "Version": "2012-10-17", "Statement":
        [{ "Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*" }] });
    let (key, secret) = site.account.user("nobody", &other);
    site.account.enforce_policies();
    let mut command = site.node.command(["run", "--eni-config-wait", "0"]);
    command.env("AWS_ACCESS_KEY_ID", key).env("AWS_SECRET_ACCESS_KEY", secret);
    let output = crate::support::node::run_output(command.output().unwrap());
    assert_eq!(output.status, Some(0), "the boot does not fail: {}", output.stderr);
    for (check, action) in
        [("subnet", "DescribeSubnets"), ("security groups", "DescribeSecurityGroups")]
    {
        let line = format!(
            "verify: {check} skipped: access denied for ec2:{action}: AccessDenied: User: arn:aws:iam::123456789012:user/nobody is not authorized to perform: ec2:{action}; allow `ec2:{action}` in the IAM policy of this role or user; /usr/share/eni-bootstrap/iam-policy.json contains every action\n"
        );
        assert!(output.stderr.contains(&line), "{line} in {}", output.stderr);
    }
}
