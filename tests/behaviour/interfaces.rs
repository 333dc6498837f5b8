//! The attached network interfaces that the agent reads from the metadata service.

use crate::support::node::{RunOutput, imds_with, ready_api, with_imds};
use eni_bootstrap_sandbox::{Fault, Imds, Interface};
use serde_json::{Value, json};

const LIST: &str = "meta-data/network/interfaces/macs/";

/// Returns a metadata service with two network interfaces of the CNI, an EFA and an EFA-only one.
fn imds_with_interfaces() -> Imds {
    let imds = imds_with(ready_api().node_config());
    let pods = Interface::default();
    imds.attach(&pods);
    imds.attach(&Interface {
        id: "eni-0fedcba9876543210".to_owned(),
        mac: "02:00:00:00:00:03".to_owned(),
        device_number: 2,
        network_card: Some(0),
        local_ipv4s: vec!["192.0.2.30".to_owned()],
        ipv4_prefixes: vec!["192.0.2.64/28".to_owned(), "192.0.2.80/28".to_owned()],
        ..pods.clone()
    });
    imds.attach(&Interface {
        mac: "02:00:00:00:00:04".to_owned(),
        network_card: Some(1),
        ..pods.clone()
    });
    imds.attach(&Interface {
        id: "eni-0aaaaaaaaaaaaaaa0".to_owned(),
        mac: "02:00:00:00:00:05".to_owned(),
        device_number: 3,
        local_ipv4s: Vec::new(),
        ..pods
    });
    imds
}

fn plan(imds: &Imds) -> RunOutput {
    let output = with_imds(imds).run(["plan", "--cni-source", "settings", "--output", "json"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    output
}

fn interfaces(output: &RunOutput) -> Value {
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    plan["instance"]["interfaces"].clone()
}

fn expected() -> Value {
    let interface = |id: &str, addresses: u32, prefixes: u32| {
        json!({
            "id": id, "subnet-id": "subnet-0a",
            "secondary-addresses": addresses, "prefixes": prefixes,
        })
    };
    json!([
        interface("eni-0123456789abcdef0", 3, 0),
        interface("eni-0fedcba9876543210", 0, 2),
        interface("eni-0aaaaaaaaaaaaaaa0", 0, 0),
    ])
}

#[test]
fn attached_interfaces_of_the_first_network_card_are_read() {
    let imds = imds_with_interfaces();
    for path in [
        "macs/02:00:00:00:00:04/device-number",
        "02:00:00:00:00:02/local-ipv4s",
        "02:00:00:00:00:03/ipv4-prefix",
    ] {
        imds.faults().fail_next_matching(path, 1, Fault::Status(503));
    }
    let output = plan(&imds);
    assert_eq!(interfaces(&output), expected(), "{}", output.stderr);
}

#[test]
fn a_node_without_attached_interfaces_reads_only_the_primary_one() {
    let imds = imds_with(ready_api().node_config());
    assert_eq!(interfaces(&plan(&imds)), json!([]));
    let mut requests = imds.requests();
    requests.retain(|line| line.contains("/interfaces/macs/"));
    requests.sort();
    let primary = [
        "",
        "device-number",
        "interface-id",
        "ipv4-prefix",
        "local-ipv4s",
        "network-card",
        "subnet-id",
        "vpc-id",
    ];
    let path = |item: &str| match item {
        "" => format!("GET /latest/{LIST}"),
        item => format!("GET /latest/{LIST}02:00:00:00:00:01/{item}"),
    };
    assert_eq!(requests, primary.map(path));
    imds.remove(LIST);
    assert_eq!(interfaces(&plan(&imds)), json!([]), "no list");
}

#[test]
fn an_invalid_list_of_interfaces_is_a_warning() {
    let imds = imds_with_interfaces();
    imds.set(LIST, "02:00:00:00:00:01/\n../../user-data/\n");
    let output = plan(&imds);
    assert_eq!(interfaces(&output), Value::Null, "unknown");
    let warning = "warning: instance: failed to read the attached network interfaces: the instance metadata service returned an invalid value for meta-data/network/interfaces/macs/: \"../../user-data\" is not a MAC address; assuming that this node has no pod addresses\n";
    assert!(output.stderr.contains(warning), "{}", output.stderr);
}
