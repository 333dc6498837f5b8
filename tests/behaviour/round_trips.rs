//! The requests of a boot, and which of them are in progress at the same time. Each round trip before the kubelet
//! delays the node, so an additional request or an additional dependency between requests fails here.
//!
//! The simulated services send the responses of a round when all its requests have arrived. If a request depends on a
//! response of the same round, the run does not end successfully.

use crate::support::node::{DROP_IN, Node, RunOutput, run_output};
use eni_bootstrap_sandbox::{Ec2, Imds, Instance, KubernetesApi, Subnet};
use serde_json::json;
use std::fs;
use std::process::Command;

/// The items that a boot reads in one round after the token.
const ITEMS: [&str; 15] = [
    "GET /latest/meta-data/instance-id",
    "GET /latest/meta-data/instance-type",
    "GET /latest/meta-data/mac",
    "GET /latest/meta-data/network/interfaces/macs/",
    "GET /latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/device-number",
    "GET /latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/interface-id",
    "GET /latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/ipv4-prefix",
    "GET /latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/local-ipv4s",
    "GET /latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/network-card",
    "GET /latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/subnet-id",
    "GET /latest/meta-data/network/interfaces/macs/02:00:00:00:00:01/vpc-id",
    "GET /latest/meta-data/placement/availability-zone",
    "GET /latest/meta-data/placement/availability-zone-id",
    "GET /latest/meta-data/placement/region",
    "GET /latest/user-data",
];
const TOKEN: &str = "PUT /latest/api/token";
/// The requests for the credentials of the instance, one after the other.
const CREDENTIALS: [&str; 3] = [
    TOKEN,
    "GET /latest/meta-data/iam/security-credentials/",
    "GET /latest/meta-data/iam/security-credentials/node",
];
const DAEMON_SET: &str = "GET /apis/apps/v1/namespaces/kube-system/daemonsets/aws-node";
const ENI_CONFIG: &str = "GET /apis/crd.k8s.amazonaws.com/v1alpha1/eniconfigs/us-west-2a";

/// Returns the requests of a first boot to IMDS and to the API server, sorted.
pub fn requests_of_a_first_boot() -> Vec<String> {
    let mut requests = owned(&[TOKEN, DAEMON_SET, ENI_CONFIG]);
    requests.extend(owned(&ITEMS).into_iter().chain(owned(&CREDENTIALS)));
    requests.sort();
    requests
}

/// An instance whose kernel has found the primary network interface, and its services.
pub struct Site {
    imds: Imds,
    api: KubernetesApi,
    ec2: Ec2,
    node: Node,
}

impl Site {
    pub fn new() -> Self {
        let api = KubernetesApi::start();
        api.apply("us-west-2a", json!({ "subnet": "subnet-0a", "securityGroups": ["sg-0a"] }));
        let ec2 = Ec2::start(vec![Subnet { id: "subnet-0a".to_owned(), ..Subnet::default() }]);
        let user_data = Some(api.node_config().into());
        let imds = Imds::start(&Instance { user_data, ..Instance::default() });
        let node = Node::al2023()
            .with("--imds-endpoint", imds.endpoint())
            .with("--ec2-endpoint", ec2.endpoint());
        node.file("sys/class/net/ens5/address", "02:00:00:00:00:01\n");
        node.file("sys/class/net/ens5/ifindex", "2\n");
        node.file("sys/class/net/ens5/device/vendor", "0x1d0f\n");
        Self { imds, api, ec2, node }
    }

    /// Returns the command for a run with the credentials of the instance.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.node.command(["run"].iter().chain(arguments));
        command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
        command
    }

    /// Returns the requests so far to IMDS and to the API server, sorted.
    pub fn requests(&self) -> Vec<String> {
        let mut requests = [self.imds.faults().seen(), self.api.faults().seen()].concat();
        requests.sort();
        requests
    }

    /// Runs with the credentials of the instance.
    fn run(&self, arguments: &[&str]) -> RunOutput {
        let output = run_output(self.command(arguments).output().unwrap());
        assert_eq!(output.status, Some(0), "{}", output.stderr);
        assert!(self.node.read(DROP_IN).is_some());
        output
    }

    /// Returns the requests since the first `before`, sorted within each round.
    fn imds_rounds(&self, before: usize, rounds: &[usize]) -> Vec<Vec<String>> {
        in_rounds(&self.imds.faults().seen()[before..], rounds)
    }
}

