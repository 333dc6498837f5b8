//! The manifest of the audit `CronJob`, and the command with exactly its permissions.

use super::support::{Plugin, SUBNETS, documents, send};
use crate::support::expect_golden;
use eni_bootstrap_real_parts::{Cluster, Who, cluster, collection};
use kube::core::Request;
use kube::core::params::{Patch, PatchParams};
use serde_json::{Value, json};
use std::path::PathBuf;

fn manifest() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../packaging/kubectl-eni/audit-cronjob.yaml")
}

#[test]
fn the_api_server_accepts_the_manifest() {
    let Some(cluster) = cluster() else { return };
    let objects = documents(&manifest());
    let kinds: Vec<&str> = objects.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    let rbac = ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
    assert_eq!(kinds, [&["ServiceAccount"][..], &rbac, &["CronJob"]].concat());
    let params = PatchParams::apply("test").validation_strict().dry_run();
    for object in &objects {
        let request = Request::new(collection(object));
        let name = object["metadata"]["name"].as_str().unwrap();
        let request = request.patch(name, &params, &Patch::Apply(object)).unwrap();
        let applied = send(&cluster.kubeconfig(Who::Admin), request);
        assert_eq!(applied["metadata"]["name"], name, "{applied}");
        let path = format!("{}/{name}", collection(object));
        assert!(cluster.get("admin-token", &path).is_err(), "a dry run");
    }
}

#[test]
fn the_command_needs_exactly_the_permissions_of_the_manifest() {
    let Some(cluster) = cluster() else { return };
    cluster.install_fleet(SUBNETS);
    cluster.apply_file(&manifest());
    let plugin = Plugin::new(&kubeconfig_of_service_account(&cluster));
    let all = plugin.run(&[]);
    assert_eq!((all.0, all.2.as_str()), (1, ""));
    expect_golden("nodes.txt", &all.1);

    let objects = documents(&manifest());
    let rules = |kind: &str| {
        let object = objects.iter().find(|it| it["kind"] == kind).unwrap();
        object["rules"].as_array().unwrap().clone()
    };
    let (cluster_rules, role_rules) = (rules("ClusterRole"), rules("Role"));
    for (index, rule) in cluster_rules.iter().enumerate() {
        let mut fewer = cluster_rules.clone();
        fewer.remove(index);
        set_rules(&cluster, "ClusterRole", &fewer);
        let resource = rule["resources"][0].as_str().unwrap();
        // No wrong node: what is skipped determines the exit code.
        let run = plugin.run(&["--selector", "karpenter.sh/nodepool=default"]);
        let expected = if resource == "nodes" { 77 } else { 2 };
        assert_eq!(run.0, expected, "without {resource}: {run:?}");
        let text = format!("{}{}", run.1, run.2);
        expect_golden(&format!("nodes-without-{resource}.txt"), &text);
        if resource == "pods" {
            let run = plugin.run(&["--selector", "karpenter.sh/nodepool=default", "--no-pods"]);
            assert_eq!(run.0, 0, "{run:?}");
        }
    }
    set_rules(&cluster, "ClusterRole", &cluster_rules);
    assert_eq!(role_rules.len(), 1);
    set_rules(&cluster, "Role", &[]);
    let run = plugin.run(&[]);
    assert_eq!((run.0, run.1.as_str()), (77, ""));
    expect_golden("nodes-without-daemonsets.txt", &run.2);
}

#[test]
fn a_config_map_of_aws_node_needs_its_own_permission() {
    let Some(cluster) = cluster() else { return };
    let from = json!({ "configMapKeyRef": { "name": "cni", "key": "custom" } });
    let variable = json!({ "name": "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "valueFrom": from });
    cluster.install_cni(json!([variable]));
    cluster.apply(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "cni", "namespace": "kube-system" },
        "data": { "custom": "true" },
    }));
    cluster.apply_file(&manifest());
    let plugin = Plugin::new(&kubeconfig_of_service_account(&cluster));
    let run = plugin.run(&[]);
    assert_eq!((run.0, run.1.as_str()), (77, ""));
    expect_golden("nodes-without-configmaps.txt", &run.2);

    let rule = |group: &str, resource: &str, name: &str| {
        json!({
            "apiGroups": [group], "resources": [resource], "resourceNames": [name], "verbs": ["get"],
        })
    };
    let rules = [rule("apps", "daemonsets", "aws-node"), rule("", "configmaps", "cni")];
    set_rules(&cluster, "Role", &rules);
    let (code, text, stderr) = plugin.run(&[]);
    let expected = "0 nodes\naws-node 1.20.4: custom networking\n";
    assert_eq!((code, text.as_str(), stderr.as_str()), (0, expected, ""));
}

/// Replaces the rules of a role, and waits until they apply.
fn set_rules(cluster: &Cluster, kind: &str, rules: &[Value]) {
    let namespace = if kind == "Role" { json!("kube-system") } else { Value::Null };
    cluster.apply(json!({
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": { "name": "eni-audit", "namespace": namespace },
        "rules": rules,
    }));
}

/// Returns a kubeconfig with a token of the `ServiceAccount` of the manifest.
fn kubeconfig_of_service_account(cluster: &Cluster) -> String {
    let token = cluster.service_account_token("kube-system", "eni-audit");
    cluster.kubeconfig(Who::Admin).replace("admin-token", &token)
}
