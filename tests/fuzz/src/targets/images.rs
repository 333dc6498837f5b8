//! The images to which a target adds its input.

/// An image as names and texts of files.
pub type Files = &'static [(&'static str, &'static str)];

/// Amazon Linux 2023.
pub const NODEADM: Files = &[
    (
        "root/etc/systemd/system/nodeadm-run.service",
        "[Service]\nExecStart=/usr/bin/nodeadm init --skip config --config-source imds://user-data --config-source file:///etc/eks/nodeadm.d/\n",
    ),
    (
        "root/etc/systemd/system/kubelet.service",
        "[Service]\nEnvironmentFile=/etc/eks/kubelet/environment\nExecStart=/usr/bin/kubelet $NODEADM_KUBELET_ARGS\n",
    ),
];

/// kubeadm on Debian. The node has joined the cluster.
pub const KUBEADM: Files = &[
    ("root/lib/systemd/system/kubelet.service", "[Service]\nExecStart=/usr/bin/kubelet\n"),
    (
        "root/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
        "[Service]\nEnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env\nEnvironmentFile=-/etc/default/kubelet\nExecStart=\nExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS\n",
    ),
    (
        "root/var/lib/kubelet/kubeadm-flags.env",
        "KUBELET_KUBEADM_ARGS=\"--container-runtime-endpoint=unix:///run/containerd/containerd.sock\"\n",
    ),
];

/// Amazon Linux 2.
pub const DROP_IN: Files = &[(
    "root/etc/eks/containerd/kubelet-containerd.service",
    "[Service]\nExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/kubelet-config.json \\\n    $KUBELET_ARGS $KUBELET_EXTRA_ARGS\n",
)];

/// A kubelet that reads drop-ins.
pub const CONFIG_DIRECTORY: Files = &[(
    "root/etc/systemd/system/kubelet.service",
    "[Service]\nExecStart=/usr/bin/kubelet --config /etc/kubernetes/kubelet/config.json --config-dir=/etc/kubernetes/kubelet/conf.d\n",
)];

/// A kubelet to which eni-bootstrap adds a directory of drop-ins.
pub const CONFIG_FILE: Files = &[
    (
        "root/etc/systemd/system/kubelet.service",
        "[Service]\nExecStart=/usr/bin/kubelet --config=/etc/kubernetes/kubelet/config.json\n",
    ),
    ("root/etc/kubernetes/kubelet/config.json", "{\"kubeReserved\": {\"pid\": \"1000\"}}\n"),
    ("kubelet-version", "Kubernetes v1.34.2\n"),
];

/// Ubuntu EKS.
pub const SNAP: Files = &[
    (
        "root/etc/systemd/system/snap.kubelet-eks.daemon.service",
        "[Service]\nExecStart=/usr/bin/snap run kubelet-eks.daemon\n",
    ),
    ("snap/kubelet-eks/args", "--v=2"),
];

/// Bottlerocket.
pub const BOTTLEROCKET_IMAGE: Files = &[
    ("bottlerocket.json", "{\"kubernetes\":{\"max-pods\":29,\"node-labels\":{\"team\":\"blue\"}}}"),
    ("root/.bottlerocket/rootfs/usr/share/eks/eni-max-pods", "c5.large 29\n"),
];
