//! Guides for the codes about ENIConfigs and zones.

use super::{Guide, guides};

guides! {
    EniConfigOk
    effect
        /// The CNI can create network interfaces in the subnet of this ENIConfig, if the other checks of the subnet pass.
    fix
        /// No action is necessary.

    EniConfigNotNeeded
    effect
        /// Pods use the subnet of the node or the subnets that the CNI discovers.
    fix
        /// No action is necessary.

    EniConfigNotFound
    effect
        /// The CNI cannot attach a network interface for pods, so the node would stay NotReady or its pods in `ContainerCreating`. `run`
        /// waits until `eni-config.wait`, then fails with exit code 75, and the kubelet does not start.
    fix
        /// Create the ENIConfigs of all zones from the subnets with a tag, or one of them by hand. A waiting node continues within
        /// seconds.
        ///
        /// ```sh
        /// kubectl get eniconfigs
        /// kubectl eni configs --subnet-tag tier=pods --apply
        /// ```
        ///
        /// ```sh
        /// kubectl apply -f - <<'EOF'
        /// apiVersion: crd.k8s.amazonaws.com/v1alpha1
        /// kind: ENIConfig
        /// metadata:
        ///   name: us-west-2a
        /// spec:
        ///   subnet: SUBNET-ID
        ///   securityGroups:
        ///     - SECURITY-GROUP-ID
        /// EOF
        /// ```

    EniConfigWithoutSubnet
    effect
        /// The CNI cannot attach a network interface for pods. `run` waits as for a missing ENIConfig.
    fix
        /// Set `spec.subnet` to a subnet in the zone of the node:
        ///
        /// ```sh
        /// kubectl patch eniconfig NAME --type merge --patch '{"spec":{"subnet":"SUBNET-ID"}}'
        /// ```

    EniConfigUnreadable
    effect
        /// eni-bootstrap does not know whether the ENIConfig exists. `run` waits until `eni-config.wait`, then fails with exit code 69, 75
        /// or 77. With a record of a successful run, `run` uses the recorded ENIConfig.
    fix
        /// Apply the RBAC rules. If the resource type does not exist, install the CNI. If the API server does not respond, check the
        /// route from the node.
        ///
        /// ```sh
        /// kubectl apply -f packaging/rbac.yaml
        /// kubectl get customresourcedefinition eniconfigs.crd.k8s.amazonaws.com
        /// kubectl auth can-i get eniconfigs --as system:node:NODE --as-group system:nodes
        /// ```

    EniConfigNameUnknown
    effect
        /// The template contains a field such as `{instance-type}` or `{tag:KEY}`, which is known only on a node. The ENIConfigs of these
        /// nodes are not checked from a workstation.
    fix
        /// Run the check on a node, or name the template without this field:
        ///
        /// ```sh
        /// eni-bootstrap check
        /// kubectl eni check --eni-config-name 'prod-{zone}'
        /// ```

    EniConfigUnused
    effect
        /// The ENIConfig has no effect. Nodes that should use it may select another one.
    fix
        /// If new nodes will use it, keep it. Otherwise, delete it. To see which ENIConfig each node selects:
        ///
        /// ```sh
        /// kubectl eni nodes --all
        /// kubectl delete eniconfig NAME
        /// ```

    EniConfigDefault
    effect
        /// If the CNI cannot read the Node object, or if the node has no ENIConfig label, the CNI uses this ENIConfig without an error.
        /// Its subnet can be in another zone, where the CNI cannot attach network interfaces to the node.
    fix
        /// Delete it, unless it is suitable for every node:
        ///
        /// ```sh
        /// kubectl eni nodes --all
        /// kubectl delete eniconfig default
        /// ```

    EniConfigDefaultNotChecked
    effect
        /// An ENIConfig named `default`, which can replace that of the node, would not be found. The kubelet starts.
    fix
        /// Allow nodes to read ENIConfigs, and check that the API server responds:
        ///
        /// ```sh
        /// kubectl apply -f packaging/rbac.yaml
        /// ```

    VerifyOff
    effect
        /// A wrong zone, VPC or security group, or a full subnet, is not found before the kubelet starts.
    fix
        /// Turn the checks on, unless pods intentionally use another VPC or account:
        ///
        /// ```toml
        /// [eni-config]
        /// verify = true
        /// ```

    ZonesUnknown
    effect
        /// A zone without an ENIConfig would not be found.
    fix
        /// Name the zones, or allow `eks:DescribeCluster` and `ec2:DescribeSubnets` for your identity:
        ///
        /// ```sh
        /// kubectl eni check --zones us-west-2a,us-west-2b
        /// ```
}
