//! Each right in `packaging/rbac.yaml` is necessary: without it, eni-bootstrap fails or degrades as
//! documented. With all rights, the audit log of the API server shows that each right is used.

mod uses;

use crate::real::real_cluster::{CUSTOM, NODE, env, node_of, rbac};
use crate::support::lines::{report, text_of};
use crate::support::real_parts::{Allowed, Cluster, cluster};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use uses::Use;

/// A right in the manifest, what it is used for, and the result without it.
struct Right {
    /// The verb, the resource and its group, and the object if the rule names it.
    name: &'static str,
    used_by: Use,
    /// The exit status without the right.
    status: i32,
    /// The whole error without the right, or the warning in the log. `NODE` is replaced
    /// with the name of the user, `RBAC` with the command that grants the right, and `AGE` is the age of
    /// the record.
    output: &'static str,
}

const RBAC_HELP: &str =
    "`kubectl apply -f rbac.yaml` (the package installs /usr/share/eni-bootstrap/rbac.yaml)";
const NO_CNI: &str = "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n  caused by: DaemonSet aws-node not found in namespace kube-system\n  help: install the Amazon VPC CNI before you start nodes, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n";
const POLLING: &str = "failed to watch ENIConfigs, falling back to polling";

const RIGHTS: [Right; 10] = [
    Right {
        name: "get eniconfigs.crd.k8s.amazonaws.com",
        used_by: Use::Run,
        status: 77,
        output: concat!(
            "error: the node is not ready for the kubelet\n  caused by: ENIConfig us-west-2a is not ready\n",
            "  caused by: access denied by the API server: eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" is forbidden: User \"NODE\" cannot get resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope\n",
            "  help: allow nodes to read ENIConfigs: RBAC\n"
        ),
    },
    Right {
        name: "watch eniconfigs.crd.k8s.amazonaws.com",
        used_by: Use::Wait(Some(POLLING)),
        status: 0,
        output: "warning: wait: failed to watch ENIConfigs, falling back to polling: access denied by the API server: eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" is forbidden: User \"NODE\" cannot watch resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope\n",
    },
    Right {
        name: "get daemonsets.apps aws-node",
        used_by: Use::Run,
        status: 77,
        output: concat!(
            "error: the node is not ready for the kubelet\n  caused by: the aws-node DaemonSet is not ready\n",
            "  caused by: access denied by the API server: daemonsets.apps \"aws-node\" is forbidden: User \"NODE\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"\n",
            "  help: allow nodes to read the DaemonSet: RBAC, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n"
        ),
    },
    Right {
        name: "get eniconfigs.crd.k8s.amazonaws.com",
        used_by: Use::RunWithRecord,
        status: 0,
        output: concat!(
            "warning: wait: failed to read ENIConfig us-west-2a: access denied by the API server: eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" is forbidden: User \"NODE\" cannot get resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope; allow nodes to read ENIConfigs: RBAC\n",
            "warning: wait: failed to read ENIConfig us-west-2a: access denied by the API server: eniconfigs.crd.k8s.amazonaws.com \"us-west-2a\" is forbidden: User \"NODE\" cannot get resource \"eniconfigs\" in API group \"crd.k8s.amazonaws.com\" at the cluster scope; using ENIConfig us-west-2a (subnet-0a) of the last successful run (AGE)\n"
        ),
    },
    Right {
        name: "get daemonsets.apps aws-node",
        used_by: Use::RunWithRecord,
        status: 0,
        output: concat!(
            "warning: wait: failed to read the aws-node DaemonSet: access denied by the API server: daemonsets.apps \"aws-node\" is forbidden: User \"NODE\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"; allow nodes to read the DaemonSet: RBAC, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n",
            "warning: cluster: failed to read the aws-node DaemonSet: access denied by the API server: daemonsets.apps \"aws-node\" is forbidden: User \"NODE\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"; using the CNI configuration of the last successful run (AGE)\n",
            "warning: wait: failed to read the aws-node DaemonSet: access denied by the API server: daemonsets.apps \"aws-node\" is forbidden: User \"NODE\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"; allow nodes to read the DaemonSet: RBAC, or set `cni.source = \"settings\"` and configure the CNI in `[cni]`\n",
            "warning: cluster: the aws-node DaemonSet is not ready: access denied by the API server: daemonsets.apps \"aws-node\" is forbidden: User \"NODE\" cannot get resource \"daemonsets\" in API group \"apps\" in the namespace \"kube-system\"\n"
        ),
    },
    other_cni("get daemonsets.apps cilium", "cilium"),
    other_cni("get daemonsets.apps calico-node", "calico-node"),
    other_cni("get daemonsets.apps kube-flannel-ds", "kube-flannel-ds"),
    other_cni("get daemonsets.apps weave-net", "weave-net"),
    other_cni("get daemonsets.apps antrea-agent", "antrea-agent"),
];

