//! Kubernetes objects, in a real API server with the `CustomResourceDefinitions` of the VPC CNI and Karpenter.

use super::{eksctl, node_config, user_data, yaml};
use eni_bootstrap_real_parts::{Cluster, cluster, part};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

/// Returns the folder with the `CustomResourceDefinitions` of Karpenter.
fn karpenter() -> Option<PathBuf> {
    let what = "the CustomResourceDefinitions of Karpenter";
    part("karpenter-crds", what, "tests/real/install.sh karpenter-crds")
}

/// Returns an API server with the `CustomResourceDefinitions`.
fn api_server() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    let start = || {
        let (definitions, cluster) = (karpenter()?, cluster()?);
        cluster.install_cni(json!([]));
        for entry in fs::read_dir(definitions).unwrap() {
            cluster.apply_file(&entry.unwrap().path());
        }
        Some(cluster)
    };
    CLUSTER.get_or_init(start).as_ref()
}

/// Parses YAML, and each object in it by the parser of its kind. A document without `kind` is only YAML.
pub fn check(text: &str) -> Result<(), String> {
    for object in yaml(text)? {
        let (Some(version), Some(kind)) = (object["apiVersion"].as_str(), object["kind"].as_str())
        else {
            continue;
        };
        let result = match (version.split('/').next(), kind) {
            (Some("node.eks.aws"), _) => node_config::check(&object.to_string()),
            (Some("eksctl.io"), _) => eksctl::check(&object),
            // The API server has no such objects.
            (Some("kubeadm.k8s.io"), _) | (_, "Config") => Ok(()),
            _ => in_api_server(&object),
        };
        result.map_err(|error| format!("{kind}: {error}"))?;
    }
    Ok(())
}

/// Applies an object in a dry run, and parses the user data of an `EC2NodeClass`.
fn in_api_server(object: &Value) -> Result<(), String> {
    if let Some(text) = user_data::of_node_class(object) {
        node_class_user_data(text, &object["spec"]["amiFamily"])?;
    }
    let Some(cluster) = api_server() else { return Ok(()) };
    if let Some(name) = object["metadata"]["namespace"].as_str() {
        cluster.apply(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name },
        }));
    }
    cluster.dry_run(object).map_err(|(status, message)| format!("{status}: {message}"))
}

/// Parses user data in the format of its image family.
fn node_class_user_data(text: &str, family: &Value) -> Result<(), String> {
    match family.as_str() {
        Some("Bottlerocket") => super::bottlerocket::user_data(text),
        _ => user_data::check(text),
    }
}

#[test]
fn the_api_server_rejects_unknown_fields() {
    if api_server().is_none() {
        return;
    }
    let config = "apiVersion: crd.k8s.amazonaws.com/v1alpha1\nkind: ENIConfig\nmetadata:\n  name: us-west-2a\nspec:\n  subnet: subnet-0123456789abcdef0\n";
    assert_eq!(check(config), Ok(()));
    let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: a\n  namespace: b\nrules: []\n";
    assert_eq!(check(role), Ok(()));
    assert!(check(&role.replace("rules", "rule")).is_err());
    assert!(check(&role.replace("kind: Role", "kind: Roles")).is_err());
    let pool = "apiVersion: karpenter.sh/v1\nkind: NodePool\nmetadata:\n  name: a\nspec:\n  templates: {}\n";
    assert!(check(pool).is_err());
}
