//! The start of `docs/troubleshooting.md`: where to look, and symptoms with their likely causes.

use crate::diagnostic::Code;

/// A symptom that a user sees before a code.
pub(super) struct Symptom {
    pub text: &'static str,
    /// The first command to run.
    pub command: &'static str,
    pub causes: &'static [Code],
    /// Causes without a code, in Markdown.
    pub other: &'static str,
}

const fn symptom(
    text: &'static str,
    command: &'static str,
    causes: &'static [Code],
    other: &'static str,
) -> Symptom {
    Symptom { text, command, causes, other }
}

pub(super) const SYMPTOMS: [Symptom; 14] = [
    symptom(
        "pods stay in `ContainerCreating` with `failed to assign an IP address to container`",
        "`kubectl eni nodes`",
        &[
            Code::MaxPodsAboveCapacity,
            Code::MaxPodsLaterDropIn,
            Code::MaxPodsKept,
            Code::SubnetFull,
            Code::NoFreePrefix,
            Code::SubnetTaggedOut,
            Code::PrimarySubnetNotChecked,
        ],
        "the node was started without eni-bootstrap, so its max-pods is too high",
    ),
    symptom(
        "the node does not join, and EC2 shows it as running",
        "`aws ec2 get-console-output --latest --output text --instance-id INSTANCE-ID`",
        &[
            Code::EniConfigNotFound,
            Code::CniUnreadable,
            Code::ClusterFailed,
            Code::UnitMismatch,
            Code::NoStorageForPods,
        ],
        "see [Errors](#errors); without a line of eni-bootstrap, the unit is not enabled in the image; with `failed to install eni-bootstrap`, the [download in user data](user-data.md#unmodified-eks-ami) failed",
    ),
    symptom(
        "the node joins, but stays `NotReady`",
        "`kubectl eni check`",
        &[
            Code::NodeCordoned,
            Code::RegistersCordoned,
            Code::NoWarmTarget,
            Code::AwsNodePolicyDenied,
            Code::NodeSelectsOtherEniConfig,
            Code::ServiceAccountNotFound,
        ],
        "",
    ),
    symptom(
        "aws-node crash-loops",
        "`kubectl -n kube-system logs --selector k8s-app=aws-node --container aws-node --tail 50`",
        &[
            Code::NoWarmTarget,
            Code::AwsNodePolicyDenied,
            Code::AwsNodeRoleInvalid,
            Code::AwsNodeRoleNotFound,
        ],
        "",
    ),
    symptom(
        "max-pods is 29 instead of 20 on an m5.large with custom networking",
        "`kubectl get node NODE -o jsonpath='{.status.capacity.pods}'`, then `eni-bootstrap plan` on the node",
        &[
            Code::MaxPodsLaterDropIn,
            Code::MaxPodsKept,
            Code::SettingOverridesDaemonSet,
            Code::CustomNetworkingOff,
        ],
        "the unit did not run before the kubelet: `systemctl status eni-bootstrap`",
    ),
    symptom(
        "max-pods is lower than expected",
        "`eni-bootstrap plan`",
        &[
            Code::PrefixesNeedNitro,
            Code::PrimarySubnetExcluded,
            Code::CniVersionUnknown,
            Code::MinimumIpTargetCaps,
            Code::SettingWithoutVariable,
            Code::PodsPerCore,
        ],
        "`pods.ceiling` limits max-pods to 110 or 250",
    ),
    symptom(
        "`run` waits for the ENIConfig",
        "`kubectl get eniconfigs`",
        &[
            Code::EniConfigNotFound,
            Code::EniConfigWithoutSubnet,
            Code::SubnetNotFound,
            Code::SubnetWrongZone,
            Code::SubnetWrongVpc,
            Code::SecurityGroupNotFound,
        ],
        "",
    ),
    symptom(
        "Karpenter replaces a node again and again",
        "`kubectl get events -n default --field-selector reason=PodSubnetFull`",
        &[Code::SubnetFull, Code::NoFreePrefix, Code::EniConfigNotFound],
        "Karpenter replaces a node that does not register within 15 minutes",
    ),
    symptom(
        "Karpenter launches nodes, but the pods stay pending",
        "`kubectl eni expressions --for karpenter`",
        &[Code::KarpenterMaxPodsDiffers, Code::ReserveAboveKarpenter],
        "",
    ),
    symptom(
        "pods have an address of the node subnet, or the wrong security groups",
        "`eni-bootstrap check`",
        &[
            Code::CustomNetworkingOff,
            Code::PodsInNodeSubnet,
            Code::NodeSelectsOtherEniConfig,
            Code::EniConfigDefault,
        ],
        "",
    ),
    symptom(
        "pods with a SecurityGroupPolicy do not start",
        "`eni-bootstrap check`",
        &[Code::NoTrunkInterface],
        "",
    ),
    symptom(
        "the kubelet exits immediately",
        "`journalctl -u kubelet -b`",
        &[Code::NoStorageForPods, Code::UnitMismatch],
        "a label that a kubelet is not allowed to set: see [Errors](#errors)",
    ),
    symptom(
        "a new setting has no effect",
        "`eni-bootstrap plan --output diff`",
        &[Code::UnitNotChecked, Code::MaxPodsLaterDropIn, Code::LabelLaterDropIn],
        "settings take effect at the next boot; [precedence](settings.md#sources-and-precedence)",
    ),
    symptom(
        "`check` skips checks and exits with code 2",
        "`eni-bootstrap check`",
        &[
            Code::SubnetNotChecked,
            Code::SecurityGroupsNotChecked,
            Code::FreePrefixesNotChecked,
            Code::NodeNotChecked,
            Code::ZonesUnknown,
        ],
        "[permissions](reference/permissions.md)",
    ),
];