/// Without the right, the error does not name the CNI.
const fn other_cni(right: &'static str, name: &'static str) -> Right {
    Right { name: right, used_by: Use::OtherCni(name), status: 75, output: NO_CNI }
}

fn manifest() -> Vec<Value> {
    serde_saphyr::from_multiple(&fs::read_to_string(rbac()).unwrap()).unwrap()
}

/// Splits the rules of a role into one rule for each right, and returns them with the names of the
/// rights.
fn rights(role: &Value) -> Vec<(String, Value)> {
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().into_iter().flatten();
        items.map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().into_iter().flatten() {
        let keys: Vec<&String> = rule.as_object().unwrap().keys().collect();
        let known = ["apiGroups", "resources", "resourceNames", "verbs"];
        assert!(keys.iter().all(|key| known.contains(&key.as_str())), "{rule}");
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                for verb in texts(&rule["verbs"]) {
                    let one = json!({
                        "apiGroups": [group], "resources": [resource], "verbs": [verb],
                    });
                    let names = texts(&rule["resourceNames"]);
                    if names.is_empty() {
                        rights.push((format!("{verb} {resource}.{group}"), one.clone()));
                    }
                    for name in names {
                        let mut one = one.clone();
                        one["resourceNames"] = json!([name]);
                        rights.push((format!("{verb} {resource}.{group} {name}"), one));
                    }
                }
            }
        }
    }
    rights
}

/// Applies the roles and bindings of the manifest without the right `removed`.
fn apply_without(cluster: &Cluster, removed: Option<&str>) {
    for mut object in manifest() {
        if object["kind"].as_str().unwrap().ends_with("Role") {
            let rules = rights(&object).into_iter();
            let rest = rules.filter(|(right, _)| Some(right.as_str()) != removed);
            object["rules"] = rest.map(|(_, rule)| rule).collect();
        }
        cluster.apply(object);
    }
}

#[test]
fn each_right_of_the_manifest_is_necessary_and_used() {
    let Some(cluster) = cluster() else { return };
    let in_manifest: BTreeSet<String> =
        manifest().iter().flat_map(rights).map(|(right, _)| right).collect();
    let in_table: BTreeSet<String> = RIGHTS.iter().map(|it| it.name.to_owned()).collect();
    assert_eq!(in_manifest, in_table, "each right needs a row in the table");
    cluster.install_cni(env(&[CUSTOM]));
    let (node, _imds) = node_of(&cluster);

    let mut different = Vec::new();
    for row in &RIGHTS {
        if matches!(row.used_by, Use::RunWithRecord) {
            apply_without(&cluster, None);
        }
        row.used_by.prepare(&cluster, &node);
        apply_without(&cluster, Some(row.name));
        let (status, output) = row.used_by.perform(&cluster, &node);
        row.used_by.clean_up(&cluster);
        let expected = row.output.replace("NODE", NODE).replace("RBAC", RBAC_HELP);
        if (status, &output) != (Some(row.status), &expected) {
            let Right { name, status: code, .. } = row;
            different.push(format!(
                "without {name}: exit status {status:?}, expected {code}\n{output}expected:\n{expected}\n"
            ));
        }
    }
    assert!(different.is_empty(), "{}", text_of(different));

    apply_without(&cluster, None);
    for row in &RIGHTS {
        let with_right = match row.used_by {
            Use::Wait(_) => Use::Wait(None),
            other => other,
        };
        with_right.prepare(&cluster, &node);
        let (_, output) = with_right.perform(&cluster, &node);
        with_right.clean_up(&cluster);
        assert!(!output.contains("access denied"), "with {}: {output}", row.name);
    }
    let allowed = cluster.allowed();
    let used: BTreeSet<String> = allowed.iter().map(right_in).collect();
    assert_eq!(used, in_manifest, "rights that the API server used");
    let by = |it: &Allowed| {
        it.reason.starts_with("RBAC: allowed by ") && it.reason.contains("\"eni-bootstrap\"")
    };
    assert!(allowed.iter().all(by), "{allowed:#?}");
    report(&format!(
        "{} of {} rights in packaging/rbac.yaml used and necessary",
        used.len(),
        in_manifest.len()
    ));
}

/// Returns the right of the manifest for an allowed request. Only the rule for `daemonsets` names objects.
fn right_in(Allowed { right, object, .. }: &Allowed) -> String {
    if right == "get daemonsets.apps" { format!("{right} {object}") } else { right.clone() }
}
