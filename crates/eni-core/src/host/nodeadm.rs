//! Amazon Linux 2023: one `NodeConfig` drop-in, merged over user data by `nodeadm-run.service`.
//!
//! Source: "Overriding configuration with drop-in files", `nodeadm/doc/examples.md`; the directory
//! is read from image v20251023 on.

use crate::domain::kubelet::Kubelet;
use crate::domain::reserved::Reserved;
use crate::host::{Change, NOTICE};

/// Every file that this host may have written.
pub(crate) const FILES: &[&str] = &[DROP_IN];

/// The directory that it reads.
pub const DIRECTORY: &str = "/etc/eks/nodeadm.d";
/// Ours in it.
pub const DROP_IN_NAME: &str = "90-eni-bootstrap.yaml";
/// Read after user data and, by its name, after other drop-ins: the last one wins.
const DROP_IN: &str = "/etc/eks/nodeadm.d/90-eni-bootstrap.yaml";

/// One file, and nothing else: no unit is touched and no daemon reloaded.
#[must_use]
pub fn render(kubelet: &Kubelet) -> Vec<Change> {
    // Taken apart whole, so that a new field cannot be forgotten here.
    let Kubelet { max_pods, kube_reserved, node_labels, beats_flags } = kubelet;
    let Reserved { cpu, ephemeral_storage, memory } = kube_reserved;
    // A flag wins over every file, so it takes flags to win over one: ours are appended later. Without
    // need they are left out, since the kubelet logs both as deprecated.
    let flags = if *beats_flags {
        format!("      - \"--max-pods={max_pods}\"\n      - \"--kube-reserved={kube_reserved}\"\n")
    } else {
        String::new()
    };
    let contents = format!(
        "{NOTICE}\
apiVersion: node.eks.aws/v1alpha1
kind: NodeConfig
spec:
  kubelet:
    # nodeadm computes its own reserve from the expression, never from maxPods.
    maxPodsExpression: \"{max_pods}\"
    config:
      # Wins over a maxPods in user data: a managed node group's, Karpenter's or a person's.
      maxPods: {max_pods}
      # Said in full, because nodeadm passes over the expression for a type it does not know.
      kubeReserved:
        cpu: \"{cpu}\"
        ephemeral-storage: \"{ephemeral_storage}\"
        memory: \"{memory}\"
    flags:
      - \"--node-labels={node_labels}\"
{flags}"
    );
    vec![Change::File { path: DROP_IN.into(), contents }]
}
