//! The comparison of an ENIConfig with EC2 of moto: each mismatch has its own message.

use crate::real::real_cluster::{NODE, ready_cluster};
use crate::support::node::{Node, RunOutput, error, with_imds};
use crate::support::real_parts::{Account, Moto, moto, own_moto};
use eni_bootstrap_sandbox::{Imds, Instance, Interface, KubernetesApi};
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

const ADDRESSES_KEPT: &str = "the kubelet starts because the attached network interface eni-0123456789abcdef0 keeps its 3 pod addresses";

#[test]
fn full_subnet_does_not_block_a_node_with_an_attached_pod_interface() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let full = full_subnet(site.account, &site.vpc);
    site.eni_config(&full, &[]);
    site.imds.attach(&Interface { subnet_id: full.clone(), ..Interface::default() });
    let output = site.run_once();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = format!(
        "warning: verify: subnet: {full} has 1 free address, but a new node needs at least 2; {ADDRESSES_KEPT}; release addresses in {full}, or set spec.subnet to another subnet: {EDIT}\n"
    );
    assert!(output.stderr.contains(&warning), "{}", output.stderr);
}

#[test]
fn full_subnet_blocks_a_node_whose_other_interfaces_have_no_pod_addresses() {
    let Some(moto) = moto() else { return };
    let pods = Interface::default();
    for (interface, what) in [
        (Interface { subnet_id: "subnet-0multus".to_owned(), ..pods.clone() }, "another subnet"),
        (Interface { network_card: Some(1), ..pods.clone() }, "an EFA on another card"),
        (Interface { local_ipv4s: vec!["10.0.4.4".to_owned()], ..pods.clone() }, "a trunk"),
        (Interface { local_ipv4s: Vec::new(), ..pods.clone() }, "an EFA-only interface"),
        (Interface { device_number: 0, ..pods }, "the primary interface"),
    ] {
        let site = Site::new(moto);
        let full = full_subnet(site.account, &site.vpc);
        site.eni_config(&full, &[]);
        let is_elsewhere = interface.subnet_id == "subnet-0multus";
        let subnet_id = if is_elsewhere { interface.subnet_id.clone() } else { full.clone() };
        site.imds.attach(&Interface { subnet_id, ..interface });
        assert_eq!(
            site.rejection(),
            not_ready(
                &format!("{full} has 1 free address, but a new node needs at least 2"),
                &format!(
                    "release addresses in {full}, or set spec.subnet to another subnet: {EDIT}"
                )
            ),
            "{what}"
        );
    }
}

#[test]
fn full_subnet_does_not_block_a_registered_node_whose_pods_have_addresses() {
    let (Some(moto), Some(cluster)) = (moto(), ready_cluster()) else { return };
    let account = moto.account();
    let vpc = account.vpc("10.0.0.0/16");
    let full = full_subnet(account, &vpc);
    cluster.eni_config("us-west-2a", json!({ "subnet": full }));
    let imds = Imds::start(&Instance {
        user_data: Some(cluster.node_config().into_bytes()),
        vpc_id: vpc,
        zone_id: "usw2-az2".to_owned(),
        ..Instance::default()
    });
    let node = with_imds(&imds)
        .with("--ec2-endpoint", account.endpoint)
        .with("--eni-config-verify", "true")
        .with("--eni-config-wait", "0");
    let name = NODE.trim_start_matches("system:node:");
    let register = |instance: &str| {
        cluster.apply(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": { "name": name, "labels": { "k8s.amazonaws.com/eniConfig": "us-west-2a" } },
            "spec": { "providerID": format!("aws:///us-west-2a/{instance}") },
        }));
    };
    let pod = "/api/v1/namespaces/default/pods/web";
    register("i-0123456789abcdef0");
    cluster.apply(json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": "default" },
    }));
    cluster.apply(json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "web" },
        "spec": { "nodeName": name, "containers": [{ "name": "web", "image": "web" }] },
    }));
    let shortage = format!("{full} has 1 free address, but a new node needs at least 2");
    let help = format!("release addresses in {full}, or set spec.subnet to another subnet: {EDIT}");
    let without_address = node.run(["run"]);
    assert_eq!(error(&without_address), not_ready(&shortage, &help));

    cluster.set_status(pod, json!({ "phase": "Running", "podIP": "10.0.4.5" }));
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = format!(
        "warning: verify: subnet: {shortage}; the kubelet starts because 1 pod on this node already has an address; {help}\n"
    );
    assert!(output.stderr.contains(&warning), "{}", output.stderr);

    cluster.delete(&format!("/api/v1/nodes/{name}"));
    register("i-0fedcba9876543210");
    let of_another_instance = node.run(["run"]);
    assert_eq!(error(&of_another_instance), not_ready(&shortage, &help));
}

#[test]
fn subnet_without_a_free_prefix_does_not_block_a_node_with_an_attached_prefix() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let subnet = site.account.subnet(&site.vpc, "us-west-2a", "10.0.7.0/27");
    // Each of the two prefixes has a used address: of the VPC, and of an interface.
    site.account.interface(&subnet, "10.0.7.20");
    site.api.set_aws_node(Some(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENABLE_PREFIX_DELEGATION", "true"),
        ("WARM_PREFIX_TARGET", "1"),
    ]));
    site.eni_config(&subnet, &[]);
    site.imds.attach(&Interface {
        subnet_id: subnet.clone(),
        local_ipv4s: vec!["10.0.7.20".to_owned()],
        ipv4_prefixes: vec!["10.0.8.0/28".to_owned(), "10.0.8.16/28".to_owned()],
        ..Interface::default()
    });
    let output = site.run_once();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let warning = format!(
        "warning: verify: free prefixes: {subnet} has 26 free addresses, but no free /28 prefix; the kubelet starts because the attached network interface eni-0123456789abcdef0 keeps its 32 pod addresses; use a subnet that contains only pods, or reserve a range for prefixes: `aws ec2 create-subnet-cidr-reservation --subnet-id {subnet} --reservation-type prefix --cidr CIDR`\n"
    );
    assert!(output.stderr.contains(&warning), "{}", output.stderr);
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
