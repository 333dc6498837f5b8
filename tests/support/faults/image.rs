//! The files of each image family, before the first boot.

use super::case::Host;
use crate::support::node::Node;

/// Returns a node with the files of an image family.
pub fn image(host: Host) -> Node {
    match host {
        Host::Al2023 => Node::al2023(),
        Host::Al2 => Node::al2(),
        Host::Kubeadm => {
            let node = Node::empty();
            node.file("etc/systemd/system/kubelet.service", "[Service]\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\nExecStart=/usr/bin/kubelet $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n");
            node
        }
        Host::ConfigDirectory => {
            let node = Node::empty();
            node.file(
                "etc/systemd/system/kubelet.service",
                "[Service]\nExecStart=/usr/bin/kubelet --config-dir=/etc/kubernetes/kubelet.d\n",
            );
            node.file("etc/eks/kubelet-version.txt", "Kubernetes v1.34.1\n");
            node
        }
        Host::Snap => {
            let node = Node::empty();
            node.file(
                "etc/systemd/system/snap.kubelet-eks.daemon.service",
                "[Service]\nExecStart=/usr/bin/snap run kubelet-eks.daemon\n",
            );
            node
        }
        Host::Bottlerocket => Node::empty(),
    }
}
