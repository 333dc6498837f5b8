//! Every condition that a diagnostic reports, with its stable name.

use serde::{Serialize, Serializer};

/// Declares [`Code`]: each variant with its stable name and the subject that `check` lists it
/// under.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $subject:literal;)+) => {
        /// A stable identifier of a condition. Scripts may compare its name; the text of a
        /// diagnostic may change. `docs/diagnostics.md` lists every code. A new code needs a guide in
        /// `diagnostic/guide/`, and then `UPDATE_GOLDEN=1 cargo test -p eni-core reference`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[doc = $doc])+ $variant,)+ }

        impl Code {
            /// Every code, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Returns the stable name, such as `subnet-wrong-zone`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Returns the object that the condition belongs to, such as `subnet`.
            #[must_use]
            pub fn subject(self) -> &'static str {
                match self { $(Self::$variant => $subject,)+ }
            }

            /// Returns the doc comment, for the reference.
            #[cfg(test)]
            pub(crate) fn condition(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim(),)+ }
            }
        }
    };
}

codes! {
    /// Prefix delegation is on, but Xen instances fall back to secondary addresses.
    PrefixesNeedNitro = "prefixes-need-nitro", "max-pods";
    /// `pods.max` exceeds the addresses that the node can assign.
    MaxPodsAboveCapacity = "max-pods-above-capacity", "max-pods";
    /// `MINIMUM_IP_TARGET` without `WARM_IP_TARGET` caps the addresses that the CNI holds.
    MinimumIpTargetCaps = "minimum-ip-target-caps", "max-pods";
    /// Security groups for pods are on, but the instance type supports no trunk interface.
    NoTrunkInterface = "no-trunk-interface", "max-pods";
    /// The version of the CNI does not support prefix delegation.
    PrefixesNotSupported = "prefixes-not-supported", "max-pods";
    /// max-pods depends on the version of the CNI, which is unknown.
    CniVersionUnknown = "cni-version-unknown", "max-pods";
    /// A tag excludes the subnet of the primary network interface from pods.
    PrimarySubnetExcluded = "primary-subnet-excluded", "max-pods";
    /// EC2 did not return the tags of the subnet of the primary network interface.
    PrimarySubnetNotChecked = "primary-subnet-not-checked", "max-pods";
    /// With custom networking, the CNI does not use the prefixes of the primary network interface.
    PrimaryAddressesUnused = "primary-addresses-unused", "network interfaces";
    /// With custom networking, pods get addresses in another subnet than that of the ENIConfig.
    PodsInNodeSubnet = "pods-in-node-subnet", "network interfaces";
    /// `MANAGE_UNTAGGED_ENI` is false, and network interfaces might not have the tag of the CNI.
    UntaggedInterfaces = "untagged-interfaces", "max-pods";
    /// max-pods was computed for this instance.
    MaxPodsComputed = "max-pods-computed", "max-pods";
    /// Another source on the node sets the same max-pods.
    MaxPodsSame = "max-pods-same", "max-pods";
    /// Another source on the node sets max-pods, and `pods.policy` keeps its value.
    MaxPodsKept = "max-pods-kept", "max-pods";
    /// Another source on the node sets max-pods, and the value of eni-bootstrap takes precedence.
    MaxPodsOverridden = "max-pods-overridden", "max-pods";
    /// A later drop-in of nodeadm, or later kubelet arguments, set a max-pods that takes precedence.
    MaxPodsLaterDropIn = "max-pods-later-drop-in", "max-pods";
    /// `podsPerCore` and the number of CPUs limit the pods to fewer than max-pods.
    PodsPerCore = "pods-per-core", "max-pods";
    /// Karpenter schedules pods with a max-pods that differs from the one on the node.
    KarpenterMaxPodsDiffers = "karpenter-max-pods-differs", "max-pods";
    /// `maxPodsExpression` in user data is a formula, so `pods.policy` cannot compare it.
    MaxPodsExpressionIgnored = "max-pods-expression-ignored", "max-pods";
    /// Another source on the node sets kube-reserved, and `pods.policy` or `reserve.basis` keeps its value.
    KubeReservedKept = "kube-reserved-kept", "kube-reserved";
    /// Another source on the node sets kube-reserved, and the value of eni-bootstrap takes precedence.
    KubeReservedOverridden = "kube-reserved-overridden", "kube-reserved";
    /// Karpenter plans a kube-reserved value, and the node reserves at most this value.
    ReserveKarpenter = "reserve-karpenter", "kube-reserved";
    /// The node reserves more than Karpenter plans, so pods that Karpenter schedules may not fit.
    ReserveAboveKarpenter = "reserve-above-karpenter", "kube-reserved";
    /// Bottlerocket's settings contain a label of an earlier run, which the API cannot remove.
    OldLabel = "old-label", "labels";
    /// The kubelet reserves more than half of the instance's memory.
    LargeMemoryReserve = "large-memory-reserve", "memory";
    /// Less than a quarter of the instance's memory is left for pods.
    LittleMemoryForPods = "little-memory-for-pods", "memory";
    /// The reserves leave no ephemeral storage for pods on the file system of `/var/lib/kubelet`.
    NoStorageForPods = "no-storage-for-pods", "storage";
    /// A later drop-in of nodeadm, or later kubelet arguments, set a kube-reserved that takes precedence.
    ReserveLaterDropIn = "reserve-later-drop-in", "reserve";
    /// An existing label names the ENIConfig, and `eni-config.policy` keeps the label.
    EniConfigLabelKept = "eniconfig-label-kept", "labels";
    /// An existing label has another value, and the value of eni-bootstrap takes precedence.
    LabelOverridden = "label-overridden", "labels";
    /// A label in a later drop-in, or in later kubelet arguments, takes precedence over that of eni-bootstrap.
    LabelLaterDropIn = "label-later-drop-in", "labels";
    /// The instance was read from instance metadata.
    InstanceOk = "instance-ok", "instance";
    /// The family of the node image was detected.
    HostOk = "host-ok", "host";
    /// systemd will start the kubelet with the planned configuration.
    UnitOk = "unit-ok", "unit";
    /// systemd will not start the kubelet with the planned configuration.
    UnitMismatch = "unit-mismatch", "unit";
    /// A script starts the kubelet, and eni-bootstrap cannot verify that it passes its arguments on.
    UnitScript = "unit-script", "unit";
    /// The units are not compared with the plan, because `run` has not written the plan yet.
    UnitNotChecked = "unit-not-checked", "unit";
    /// The cluster was found and a client for its API server was created.
    ClusterOk = "cluster-ok", "cluster";
    /// The cluster is unknown, or no client for its API server can be created.
    ClusterFailed = "cluster-failed", "cluster";
    /// No configuration exists that fits the settings, the instance and the CNI.
    PlanFailed = "plan-failed", "plan";
    /// The configuration of the aws-node DaemonSet was read.
    CniOk = "cni-ok", "aws-node";
    /// The configuration of the aws-node DaemonSet cannot be read.
    CniUnreadable = "cni-unreadable", "aws-node";
    /// The Node object, whose labels decide whether aws-node runs on this node, cannot be read.
    NodeLabelsUnreadable = "node-labels-unreadable", "aws-node";
    /// The cluster has ENIConfigs, but custom networking is off, so the CNI does not use them.
    CustomNetworkingOff = "custom-networking-off", "aws-node";
    /// The CNI cannot parse a variable of the aws-node DaemonSet and uses its default.
    CniVariableInvalid = "cni-variable-invalid", "aws-node";
    /// Prefix delegation is on, but every warm target is 0, so the aws-node container exits.
    NoWarmTarget = "no-warm-target", "aws-node";
    /// The IAM role of aws-node is known.
    AwsNodeIdentity = "aws-node-identity", "aws-node role";
    /// The cluster has an association of EKS Pod Identity and an annotation for another role. The
    /// annotation has no effect.
    AwsNodeRoleIgnored = "aws-node-role-ignored", "aws-node role";
    /// The IAM role of aws-node cannot be determined.
    AwsNodeRoleUnknown = "aws-node-role-unknown", "aws-node role";
    /// The service account of the aws-node DaemonSet does not exist, so its pods do not start.
    ServiceAccountNotFound = "service-account-not-found", "aws-node role";
    /// The annotation of the service account is not the ARN of an IAM role.
    AwsNodeRoleInvalid = "aws-node-role-invalid", "aws-node role";
    /// The IAM role of aws-node does not exist.
    AwsNodeRoleNotFound = "aws-node-role-not-found", "aws-node role";
    /// The IAM role of aws-node allows every action that its version and configuration need.
    AwsNodePolicyOk = "aws-node-policy-ok", "aws-node policy";
    /// The IAM role of aws-node does not allow an action that its version and configuration need.
    AwsNodePolicyDenied = "aws-node-policy-denied", "aws-node policy";
    /// IAM does not evaluate the policies of the role of aws-node, or the result depends on conditions.
    AwsNodePolicyNotChecked = "aws-node-policy-not-checked", "aws-node policy";
    /// A setting differs from the aws-node DaemonSet, so max-pods might be wrong for the actual CNI configuration.
    SettingOverridesDaemonSet = "setting-overrides-daemonset", "settings";
    /// A setting repeats the value of the aws-node DaemonSet.
    SettingMatchesDaemonSet = "setting-matches-daemonset", "settings";
    /// A setting changes the calculation, but the aws-node DaemonSet has no variable for it.
    SettingWithoutVariable = "setting-without-variable", "settings";
    /// The ENIConfig exists and names a subnet.
    EniConfigOk = "eniconfig-ok", "ENIConfig";
    /// Custom networking is off, so the node needs no ENIConfig.
    EniConfigNotNeeded = "eniconfig-not-needed", "ENIConfig";
    /// The ENIConfig does not exist.
    EniConfigNotFound = "eniconfig-not-found", "ENIConfig";
    /// `spec.subnet` of the ENIConfig is empty.
    EniConfigWithoutSubnet = "eniconfig-without-subnet", "ENIConfig";
    /// The API server did not return the ENIConfig, or did not list the ENIConfigs.
    EniConfigUnreadable = "eniconfig-unreadable", "ENIConfig";
    /// The name of the ENIConfig depends on a property that only an instance has.
    EniConfigNameUnknown = "eniconfig-name-unknown", "ENIConfig";
    /// No node selects this ENIConfig, and it is not the one of a checked zone.
    EniConfigUnused = "eniconfig-unused", "ENIConfig";
    /// An ENIConfig named `default` exists, which the CNI uses if it cannot read a node's labels.
    EniConfigDefault = "eniconfig-default", "ENIConfig default";
    /// The API server did not return whether an ENIConfig named `default` exists.
    EniConfigDefaultNotChecked = "eniconfig-default-not-checked", "ENIConfig default";
    /// The comparison with EC2 is off (`eni-config.verify = false`).
    VerifyOff = "verify-off", "verify";
    /// The zones of the cluster's subnets or of its nodes are unknown.
    ZonesUnknown = "zones-unknown", "zones";
    /// The subnet of the ENIConfig fits the node. Without custom networking: the subnets for pods have
    /// enough free addresses.
    SubnetOk = "subnet-ok", "subnet";
    /// EC2 did not describe the subnet of the ENIConfig or of the node.
    SubnetNotChecked = "subnet-not-checked", "subnet";
    /// The subnet of the ENIConfig does not exist in this region and account.
    SubnetNotFound = "subnet-not-found", "subnet";
    /// The subnet of the ENIConfig is in another zone than the node.
    SubnetWrongZone = "subnet-wrong-zone", "subnet";
    /// The subnet of the ENIConfig is in another VPC than the node.
    SubnetWrongVpc = "subnet-wrong-vpc", "subnet";
    /// A tag excludes the subnet of the ENIConfig from pods. A warning if the version of the CNI is
    /// unknown.
    SubnetTaggedOut = "subnet-tagged-out", "subnet";
    /// The subnet has too few free addresses for a network interface and one pod. A warning on a
    /// node that already has pod addresses or that does not use custom networking.
    SubnetFull = "subnet-full", "subnet";
    /// The subnet has fewer free addresses than the pods of a full node use.
    FewFreeAddresses = "few-free-addresses", "subnet";
    /// The subnet has enough free `/28` prefixes.
    FreePrefixesOk = "free-prefixes-ok", "free prefixes";
    /// EC2 did not return the addresses in use, so the free `/28` prefixes are unknown.
    FreePrefixesNotChecked = "free-prefixes-not-checked", "free prefixes";
    /// The subnet has free addresses, but no free `/28` prefix. A warning on a node that already
    /// has pod addresses or that does not use custom networking.
    NoFreePrefix = "no-free-prefix", "free prefixes";
    /// The subnet has fewer free `/28` prefixes than the pods of a full node use.
    FewFreePrefixes = "few-free-prefixes", "free prefixes";
    /// The security groups of the ENIConfig exist in the subnet's VPC.
    SecurityGroupsOk = "security-groups-ok", "security groups";
    /// The ENIConfig lists no security groups, so the CNI uses those of the primary network interface.
    SecurityGroupsInherited = "security-groups-inherited", "security groups";
    /// EC2 did not describe the security groups of the ENIConfig.
    SecurityGroupsNotChecked = "security-groups-not-checked", "security groups";
    /// The ENIConfig lists more security groups than the default quota allows for a network interface.
    ManySecurityGroups = "many-security-groups", "security groups";
    /// The ENIConfig lists more security groups than a network interface can have.
    TooManySecurityGroups = "too-many-security-groups", "security groups";
    /// A security group of the ENIConfig does not exist in this region and account.
    SecurityGroupNotFound = "security-group-not-found", "security groups";
    /// A security group of the ENIConfig is in another VPC than the subnet.
    SecurityGroupWrongVpc = "security-group-wrong-vpc", "security groups";
    /// The API server did not return the Node object of this node.
    NodeNotChecked = "node-not-checked", "node";
    /// The kubelet registers a new node as cordoned, so the CNI attaches no network interfaces to it.
    RegistersCordoned = "registers-cordoned", "node";
    /// The node is cordoned, so the CNI attaches no network interfaces to it.
    NodeCordoned = "node-cordoned", "node";
    /// A label or annotation of the registered Node object selects another ENIConfig.
    NodeSelectsOtherEniConfig = "node-selects-other-eniconfig", "node";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn code_names_are_unique_and_kebab_case() {
        let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        let plain = |name: &&str| {
            name.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-')
        };
        assert_eq!(names.iter().find(|name| !plain(name)), None);
    }
}