/// Splits `requests` into rounds of these sizes, and sorts each round. The last one has the rest.
fn in_rounds(requests: &[String], sizes: &[usize]) -> Vec<Vec<String>> {
    let mut rest = requests;
    let mut rounds = Vec::new();
    for size in sizes {
        let (round, further) = rest.split_at((*size).min(rest.len()));
        rest = further;
        rounds.push(round.to_vec());
    }
    rounds.extend((!rest.is_empty()).then(|| rest.to_vec()));
    for round in &mut rounds {
        round.sort();
    }
    rounds
}

fn owned(round: &[&str]) -> Vec<String> {
    round.iter().map(|&line| line.to_owned()).collect()
}

#[test]
fn a_first_boot_has_one_round_of_metadata_and_one_round_of_the_api_server() {
    let site = Site::new();
    for size in [1, ITEMS.len(), 1, 1, 1] {
        site.imds.faults().respond_together(size);
    }
    site.api.faults().respond_together(2);
    site.run(&[]);
    assert_eq!(
        site.imds_rounds(0, &[1, ITEMS.len(), 1, 1, 1]),
        [&[TOKEN], &ITEMS[..], &CREDENTIALS[..1], &CREDENTIALS[1..2], &CREDENTIALS[2..]].map(owned)
    );
    let api = site.api.faults();
    assert_eq!(in_rounds(&api.seen(), &[2]), [owned(&[DAEMON_SET, ENI_CONFIG])]);
    assert_eq!(api.connections(), 2);
    assert_eq!(site.ec2.faults().seen(), [""; 0]);
}

#[test]
fn the_verification_sends_its_ec2_requests_at_the_same_time() {
    let site = Site::new();
    site.ec2.faults().respond_together(2);
    site.run(&["--eni-config-verify=true"]);
    let mut actions = site.ec2.requests();
    actions.sort();
    assert_eq!(actions, ["DescribeSecurityGroups", "DescribeSubnets"]);
    // The token of the cluster and the EC2 requests use the same credentials.
    assert_eq!(site.imds.faults().seen().len(), 1 + ITEMS.len() + CREDENTIALS.len());
    assert_eq!(site.api.faults().seen().len(), 2);
}

#[test]
fn the_api_server_is_connected_while_metadata_is_requested_if_the_disk_has_its_endpoint() {
    let site = Site::new();
    let cluster = json!({ "name": "sandbox", "apiServerEndpoint": site.api.url(),
        "certificateAuthority": site.api.ca_base64(), "cidr": "10.100.0.0/16" });
    let config = json!({ "metadata": {}, "spec": { "cluster": cluster }, "status": {} });
    site.node.file("run/eks/nodeadm/config.json", &config.to_string());
    let token = site.imds.faults().hold_next_matching(TOKEN);
    let running = site.node.start(["run"]);
    site.api.faults().until_connections(2);
    assert_eq!(site.api.faults().seen(), [""; 0]);
    token.release();
    let output = running.end();
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let api = site.api.faults();
    assert_eq!((api.seen().len(), api.connections()), (2, 2));
}

#[test]
fn a_later_boot_also_reads_the_node_object() {
    let site = Site::new();
    site.run(&["--eni-config-verify=true"]);
    let before = site.api.faults().seen().len();
    site.run(&["--eni-config-verify=true"]);
    let mut later = site.api.faults().seen()[before..].to_vec();
    later[..2].sort();
    let review = "POST /apis/authentication.k8s.io/v1/selfsubjectreviews";
    assert_eq!(later, owned(&[DAEMON_SET, ENI_CONFIG, review]));
}

#[test]
fn a_network_interface_that_the_kernel_has_not_found_needs_further_rounds() {
    let site = Site::new();
    fs::remove_dir_all(site.node.root().join("sys")).unwrap();
    let [device, id, prefix, addresses, card, subnet, vpc] =
        [4, 5, 6, 7, 8, 9, 10].map(|item: usize| ITEMS[item]);
    site.run(&[]);
    let seen = site.imds.faults().seen();
    let mut metadata = seen[1..=ITEMS.len()].to_vec();
    let position = |line: &str| metadata.iter().position(|it| it == line).unwrap();
    let list = position(ITEMS[3]);
    for later in [device, card] {
        assert!(position(later) > list, "{metadata:#?}");
    }
    for latest in [id, subnet, addresses, prefix] {
        assert!(position(latest) > position(device), "{metadata:#?}");
    }
    assert!(position(vpc) > position(ITEMS[2]), "{metadata:#?}");
    metadata.sort();
    assert_eq!(metadata, ITEMS);
}
