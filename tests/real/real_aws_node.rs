//! The CNI configuration, read from a real kube-apiserver: max-pods follows it, wherever the
//! DaemonSet takes its environment from.

use crate::real::real_cluster::{CUSTOM, NODE, env, node_of, ready_cluster};
use crate::support::node::error;
use crate::support::real_parts::{Who, cluster};
use serde_json::{Value, json};

/// A CNI configuration, as environment of the DaemonSet and as flags.
type Combination = (&'static [(&'static str, &'static str)], &'static [&'static str]);

const COMBINATIONS: [Combination; 12] = [
    (&[], &["--cni-custom-networking=false"]),
    (&[CUSTOM], &[]),
    (
        &[("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "1")],
        &["--cni-custom-networking=false", "--cni-prefix-delegation"],
    ),
    (
        &[CUSTOM, ("ENABLE_PREFIX_DELEGATION", "1"), ("WARM_PREFIX_TARGET", "1")],
        &["--cni-prefix-delegation"],
    ),
    (&[CUSTOM, ("ENABLE_POD_ENI", "T")], &["--cni-pod-eni"]),
    (&[("ENABLE_POD_ENI", "true")], &["--cni-custom-networking=false", "--cni-pod-eni"]),
    (&[CUSTOM, ("MAX_ENI", "2")], &["--cni-max-eni", "2"]),
    (&[CUSTOM, ("MAX_ENI", "0")], &["--cni-max-eni", "0"]),
    (&[CUSTOM, ("MINIMUM_IP_TARGET", "5")], &["--cni-minimum-ip-target", "5"]),
    (
        &[CUSTOM, ("MINIMUM_IP_TARGET", "5"), ("WARM_IP_TARGET", "2")],
        &["--cni-minimum-ip-target", "5", "--cni-warm-ip-target", "2"],
    ),
    (
        &[("ENABLE_IPv6", "true"), ("ENABLE_PREFIX_DELEGATION", "true")],
        &["--cni-custom-networking=false", "--cni-ip-family=ipv6", "--cni-prefix-delegation"],
    ),
    (
        &[
            CUSTOM,
            ("ENABLE_MULTI_NIC", "true"),
            ("ENABLE_PREFIX_DELEGATION", "true"),
            ("WARM_IP_TARGET", "2"),
        ],
        &["--cni-multi-nic", "--cni-prefix-delegation", "--cni-warm-ip-target", "2"],
    ),
];

#[test]
fn the_daemonset_and_the_settings_give_the_same_max_pods() {
    let Some(cluster) = ready_cluster() else { return };
    let (node, _imds) = node_of(&cluster);
    let plan = |flags: &[&str]| -> Value {
        let output =
            node.run(["plan", "--output", "json", "--pods-ceiling", "1000"].iter().chain(flags));
        assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""), "{flags:?}");
        serde_json::from_str(&output.stdout).unwrap()
    };
    let mut each_max_pods = Vec::new();
    for (variables, flags) in COMBINATIONS {
        cluster.install_cni(env(variables));
        let by_cluster = plan(&[]);
        let by_settings =
            plan(&[&["--cni-source", "settings", "--cni-version", "1.20.4"], flags].concat());
        for key in ["capacity", "kubelet", "eni-config", "files"] {
            assert_eq!(by_cluster[key], by_settings[key], "{key} of {variables:?}");
        }
        assert_eq!(by_cluster["cni"]["config"], by_settings["cni"]["config"], "{variables:?}");
        each_max_pods.push(by_cluster["capacity"]["max_pods"].as_u64().unwrap());
    }
    // A c5.large has 3 network interfaces with 10 addresses each.
    assert_eq!(each_max_pods, [29, 20, 434, 290, 11, 20, 11, 20, 7, 20, 1000, 290]);
}

#[test]
fn a_configmap_of_the_daemonset_is_read_if_rbac_allows_it() {
    let Some(cluster) = ready_cluster() else { return };
    cluster.install_cni(json!([
        { "name": CUSTOM.0, "value": CUSTOM.1 },
        { "name": "MAX_ENI", "valueFrom":
            { "configMapKeyRef": { "name": "amazon-vpc-cni", "key": "max-eni" } } },
        { "name": "MY_NODE_NAME", "valueFrom": { "fieldRef": { "fieldPath": "spec.nodeName" } } },
    ]));
    cluster.apply(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "amazon-vpc-cni", "namespace": "kube-system" },
        "data": { "max-eni": "2" },
    }));
    let (node, _imds) = node_of(&cluster);
    let plan = || node.run(["plan", "--output", "kubelet-args"]);
    let denied = plan();
    assert_eq!(
        (denied.status, error(&denied)),
        (
            Some(77),
            format!("error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: access denied for ConfigMap amazon-vpc-cni, which sets MAX_ENI on DaemonSet aws-node\n  caused by: access denied by the API server: configmaps \"amazon-vpc-cni\" is forbidden: User \"{NODE}\" cannot get resource \"configmaps\" in API group \"\" in the namespace \"kube-system\": no relationship found between node '{}' and this object\n  help: allow nodes to read the ConfigMap: `kubectl -n kube-system create role eni-bootstrap-amazon-vpc-cni --verb=get --resource=configmaps --resource-name=amazon-vpc-cni && kubectl -n kube-system create rolebinding eni-bootstrap-amazon-vpc-cni --role=eni-bootstrap-amazon-vpc-cni --group=system:nodes`, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n", NODE.trim_start_matches("system:node:")).as_str()
        )
    );
    // The objects that the command in the help creates.
    let name = "eni-bootstrap-amazon-vpc-cni";
    cluster.apply(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": { "name": name, "namespace": "kube-system" },
        "rules": [{ "apiGroups": [""], "resources": ["configmaps"],
                    "resourceNames": ["amazon-vpc-cni"], "verbs": ["get"] }],
    }));
    cluster.apply(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": { "name": name, "namespace": "kube-system" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "Group",
                       "name": "system:nodes" }],
    }));
    let granted = plan();
    assert!(granted.stdout.starts_with("--max-pods=11 "), "{granted:?}");
}

