//! The ENIConfigs that nodes select, and the zones of nodes.

use crate::check::site::{Site, expect_golden, run};
use crate::support::status_with_closed_pipe;
use eni_bootstrap_real_parts::Who;
use serde_json::{Value, json};

/// Creates a Node in `zone` with these further labels and annotations.
fn node(site: &Site, number: u8, zone: &str, labels: &Value, annotations: &Value) {
    let mut labels = labels.clone();
    labels["topology.kubernetes.io/zone"] = zone.into();
    site.cluster.apply(json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": format!("ip-10-0-9-{number}.us-west-2.compute.internal"),
            "labels": labels, "annotations": annotations,
        },
        "spec": { "providerID": format!("aws:///{zone}/i-0000000000000000{number}") },
    }));
}

/// Returns a site with an ENIConfig for each zone of the cluster, three that nodes select, and one that no node
/// selects. One node is in a Local Zone, in which the cluster has no subnet.
fn site() -> Option<Site> {
    let site = Site::start()?;
    for name in ["us-west-2a", "us-west-2b", "us-west-2c", "blue", "default", "gpu", "old"] {
        site.eni_config(name, "");
    }
    let none = json!({});
    let by_label = json!({ "vpc.amazonaws.com/externalEniConfig": "blue" });
    node(&site, 1, "us-west-2a", &by_label, &none);
    node(&site, 2, "us-west-2b", &none, &json!({ "k8s.amazonaws.com/eniConfig": "gpu" }));
    node(&site, 3, "us-west-2c", &none, &none);
    let local = json!({ "k8s.amazonaws.com/eniConfig": "us-west-2-lax-1a" });
    node(&site, 4, "us-west-2-lax-1a", &local, &none);
    // The VPC CNI does not run on a Fargate node.
    let fargate = json!({ "eks.amazonaws.com/compute-type": "fargate" });
    node(&site, 5, "us-west-2d", &fargate, &json!({ "k8s.amazonaws.com/eniConfig": "old" }));
    Some(site)
}

#[test]
fn an_eniconfig_that_a_node_selects_is_not_to_be_deleted() {
    let Some(site) = site() else { return };
    let all = site.check(&[]);
    assert_eq!((all.status, all.stderr.as_str()), (Some(1), ""), "{}", all.stdout);
    expect_golden("node-use.txt", &all.stdout);
    let deleted: Vec<&str> =
        all.stdout.lines().filter(|it| it.contains("kubectl delete eniconfig")).collect();
    assert!(deleted.iter().all(|it| it.contains("eniconfig old`")), "{deleted:?}");
    assert_eq!(deleted.len(), 2, "{}", all.stdout);

    let arguments = ["--cluster-name=prod", "--region=us-west-2"];
    assert_eq!(status_with_closed_pipe(site.command(Who::Admin, &arguments)), Some(1));

    // Other zones and ENIConfigs are not checked.
    let one = site.check(&["--zones=us-west-2a", "--output=json"]);
    let result: Value = serde_json::from_str(&one.stdout).unwrap();
    let scopes: Vec<&str> =
        result["checks"].as_array().unwrap().iter().filter_map(|it| it["of"].as_str()).collect();
    assert_eq!(scopes, ["zone us-west-2a"]);
}

#[test]
fn without_the_nodes_no_eniconfig_is_to_be_deleted() {
    let Some(site) = site() else { return };
    let rule = |group: &str, resource: &str, verb: &str| json!({ "apiGroups": [group], "resources": [resource], "verbs": [verb] });
    let group = "rbac.authorization.k8s.io";
    let metadata = json!({ "name": "checker" });
    site.cluster.apply(json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRole", "metadata": metadata,
        "rules": [
            rule("apps", "daemonsets", "get"), rule("", "serviceaccounts", "get"),
            rule("crd.k8s.amazonaws.com", "eniconfigs", "list"),
        ],
    }));
    site.cluster.apply(json!({
        "apiVersion": format!("{group}/v1"), "kind": "ClusterRoleBinding", "metadata": metadata,
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": "checker" },
        "subjects": [{ "apiGroup": group, "kind": "Group", "name": "system:nodes" }],
    }));
    let arguments = ["--cluster-name=prod", "--region=us-west-2"];
    let denied = run(site.command(Who::Node, &arguments));
    assert_eq!((denied.status, denied.stderr.as_str()), (Some(1), ""), "{}", denied.stdout);
    expect_golden("node-use-unknown.txt", &denied.stdout);
    assert!(!denied.stdout.contains("kubectl delete"), "{}", denied.stdout);
}
