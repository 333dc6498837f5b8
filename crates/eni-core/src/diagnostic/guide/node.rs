//! Guides for the codes about the configuration and the state of the node.

use super::{Guide, guides};

guides! {
    KubeReservedKept
    effect
        /// The kubelet reserves the existing amount for itself. If it is too low for the number of pods, the node can run out of
        /// memory.
    fix
        /// No action is necessary if the value is intended. To use the computed reserve, set the defaults:
        ///
        /// ```toml
        /// [pods]
        /// policy = "override"
        ///
        /// [reserve]
        /// basis = "auto"
        /// ```

    KubeReservedOverridden
    effect
        /// The kubelet uses the reserve of eni-bootstrap, which fits the computed max-pods. The existing value has no effect.
    fix
        /// Remove the value from the source in the message. To keep it, set `reserve.cpu`, `reserve.memory` or
        /// `reserve.ephemeral-storage` to this value, or `pods.policy = "respect"`. Then compare:
        ///
        /// ```sh
        /// eni-bootstrap plan
        /// ```

    ReserveKarpenter
    effect
        /// The node reserves no more than Karpenter plans, so every pod that Karpenter schedules fits.
    fix
        /// No action is necessary. [karpenter.md](karpenter.md#kubereserved) explains the values.

    ReserveAboveKarpenter
    effect
        /// Karpenter launches a node for pods that do not fit on it. These pods stay pending, and Karpenter launches another node.
    fix
        /// Set the reserve of the message in the EC2NodeClass, or use the plan of Karpenter on the node:
        ///
        /// ```toml
        /// [reserve]
        /// basis = "auto"
        /// ```
        ///
        /// ```sh
        /// kubectl eni expressions --for karpenter
        /// ```

    OldLabel
    effect
        /// The node keeps the label of an earlier configuration. Selectors and affinities that use this label still match the node.
    fix
        /// Replace the node. The Bottlerocket API can change a label, but not remove it.
        ///
        /// ```sh
        /// kubectl drain NODE --ignore-daemonsets --delete-emptydir-data
        /// aws ec2 terminate-instances --instance-ids INSTANCE-ID
        /// ```

    LargeMemoryReserve
    effect
        /// Less than half of the memory is left for pods. The reserve grows by 11 MiB with each pod of max-pods.
    fix
        /// Lower max-pods with `pods.ceiling`, lower `reserve.memory`, or use instance types with more memory:
        ///
        /// ```toml
        /// [pods]
        /// ceiling = 30
        /// ```

    LittleMemoryForPods
    effect
        /// The node joins, but only small pods fit on it. kube-reserved, system-reserved and the eviction threshold use the rest.
    fix
        /// Lower `pods.ceiling` or `reserve.memory` to the value in the message, or use instance types with more memory:
        ///
        /// ```sh
        /// eni-bootstrap plan
        /// ```

    NoStorageForPods
    effect
        /// The kubelet exits when it starts, because the reserves are larger than its file system. The node does not join.
    fix
        /// Use a larger volume in the launch template, mount a larger file system at `/var/lib/kubelet`, or lower the reserve:
        ///
        /// ```sh
        /// df -h /var/lib/kubelet
        /// ```
        ///
        /// ```toml
        /// [reserve]
        /// ephemeral-storage = "500Mi"
        /// ```

    ReserveLaterDropIn
    effect
        /// The kubelet reads the other file or flag after that of eni-bootstrap, so the reserve of eni-bootstrap has no effect.
    fix
        /// Remove kube-reserved from the file in the message. Then check which value applies:
        ///
        /// ```sh
        /// eni-bootstrap check
        /// ```

    EniConfigLabelKept
    effect
        /// The node waits for the ENIConfig of the existing label and registers with this label. Pods use its subnet.
    fix
        /// No action is necessary if the label is intended. Otherwise, remove it from `--node-labels`, or replace its value:
        ///
        /// ```toml
        /// [eni-config]
        /// policy = "override"
        /// ```

    LabelOverridden
    effect
        /// The kubelet registers the node with the value of eni-bootstrap. Objects that use the existing value do not match the node.
    fix
        /// Remove the existing label from the location in the message. To use the ENIConfig of an existing label instead, set
        /// `eni-config.policy = "respect"`. Then show the labels:
        ///
        /// ```sh
        /// eni-bootstrap plan --output kubelet-args
        /// ```

    LabelLaterDropIn
    effect
        /// The kubelet reads the other file or flag after that of eni-bootstrap, so the node registers with the other value.
    fix
        /// Remove the label from the file in the message, then run the check again:
        ///
        /// ```sh
        /// eni-bootstrap check
        /// ```

    InstanceOk
    effect
        /// The text contains the instance type and the zone on which the calculation is based.
    fix
        /// No action is necessary.

    HostOk
    effect
        /// The text contains the image family and the reason for its detection. The family determines
        /// [which files](files.md) `run` writes.
    fix
        /// No action is necessary. If the family is wrong, set `host.kind`.

    UnitOk
    effect
        /// eni-bootstrap has read the loaded unit with `systemctl show`. The kubelet will start with the files of the plan.
    fix
        /// No action is necessary.

    UnitMismatch
    effect
        /// A drop-in, an environment file or another command line replaces the planned configuration. `run` fails with exit code 65,
        /// and the kubelet does not start with a wrong max-pods.
    fix
        /// Correct the file in the message. These commands show what systemd has loaded:
        ///
        /// ```sh
        /// systemctl cat kubelet
        /// systemctl show kubelet --property ExecStart --property EnvironmentFiles
        /// systemctl daemon-reload
        /// ```

    UnitScript
    effect
        /// If the script does not pass its arguments on, the kubelet starts without max-pods and the labels of eni-bootstrap.
    fix
        /// End the script with `exec kubelet "$@"`. After the kubelet has started, check its arguments:
        ///
        /// ```sh
        /// tr '\0' ' ' < /proc/$(pgrep -x kubelet)/cmdline
        /// ```

    UnitNotChecked
    effect
        /// The files on the node differ from the plan, so a comparison with the units has no meaning. This is normal before the first
        /// `run` and after a change of the settings.
    fix
        /// Show the differences. The next boot applies them:
        ///
        /// ```sh
        /// eni-bootstrap plan --output diff
        /// ```

    ClusterOk
    effect
        /// The text contains the name and the endpoint of the cluster, and the source of both.
    fix
        /// No action is necessary.

    ClusterFailed
    effect
        /// `run` cannot read the CNI configuration, so the node does not join: exit code 69, 77 or 78, depending on the cause. With a
        /// record of a successful run, `run` can use the recorded values.
    fix
        /// Follow the help of the message. If the node does not find the cluster, set its name. The other two values then come from
        /// `eks:DescribeCluster`, or from the settings:
        ///
        /// ```toml
        /// [cluster]
        /// name = "CLUSTER"
        /// ```
        ///
        /// ```sh
        /// aws eks describe-cluster --name CLUSTER --query 'cluster.[endpoint, certificateAuthority.data]'
        /// ```

    PlanFailed
    effect
        /// `run` fails before it writes a file, and the kubelet does not start. The message contains the setting, the instance type or
        /// the existing configuration that does not fit.
    fix
        /// Follow the help of the message, then compute the plan again. [Rejected configurations](max-pods.md#rejected-configurations)
        /// lists those without capacity for pods.
        ///
        /// ```sh
        /// eni-bootstrap plan
        /// ```

    NodeNotChecked
    effect
        /// A cordon, or labels of an earlier registration, would not be found. On a full subnet, eni-bootstrap does not know whether
        /// pods of this node already have addresses. The check does not block the kubelet.
    fix
        /// Check that the API server responds and that the node role is mapped in the cluster:
        ///
        /// ```sh
        /// eni-bootstrap check --verbose
        /// aws eks list-access-entries --cluster-name CLUSTER
        /// ```

    RegistersCordoned
    effect
        /// With custom networking, the CNI attaches no network interface to a cordoned node. The node stays NotReady until somebody
        /// uncordons it.
    fix
        /// Remove `--register-schedulable=false` or the taint `node.kubernetes.io/unschedulable` from the location in the message, or
        /// let the CNI manage cordoned nodes:
        ///
        /// ```sh
        /// kubectl -n kube-system set env daemonset aws-node AWS_MANAGE_ENIS_NON_SCHEDULABLE=true
        /// ```

    NodeCordoned
    effect
        /// With custom networking, the CNI attaches no network interface to a cordoned node. After a reboot, the node stays NotReady.
    fix
        /// Uncordon the node, or let the CNI manage cordoned nodes:
        ///
        /// ```sh
        /// kubectl uncordon NODE
        /// kubectl -n kube-system set env daemonset aws-node AWS_MANAGE_ENIS_NON_SCHEDULABLE=true
        /// ```

    NodeSelectsOtherEniConfig
    effect
        /// A Node object keeps its labels and annotations when the node registers again. The CNI uses the ENIConfig of these for new
        /// network interfaces, so pods get addresses of another subnet.
    fix
        /// Delete the Node object, so that the kubelet registers it again, or correct the label in the message:
        ///
        /// ```sh
        /// kubectl get node NODE --show-labels
        /// kubectl delete node NODE
        /// systemctl restart kubelet
        /// ```
}
