//! Clusters with another CNI, on a real kube-apiserver with the node's own permissions.

use crate::real::real_cluster::{CUSTOM, NODE, env, node_of, ready_cluster};
use crate::support::node::{Node, error};
use crate::support::real_parts::{Cluster, cluster};
use serde_json::{Value, json};

const AWS_NODE: &str = "/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node";
const ROLE: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/eni-bootstrap";
const NOT_FOUND: &str = "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: DaemonSet aws-node not found in namespace kube-system\n  help: install the Amazon VPC CNI before you start nodes, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n";

/// Creates a DaemonSet. No pod starts, because the cluster has no controllers.
fn daemon_set(cluster: &Cluster, namespace: &str, name: &str) {
    cluster.apply(json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": name, "image": name }] },
            },
        },
    }));
}

/// Sets the nodeSelector of aws-node.
fn patch_node_selector(cluster: &Cluster, selector: Value) {
    let mut object = cluster.get("admin-token", AWS_NODE).unwrap();
    for key in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"] {
        object["metadata"].as_object_mut().unwrap().remove(key);
    }
    object.as_object_mut().unwrap().remove("status");
    object["spec"]["template"]["spec"]["nodeSelector"] = selector;
    cluster.apply(object);
}

fn run_once(node: &Node) -> (Option<i32>, String) {
    let output = node.run(["run", "--eni-config-wait", "0"]);
    (output.status, error(&output).to_owned())
}

#[test]
fn rbac_lets_a_node_read_which_other_cni_the_cluster_has() {
    let Some(cluster) = ready_cluster() else { return };
    cluster.delete(AWS_NODE);
    let (node, _imds) = node_of(&cluster);
    assert_eq!(run_once(&node), (Some(75), NOT_FOUND.to_owned()), "no other CNI");
    // Nodes have no permission in this namespace.
    cluster.apply(json!({
        "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "calico-system" },
    }));
    daemon_set(&cluster, "calico-system", "calico-node");
    assert_eq!(run_once(&node), (Some(75), NOT_FOUND.to_owned()), "403 is ignored");
    for name in ["antrea-agent", "weave-net", "kube-flannel-ds", "calico-node", "cilium"] {
        daemon_set(&cluster, "kube-system", name);
        assert_eq!(
            run_once(&node),
            (
                Some(75),
                format!(
                    "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: this cluster has DaemonSet kube-system/{name} and no aws-node: eni-bootstrap supports only the Amazon VPC CNI\n  help: remove eni-bootstrap from this node, install the Amazon VPC CNI before you start nodes, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
                )
            )
        );
    }
    let mut role = cluster.get("admin-token", ROLE).unwrap();
    role["metadata"] = json!({ "name": "eni-bootstrap", "namespace": "kube-system" });
    role["rules"][0]["resourceNames"] = json!(["aws-node"]);
    cluster.apply(role);
    assert_eq!(run_once(&node), (Some(75), NOT_FOUND.to_owned()), "without the other names");
    cluster.install_cni(env(&[CUSTOM]));
    cluster.eni_config("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
}

#[test]
fn a_nodes_own_label_decides_whether_a_patched_aws_node_runs_on_it() {
    let Some(cluster) = ready_cluster() else { return };
    cluster.eni_config("us-west-2a", json!({ "subnet": "subnet-0a" }));
    patch_node_selector(&cluster, json!({ "io.cilium/aws-node-enabled": "true" }));
    let (node, _imds) = node_of(&cluster);
    let declined = (
        Some(78),
        "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: this cluster uses Cilium instead of the Amazon VPC CNI: the nodeSelector of DaemonSet aws-node requires label io.cilium/aws-node-enabled=true\n  help: remove eni-bootstrap from this node; if aws-node must run on this node, add the label to the settings: `labels = { \"io.cilium/aws-node-enabled\" = \"true\" }`, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n".to_owned(),
    );
    assert_eq!(run_once(&node), declined, "before the registration");
    let name = NODE.trim_start_matches("system:node:");
    let register = |labels: Value| {
        cluster.apply(json!({
            "apiVersion": "v1", "kind": "Node", "metadata": { "name": name, "labels": labels },
        }));
    };
    register(json!({ "team": "blue" }));
    assert_eq!(run_once(&node), declined, "another label");
    register(json!({ "io.cilium/aws-node-enabled": "true" }));
    let output = node.run(["run"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    register(json!({ "team": "blue" }));
    assert_eq!(run_once(&node), declined, "a record does not replace a label");
    cluster.delete(&format!("/api/v1/nodes/{name}"));
    assert_eq!(run_once(&node), declined, "the node registers again");
}

#[test]
fn an_unmodified_cluster_needs_one_request_for_the_cni() {
    let Some(cluster) = cluster() else { return };
    cluster.apply_file(&super::real_cluster::rbac());
    cluster.install_cni(env(&[CUSTOM]));
    daemon_set(&cluster, "kube-system", "calico-node");
    cluster.eni_config("us-west-2a", json!({ "subnet": "subnet-0a" }));
    let (node, _imds) = node_of(&cluster);
    let output = node.run(["run", "--verbose"]);
    assert_eq!(output.status, Some(0), "{}", output.stderr);
    let requests = output.stderr.lines().filter(|it| it.starts_with("kubernetes: GET daemonsets"));
    assert_eq!(
        requests.collect::<Vec<_>>(),
        ["kubernetes: GET daemonsets/aws-node in kube-system"],
        "Calico only enforces network policies here"
    );
}