#[test]
fn an_environment_from_all_sources_equals_the_kubelets() {
    let Some(cluster) = cluster() else { return };
    cluster.install_cni(json!([]));
    let config_map = |name: &str, data: Value| {
        cluster.apply(json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": name, "namespace": "kube-system" }, "data": data,
        }));
    };
    config_map("all", json!({ "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "true", "MAX_ENI": "1" }));
    config_map("prefixed", json!({ "TARGET": "7" }));
    let mut daemon_set = cluster
        .get("admin-token", "/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node")
        .unwrap();
    let container = &mut daemon_set["spec"]["template"]["spec"]["containers"][0];
    container["envFrom"] = json!([
        { "configMapRef": { "name": "all" } },
        { "configMapRef": { "name": "absent", "optional": true } },
        { "prefix": "WARM_IP_", "configMapRef": { "name": "prefixed" } },
    ]);
    container["env"] = json!([
        { "name": "MAX", "value": "2" },
        { "name": "MAX_ENI", "value": "$(MAX)" },
        { "name": "ENABLE_POD_ENI", "valueFrom":
            { "configMapKeyRef": { "name": "all", "key": "pod-eni", "optional": true } } },
    ]);
    for key in ["managedFields", "resourceVersion", "uid", "creationTimestamp", "generation"] {
        daemon_set["metadata"].as_object_mut().unwrap().remove(key);
    }
    daemon_set.as_object_mut().unwrap().remove("status");
    cluster.apply(daemon_set);
    let (node, _imds) = node_of(&cluster);
    let path = node.file("kubeconfig", &cluster.kubeconfig(Who::Admin));
    let kubeconfig = format!("--cluster-kubeconfig={}", path.display());
    let output = node.run(["plan", "--output", "json", &kubeconfig]);
    assert_eq!((output.status, output.stderr.as_str()), (Some(0), ""));
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        plan["cni"]["config"],
        json!({
            "addressing": "secondary-addresses", "custom_networking": true, "pod_eni": false,
            "max_eni": 2, "reserved_enis": 0, "ip_family": "ipv4", "multi_nic": false,
            "minimum_ip_target": 0, "warm_ip_target": 7, "imds_only": false,
            "disable_provisioning": false, "version": "1.20.4",
        })
    );
}
