//! A NodeConfig, parsed by nodeadm and by eni-bootstrap.

use super::{with_sources, yaml};
use eni_bootstrap_real_parts::nodeadm_program;
use eni_core::host::user_data::{self, NodeConfig};
use serde_json::Value;
use std::io::Write as _;
use std::process::Command;
use tempfile::NamedTempFile;

/// The cluster for a NodeConfig without one, such as a drop-in.
const CLUSTER: &str = "apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  cluster:
    name: my-cluster
    apiServerEndpoint: https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com
    certificateAuthority: Y2VydGlmaWNhdGVBdXRob3JpdHk=
    cidr: 10.100.0.0/16
";

/// The fields of a NodeConfig by their object. nodeadm ignores other fields, for example with a spelling mistake.
///
/// Source: `nodeadm/api/v1alpha1/nodeconfig_types.go`, awslabs/amazon-eks-ami.
const FIELDS: [(&str, &[&str]); 5] = [
    ("", &["apiVersion", "kind", "metadata", "spec"]),
    ("/spec", &["cluster", "containerd", "featureGates", "instance", "kubelet"]),
    (
        "/spec/cluster",
        &["apiServerEndpoint", "certificateAuthority", "cidr", "enableOutpost", "id", "name"],
    ),
    ("/spec/kubelet", &["config", "flags", "maxPodsExpression"]),
    ("/spec/instance", &["environment", "localStorage", "network"]),
];

/// Returns the first field that nodeadm ignores.
fn unknown_field(config: &Value) -> Option<String> {
    FIELDS.iter().find_map(|(path, fields)| {
        let object = config.pointer(path)?.as_object()?;
        let unknown = object.keys().find(|key| !fields.contains(&key.as_str()))?;
        Some(format!("{path}/{unknown}"))
    })
}

/// Returns the NodeConfig in user data as eni-bootstrap reads it.
pub fn own(user_data: &str) -> Result<NodeConfig, String> {
    let config = user_data::node_config(user_data.as_bytes());
    config.map_err(|error| with_sources(&error))?.ok_or_else(|| "it has no NodeConfig".into())
}

/// Checks the names of the fields, and the values with `nodeadm config check`. A NodeConfig without a cluster is
/// merged over one with a cluster, as nodeadm does it with drop-ins.
pub fn check(text: &str) -> Result<(), String> {
    let own = own(text)?;
    if let Some(field) = yaml(text)?.iter().find_map(unknown_field) {
        return Err(format!("nodeadm ignores the field {field}"));
    }
    let Some(nodeadm) = nodeadm_program() else { return Ok(()) };
    let mut command = Command::new(nodeadm);
    command.args(["config", "check"]);
    let sources = if own.cluster.name.is_some() { vec![text] } else { vec![CLUSTER, text] };
    let files: Vec<NamedTempFile> = sources.into_iter().map(file).collect();
    for file in &files {
        command.arg(format!("--config-source=file://{}", file.path().display()));
    }
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("nodeadm: {stderr}")) }
}

fn file(text: &str) -> NamedTempFile {
    let mut file = tempfile::Builder::new().suffix(".yaml").tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

#[test]
fn unknown_fields_and_missing_cluster_values_are_problems() {
    if nodeadm_program().is_none() {
        return;
    }
    assert_eq!(check(CLUSTER), Ok(()));
    let drop_in = "apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  kubelet:\n    config:\n      maxPods: 20\n";
    assert_eq!(check(drop_in), Ok(()));
    assert!(check(&drop_in.replace("config", "configs")).is_err());
    assert!(check(&drop_in.replace("maxPods: 20", "[]")).is_err());
    assert!(check(&CLUSTER.replace("    cidr: 10.100.0.0/16\n", "")).is_err());
}
