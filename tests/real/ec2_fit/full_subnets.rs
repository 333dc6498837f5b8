//! A subnet without a free address or prefix, on nodes with and without pod addresses.

use super::{EDIT, Site, full_subnet, not_ready};
use crate::real::real_cluster::{NODE, ready_cluster};
use crate::support::node::{Node, error, with_imds};
use crate::support::real_parts::{Account, Cluster, moto};
use eni_bootstrap_sandbox::{Fault, Imds, Instance, Interface};
use serde_json::json;

const ADDRESSES_KEPT: &str = "the kubelet starts because the attached network interface eni-0123456789abcdef0 keeps its 3 pod addresses";

/// Returns a node in a VPC of moto, with this user data, that verifies its ENIConfig.
fn node_in(account: Account, vpc: String, user_data: String) -> (Node, Imds) {
    let imds = Imds::start(&Instance {
        user_data: Some(user_data.into_bytes()),
        vpc_id: vpc,
        zone_id: "usw2-az2".to_owned(), // moto's us-west-2a
        ..Instance::default()
    });
    let node = with_imds(&imds)
        .with("--ec2-endpoint", account.endpoint)
        .with("--eni-config-verify", "true");
    (node, imds)
}

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
    let (node, _imds) = node_in(account, vpc, cluster.node_config());
    let node = node.with("--eni-config-wait", "0");
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

/// The `NodeConfig` of a node that Karpenter launched.
fn karpenter_config(cluster: &Cluster) -> String {
    let kubelet = "  kubelet:\n    config: {maxPods: 29}\n    flags: ['--node-labels=karpenter.sh/nodepool=blue']\n";
    cluster.node_config() + kubelet
}

fn event_log(name: &str) -> String {
    format!("cluster: created Event PodSubnetFull for node {name}\n")
}

#[test]
fn a_karpenter_node_with_a_full_subnet_fails_at_once_and_creates_an_event() {
    let (Some(moto), Some(cluster)) = (moto(), ready_cluster()) else { return };
    let account = moto.account();
    let vpc = account.vpc("10.0.0.0/16");
    let full = full_subnet(account, &vpc);
    let (node, _imds) = node_in(account, vpc, karpenter_config(&cluster));
    let name = NODE.trim_start_matches("system:node:");
    let shortage = format!("{full} has 1 free address, but a new node needs at least 2");
    let help = format!("release addresses in {full}, or set spec.subnet to another subnet: {EDIT}");

    // The ENIConfig is created during the wait.
    let mut running = node.start(["run"]);
    running.until("wait: ENIConfig us-west-2a not found; retrying");
    cluster.eni_config("us-west-2a", json!({ "subnet": full }));
    let output = running.end();
    assert_eq!((output.status, error(&output)), (Some(79), &*not_ready(&shortage, &help)));
    assert!(output.stderr.contains(&event_log(name)), "{}", output.stderr);

    // The ENIConfig exists.
    let output = node.run(["run"]);
    assert_eq!((output.status, error(&output)), (Some(79), &*not_ready(&shortage, &help)));
    let events = cluster.get("admin-token", "/api/v1/namespaces/default/events").unwrap();
    let events = events["items"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    for event in events {
        let time = event["firstTimestamp"].clone();
        assert!(time.as_str().is_some_and(|it| it.ends_with('Z')), "{event}");
        let created = event["metadata"]["name"].as_str().unwrap();
        assert!(created.starts_with(&format!("{name}.")), "{created}");
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove("metadata");
        assert_eq!(
            event,
            json!({
                "involvedObject": { "apiVersion": "v1", "kind": "Node", "name": name, "uid": name },
                "reason": "PodSubnetFull",
                "message": format!("{shortage}; {help}"),
                "type": "Warning",
                "source": { "component": "eni-bootstrap", "host": name },
                "reportingComponent": "eni-bootstrap",
                "reportingInstance": name,
                "firstTimestamp": time,
                "lastTimestamp": time,
                "count": 1,
                "eventTime": null,
            })
        );
    }

    for setting in ["--eni-config-on-full-subnet=wait", "--eni-config-on-timeout=continue"] {
        let mut running = node.start(["run", setting]);
        running.until("does not fit this node");
        cluster.eni_config("us-west-2a", json!({ "subnet": "" }));
        running.until("wait: ENIConfig us-west-2a has no spec.subnet; retrying");
        cluster.eni_config("us-west-2a", json!({ "subnet": full }));
    }
}

#[test]
fn a_full_subnet_ends_the_wait_of_another_node_only_with_the_setting() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let full = full_subnet(site.account, &site.vpc);
    site.eni_config(&full, &[]);
    let mut running = site.node.start(["run"]);
    running.until("does not fit this node");
    site.eni_config("", &[]);
    running.until("wait: ENIConfig us-west-2a has no spec.subnet; retrying");
    site.eni_config(&full, &[]);
    drop(running);
    let output =
        site.node.run(["run", "--eni-config-on-full-subnet=fail", "--eni-config-wait=30s"]);
    assert_eq!(output.status, Some(79), "{}", output.stderr);
    // The user of the kubeconfig is not a kubelet, so there is no node to create an Event for.
    assert!(!output.stderr.contains("Event"), "{}", output.stderr);
}

#[test]
fn an_event_that_the_api_server_rejects_is_a_warning() {
    let Some(moto) = moto() else { return };
    let site = Site::new(moto);
    let full = full_subnet(site.account, &site.vpc);
    site.eni_config(&full, &[]);
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "SelfSubjectReview",
        "status": { "userInfo": { "username": NODE } },
    });
    let faults = site.api.faults();
    let body = Fault::Body(review.to_string().into_bytes());
    faults.fail_always_matching("selfsubjectreviews", body);
    let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404, "details": { "name": "ip-10-20-0-10" } });
    faults.fail_always_matching("/nodes/", Fault::Answer(404, status.to_string()));
    faults.fail_always_matching("/events", Fault::Status(403));
    let output =
        site.node.run(["run", "--eni-config-on-full-subnet=fail", "--eni-config-wait=30s"]);
    assert_eq!(output.status, Some(79), "{}", output.stderr);
    let warning = "warning: cluster: failed to create an Event for this node: ";
    assert!(output.stderr.contains(warning), "{}", output.stderr);
}
