//! The files and settings of a Bottlerocket node that a bootstrap container can read.

use super::applier::write;
use crate::imds::Instance;
use crate::kubernetes::KubernetesApi;
use serde_json::{Value, json};
use std::path::Path;

/// Some rows of the table from which pluto reads max-pods: `<type> <n>`, and comments.
///
/// Source: `packages/os/eni-max-pods`, bottlerocket-os/bottlerocket-core-kit.
const ENI_MAX_PODS: &str = "\
# Some rows of the table of the image: the instance type and its max-pods.
#
c5.4xlarge 234
c5.large 29
c7g.medium 8
m5.24xlarge 737
m5.large 29
m5.xlarge 58
t3.medium 17
t3.nano 4
t4g.small 11
";
const OS_RELEASE: &str = "\
NAME=Bottlerocket
ID=bottlerocket
VERSION=\"1.26.1 (aws-k8s-1.31)\"
PRETTY_NAME=\"Bottlerocket OS 1.26.1 (aws-k8s-1.31)\"
VARIANT_ID=aws-k8s-1.31
VERSION_ID=1.26.1
BUILD_ID=943d9a41
HOME_URL=\"https://github.com/bottlerocket-os/bottlerocket\"
";

/// Returns the contents of `/etc/os-release` in the format of the API.
pub(super) fn os() -> Value {
    json!({
        "arch": "x86_64",
        "build_id": "943d9a41",
        "pretty_name": "Bottlerocket OS 1.26.1 (aws-k8s-1.31)",
        "variant_id": "aws-k8s-1.31",
        "version_id": "1.26.1",
    })
}

/// Returns the max-pods that pluto sets for an instance type; `None` if the table has no row.
pub(super) fn pluto_max_pods(instance_type: &str) -> Option<u32> {
    let rows = ENI_MAX_PODS.lines().filter_map(|line| line.split_once(' '));
    rows.filter(|(name, _)| *name == instance_type).find_map(|(_, pods)| pods.parse().ok())
}

/// Writes the files of the image below the host root `rootfs`, and `/etc/bottlerocket-release` below
/// the container root `container`.
pub(super) fn write_image_files(container: Option<&Path>, rootfs: &Path) {
    write(&rootfs.join("usr/share/eks/eni-max-pods"), ENI_MAX_PODS);
    write(&rootfs.join("etc/os-release"), OS_RELEASE);
    if let Some(container) = container {
        write(&container.join("etc/bottlerocket-release"), OS_RELEASE);
    }
}

/// Returns the settings after user data and pluto have configured a node of the cluster `api`.
pub(super) fn seed(instance: &Instance, api: &KubernetesApi) -> Value {
    let Instance { zone, region, instance_id, local_ipv4, .. } = instance;
    json!({
        "kubernetes": {
            "cluster-name": "sandbox",
            "cluster-certificate": api.ca_base64(),
            "api-server": api.url(),
            "authentication-mode": "aws",
            "cluster-dns-ip": "10.100.0.10",
            "cluster-domain": "cluster.local",
            "max-pods": pluto_max_pods(&instance.instance_type),
            "node-ip": local_ipv4,
            "provider-id": format!("aws:///{zone}/{instance_id}"),
            "pod-infra-container-image": "localhost/kubernetes/pause:0.1.0",
        },
        "aws": { "region": region },
    })
}

/// Returns the minimal user data for a node of the cluster `api`.
pub(super) fn user_data(api: &KubernetesApi) -> String {
    format!(
        "[settings.kubernetes]\ncluster-name = \"sandbox\"\napi-server = \"{}\"\ncluster-certificate = \"{}\"\n",
        api.url(),
        api.ca_base64()
    )
}
