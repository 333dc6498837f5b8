//! Clusters without the VPC CNI, and clusters with other settings.

use super::support::Plugin;
use crate::support::expect_golden;
use eni_bootstrap_real_parts::{Who, cluster, service_account};
use eni_bootstrap_sandbox::fleet::FleetNode;
use serde_json::{Value, json};

#[test]
fn a_cluster_without_the_cni_is_an_error() {
    let Some(cluster) = cluster() else { return };
    let plugin = Plugin::new(&cluster.kubeconfig(Who::Admin));
    let (code, text, stderr) = plugin.run(&[]);
    assert_eq!((code, text.as_str()), (78, ""));
    expect_golden("nodes-without-cni.err", &stderr);

    cluster.install_cni(json!([]));
    let mut daemon_set = cluster
        .get("admin-token", "/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node")
        .unwrap();
    cluster.delete("/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node");
    daemon_set["metadata"] = json!({ "name": "cilium", "namespace": "kube-system" });
    daemon_set.as_object_mut().unwrap().remove("status");
    daemon_set["apiVersion"] = "apps/v1".into();
    daemon_set["kind"] = "DaemonSet".into();
    cluster.apply(daemon_set);
    let (code, text, stderr) = plugin.run(&[]);
    assert_eq!((code, text.as_str()), (78, ""));
    expect_golden("nodes-other-cni.err", &stderr);

    let wrong = Plugin::new(&cluster.kubeconfig(Who::Admin).replace("admin-token", "no-token"));
    let (code, text, stderr) = wrong.run(&[]);
    assert_eq!((code, text.as_str()), (77, ""));
    expect_golden("nodes-unauthorized.err", &stderr);
}

#[test]
fn nodes_without_custom_networking_have_no_eni_config() {
    let Some(cluster) = cluster() else { return };
    let prefixes = [("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "none")];
    cluster
        .install_cni(json!(prefixes.map(|(name, value)| json!({ "name": name, "value": value }))));
    let node = |number: u32, max_pods: u32, reserved: u32| FleetNode {
        max_pods,
        reserved,
        ..FleetNode::new(number, "m5.large")
    };
    let mut unknown = node(4, 110, 1_465);
    unknown.instance_type = "zz9.large";
    let mut objects = vec![service_account("default", "default")];
    let nodes = [node(1, 110, 1_465), node(2, 200, 2_455), node(3, 58, 893), unknown];
    objects.extend(nodes.iter().map(FleetNode::object));
    let mut starting = node(5, 110, 1_465).object();
    starting.as_object_mut().unwrap().remove("status");
    objects.push(starting);
    cluster.create_all(&objects);
    let plugin = Plugin::new(&cluster.kubeconfig(Who::Admin));
    let (code, text, stderr) = plugin.run(&["--all"]);
    assert_eq!((code, stderr.as_str()), (2, ""));
    expect_golden("nodes-prefixes.txt", &text);

    let (code, json, stderr) = plugin.run(&["--output", "json", "--selector", "a=b"]);
    let document: Value = serde_json::from_str(&json).unwrap();
    let expected = "no node matches the selector \"a=b\"\n";
    assert_eq!((code, &document["nodes"], stderr.as_str()), (2, &json!([]), expected));
}

#[test]
fn nodes_and_pods_of_several_pages_are_counted() {
    let Some(cluster) = cluster() else { return };
    cluster.install_cni(json!([]));
    let nodes: Vec<FleetNode> = (1..=501)
        .map(|number| FleetNode {
            max_pods: 29,
            reserved: 574,
            ..FleetNode::new(number, "m5.large")
        })
        .collect();
    let mut objects = vec![service_account("default", "default")];
    objects.extend(nodes.iter().map(FleetNode::object));
    cluster.create_all(&objects);
    let pods: Vec<Value> = nodes.iter().flat_map(|node| node.pods(0)).collect();
    cluster.create_all(&pods);
    let (code, json, stderr) =
        Plugin::new(&cluster.kubeconfig(Who::Admin)).run(&["--all", "--output", "json"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["summary"]["right"], 501);
    let running = document["nodes"].as_array().unwrap().iter().map(|node| &node["pods"]["running"]);
    assert!(running.clone().all(|running| *running == 2), "{:?}", running.collect::<Vec<_>>());
}
