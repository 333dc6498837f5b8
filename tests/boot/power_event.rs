//! A power failure of a zone: all its nodes boot at the same time, their subnet has no free address, and
//! the API server is overloaded.

use crate::support::boot::LABELS;
use crate::support::boot::kubelet::{EffectiveKubelet, Kubelet};
use crate::support::boot::machine::Machine;
use crate::support::boot::node::{Family::Al2023, Node};
use crate::support::real_parts::{Account, moto};
use eni_bootstrap_sandbox::{Fault, Imds, Instance, Interface, KubernetesApi};
use serde_json::json;
use std::fs;
use std::time::Duration;

/// The limit for the outage, which lasts one minute after the first failed request.
const OUTAGE_LIMIT: Duration = Duration::from_mins(10);
/// The number of reports about a wait in one minute. Consecutive reports are at least 15 s apart.
const REPORTS: usize = 4;
/// The folder that persists across boots.
const STATE: &str = "var/lib/eni-bootstrap";
const READY: &str = "ready: the node is ready for the kubelet";

/// A node of the zone, and its metadata service.
struct ZoneNode {
    node: Node,
    imds: Imds,
}

/// Prepares node `number`, a c5.large with eni-bootstrap in the cluster `api`.
fn zone_node(number: u8, api: &KubernetesApi, vpc: &str, ec2: &str) -> Option<ZoneNode> {
    let node = Node::new(&format!("power_event_{number}"), Al2023)?;
    let imds = Imds::start(&Instance {
        instance_id: format!("i-0000000000000000{number}"),
        zone_id: "usw2-az2".to_owned(), // moto's us-west-2a
        vpc_id: vpc.to_owned(),
        user_data: Some(api.node_config().into_bytes()),
        ..Instance::default()
    });
    node.use_imds_and_ec2(&imds.endpoint(), ec2);
    Some(ZoneNode { node, imds })
}

impl ZoneNode {
    /// Attaches a network interface in `subnet` with two pod addresses, as the CNI does.
    fn attach(&self, number: u8, account: Account<'_>, subnet: &str) {
        let addresses: Vec<String> =
            (0..3).map(|index| format!("10.0.4.{}", 4 + 3 * (number - 1) + index)).collect();
        for address in &addresses {
            account.interface(subnet, address);
        }
        self.imds.attach(&Interface {
            id: format!("eni-0000000000000000{number}"),
            subnet_id: subnet.to_owned(),
            local_ipv4s: addresses,
            ..Interface::default()
        });
    }
}

/// Asserts that the node has started the kubelet with its configuration.
fn assert_started(machine: &Machine) {
    machine.wait_until_booted();
    let expected = EffectiveKubelet::new(20, "475Mi", LABELS);
    assert_eq!(Kubelet::started(machine).effective(), expected, "{}", machine.console());
    machine.order().assert_order(&["eni-bootstrap.service", "nodeadm-run.service"]);
}

/// Returns whether the node has waited for one minute, or no longer waits.
fn has_waited(machine: &Machine) -> bool {
    let console = machine.console();
    console.matches("; retrying (").count() >= REPORTS || console.contains(READY)
}

/// The outage ends when each node has reported four times that the API server does not answer, which
/// takes one minute, or has started its kubelet without the API server. Only the first node may have
/// recorded its first boot.
#[test]
fn all_nodes_of_a_zone_start_again_after_a_power_failure() {
    let Some(moto) = moto() else { return };
    let account = moto.account();
    let vpc = account.vpc("10.0.0.0/16");
    let subnet = account.subnet(&vpc, "us-west-2a", "10.0.4.0/28");
    let api = KubernetesApi::start();
    api.apply("us-west-2a", json!({ "subnet": subnet }));
    let nodes: Option<Vec<ZoneNode>> =
        (1..=3).map(|number| zone_node(number, &api, &vpc, &moto.endpoint)).collect();
    let Some(nodes) = nodes else { return };
    let boot = || nodes.iter().map(|it| it.node.boot()).collect::<Vec<_>>();

    // The first boots, with free addresses in the subnet. Then the CNI attaches network interfaces.
    let machines = boot();
    machines.iter().for_each(assert_started);
    machines.into_iter().for_each(Machine::power_off);
    for (number, node) in (1..).zip(&nodes) {
        node.attach(number, account, &subnet);
    }
    // Other nodes use the last two addresses.
    for address in ["10.0.4.13", "10.0.4.14"] {
        account.interface(&subnet, address);
    }

    for ZoneNode { node, .. } in &nodes[1..] {
        let _ = fs::remove_dir_all(node.path(STATE));
    }

    api.faults().fail_always_matching("", Fault::Status(503));
    let machines = boot();
    for machine in &machines {
        machine.wait_up_to(OUTAGE_LIMIT, "minute of waiting", || has_waited(machine));
    }
    api.faults().clear();
    machines.iter().for_each(assert_started);
    for (number, machine) in (1..).zip(&machines) {
        let journal = machine.journal("eni-bootstrap");
        assert!(journal.contains(READY), "{journal}");
        if number == 1 {
            continue;
        }
        let warning = format!(
            "verify: subnet: {subnet} has 0 free addresses, but a new node needs at least 2; the kubelet starts because the attached network interface eni-0000000000000000{number} keeps its 2 pod addresses; "
        );
        assert!(journal.contains(&warning), "{journal}");
    }
}