pub(super) const HEAD: &str = "\
Find the symptom or the error, follow its link, and run the commands of the fix. Each diagnostic has a code that does not change
between versions. To open the section of a code, append `#` and the code to the address of the page, for example
`#subnet-full`.

## Where to look

| question | command |
|---|---|
| What happened on this node? | `sudo eni-bootstrap report` ([result of a run](report.md)), or `journalctl -u eni-bootstrap -b` |
| What happened on a node without SSH access? | `aws ec2 get-console-output --latest --output text --instance-id INSTANCE-ID` |
| Does the node retry, and when? | `systemctl status eni-bootstrap-retry` |
| What is wrong with this node now? | `eni-bootstrap check` |
| What would `run` change on this node? | `eni-bootstrap plan --output diff` |
| Are the ENIConfigs, the subnets and the IAM role of aws-node right? | `kubectl eni check` |
| Which nodes of the cluster are wrong? | `kubectl eni nodes` ([verdicts](kubectl-eni-nodes.md#verdicts)) |
| Are the subnets large enough? | `kubectl eni capacity` |
| Did a node fail because of a full subnet? | `kubectl get events -n default --field-selector reason=PodSubnetFull` |

The log has one line for each event. Warnings of the plan start with `plan:`, results of checks with `verify:`, and reasons for a
wait with `wait:`. Log lines have no code: run `eni-bootstrap check --output json`, which reports the same conditions with their
codes. On Bottlerocket, the log is in the console output. To read it on the node, run `sudo sheltie` in the admin container, and then
`journalctl -u bootstrap-containers@eni-bootstrap`.

Run the `kubectl` and `aws` commands on this page on your workstation, and all other commands as root on the node. If the CNI is
an EKS add-on, set the variables of aws-node in [the configuration of the add-on](secondary-cidr.md#5-configure-the-cni) instead of with
`kubectl set env`, because the next update of the add-on can overwrite them.

After you have corrected the cause, the node retries by itself. To [retry
immediately](../systemd/README.md#retry-after-a-failure), run `systemctl start nodeadm-run` on Amazon Linux 2023, `snap start
kubelet-eks` on Ubuntu EKS images, or `systemctl start kubelet` on other images. On Bottlerocket, reboot the node.
";
