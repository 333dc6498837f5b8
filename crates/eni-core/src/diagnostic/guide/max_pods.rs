//! Guides for the codes about max-pods.

use super::{Guide, guides};

guides! {
    PrefixesNeedNitro
    effect
        /// Only Nitro and bare metal instances support /28 prefixes. The CNI assigns secondary IPv4 addresses on this
        /// instance type, so the node runs fewer pods than a Nitro instance of the same size. max-pods is right.
    fix
        /// If the node needs more pods, choose a Nitro instance type. This command lists them for a Region:
        ///
        /// ```sh
        /// aws ec2 describe-instance-types --filters Name=hypervisor,Values=nitro --query 'InstanceTypes[].InstanceType'
        /// ```

    MaxPodsAboveCapacity
    effect
        /// The kubelet accepts more pods than the CNI has addresses for. On a full node, the additional pods stay in
        /// `ContainerCreating` with the error `failed to assign an IP address to container`.
    fix
        /// Remove `pods.max` from the settings, so that eni-bootstrap computes max-pods, or lower it to the number in the message.
        /// With `pods.policy = "respect"`, lower or remove the existing value in the message of
        /// [max-pods-kept](#max-pods-kept). Find the settings, then show the result:
        ///
        /// ```sh
        /// grep -rnE '^ *(max|policy) *=' /etc/eni-bootstrap /run/eni-bootstrap
        /// eni-bootstrap plan
        /// ```

    MinimumIpTargetCaps
    effect
        /// Without `WARM_IP_TARGET`, the CNI holds at most `MINIMUM_IP_TARGET` addresses. max-pods is limited to this number, and
        /// the rest of the node's capacity is unused.
    fix
        /// To use the whole capacity, set `WARM_IP_TARGET`. Otherwise, no action is necessary.
        ///
        /// ```sh
        /// kubectl -n kube-system set env daemonset aws-node WARM_IP_TARGET=1
        /// ```

    NoTrunkInterface
    effect
        /// Pods that a SecurityGroupPolicy selects need a branch of a trunk interface. They cannot start on this node. All other
        /// pods work.
    fix
        /// Schedule these pods on instance types that support trunk interfaces. In the
        /// [table of AWS](https://github.com/aws/amazon-vpc-resource-controller-k8s/blob/master/pkg/aws/vpc/limits.go), these types have
        /// `IsTrunkingCompatible: true`. To compute max-pods for other types:
        ///
        /// ```sh
        /// kubectl eni max-pods m5.large m7i.large --cni-pod-eni-enabled
        /// ```

    PrefixesNotSupported
    effect
        /// `ENABLE_PREFIX_DELEGATION` has no effect before version 1.9.0 of the CNI. max-pods is computed from secondary IPv4
        /// addresses, so it is right but lower than with prefixes.
    fix
        /// Upgrade the CNI. For the EKS add-on, list the versions and select one:
        ///
        /// ```sh
        /// aws eks describe-addon-versions --addon-name vpc-cni --query 'addons[].addonVersions[].addonVersion'
        /// aws eks update-addon --cluster-name CLUSTER --addon-name vpc-cni --addon-version VERSION
        /// ```

    CniVersionUnknown
    effect
        /// The tag of the aws-node image contains no version, for example in a private registry or with a digest only.
        /// eni-bootstrap uses the version with fewer pods, so max-pods may be one network interface too low.
    fix
        /// Read the image, and set its version in the settings of the nodes, or with `--cni-version` for `kubectl eni check`:
        ///
        /// ```sh
        /// kubectl -n kube-system get daemonset aws-node -o jsonpath='{.spec.template.spec.containers[0].image}'
        /// ```
        ///
        /// ```toml
        /// [cni]
        /// version = "1.23.2"
        /// ```

    PrimarySubnetExcluded
    effect
        /// From version 1.22.0, the CNI assigns no address of an excluded subnet to pods. The calculation of max-pods leaves out the
        /// primary network interface, or all network interfaces that the CNI would create in this subnet.
    fix
        /// No action is necessary if the tag is intended. Otherwise, remove the tag `kubernetes.io/role/cni`, and replace the node:
        ///
        /// ```sh
        /// aws ec2 delete-tags --resources SUBNET-ID --tags Key=kubernetes.io/role/cni
        /// ```

    PrimarySubnetNotChecked
    effect
        /// If a tag excludes the subnet of the node, max-pods is too high, and pods stay in `ContainerCreating`. If no tag excludes
        /// it, max-pods is right.
    fix
        /// Attach [iam-policy.json](../packaging/iam-policy.json) to the IAM role of the nodes, or set the value explicitly:
        ///
        /// ```sh
        /// aws iam put-role-policy --role-name ROLE --policy-name eni-bootstrap --policy-document file://packaging/iam-policy.json
        /// ```
        ///
        /// ```toml
        /// [cni]
        /// primary-subnet-excluded = false
        /// ```

    PrimaryAddressesUnused
    effect
        /// 16 IPv4 addresses of the node's subnet stay reserved for each prefix, and no pod can use them. max-pods is right.
    fix
        /// Remove `Ipv4PrefixCount` from the network interface in the launch template, or the prefixes from the EC2NodeClass. Then
        /// replace the node.
        ///
        /// ```sh
        /// aws ec2 describe-network-interfaces --filters Name=attachment.instance-id,Values=INSTANCE-ID \
        ///     --query 'NetworkInterfaces[].[NetworkInterfaceId,Ipv4Prefixes]'
        /// ```

    PodsInNodeSubnet
    effect
        /// Some pods get an address of another subnet, with other security groups and routes than those of the ENIConfig. Network
        /// policies, firewalls and routes that expect the pod subnet do not apply to them.
    fix
        /// Remove secondary IPv4 addresses (`SecondaryPrivateIpAddressCount`) and additional network interfaces from the launch
        /// template, and replace the node. For a network interface that another program uses, set the tag of the CNI:
        ///
        /// ```sh
        /// aws ec2 create-tags --resources ENI-ID --tags Key=node.k8s.amazonaws.com/no_manage,Value=true
        /// ```

    UntaggedInterfaces
    effect
        /// Instance metadata does not contain tags, so eni-bootstrap does not know which network interfaces the CNI uses. max-pods
        /// is too high by the addresses of each network interface without the tag.
    fix
        /// Count the attached network interfaces without the tag `node.k8s.amazonaws.com/instance_id`, and set their number:
        ///
        /// ```sh
        /// aws ec2 describe-network-interfaces --filters Name=attachment.instance-id,Values=INSTANCE-ID \
        ///     --query 'NetworkInterfaces[].[NetworkInterfaceId,TagSet]'
        /// ```
        ///
        /// ```toml
        /// [cni]
        /// reserved-enis = 1
        /// ```

    MaxPodsComputed
    effect
        /// The text shows each term of the calculation. The kubelet gets this value, unless another code of this page names
        /// another one.
    fix
        /// No action is necessary. [max-pods.md](max-pods.md) explains the terms.

    MaxPodsSame
    effect
        /// User data, a drop-in or a kubelet flag sets the value that eni-bootstrap computes. The sources agree.
    fix
        /// No action is necessary.

    MaxPodsKept
    effect
        /// The kubelet uses the existing value, because `pods.policy` is `respect`, or `lower` and the existing value is lower. If it
        /// exceeds the capacity, [max-pods-above-capacity](#max-pods-above-capacity) is also reported.
    fix
        /// No action is necessary if the policy is intended. To use the computed value, set the default:
        ///
        /// ```toml
        /// [pods]
        /// policy = "override"
        /// ```

    MaxPodsOverridden
    effect
        /// The kubelet uses the computed value. For example, EKS sets `maxPods` for managed node groups without an AMI ID, and
        /// eni-bootstrap replaces it.
    fix
        /// No action is necessary. To keep the existing value instead, set `pods.policy = "respect"`. To compare both:
        ///
        /// ```sh
        /// eni-bootstrap plan --output json | jq '.["existing-max-pods"]'
        /// ```

    MaxPodsLaterDropIn
    effect
        /// The kubelet reads the other file or flag after that of eni-bootstrap, so the value of eni-bootstrap has no effect. If the
        /// other value is too high, pods stay in `ContainerCreating`.
    fix
        /// Remove max-pods from the file in the message. Then show which value applies:
        ///
        /// ```sh
        /// eni-bootstrap plan
        /// eni-bootstrap check
        /// ```

    PodsPerCore
    effect
        /// The kubelet accepts the lower of max-pods and `podsPerCore` × CPUs. The node runs fewer pods than it has addresses for.
        /// Nothing fails.
    fix
        /// If the node should accept max-pods pods, remove `podsPerCore` from the configuration in the message, or raise it to the
        /// number there. If it is in user data, change the launch template or the EC2NodeClass, and replace the node. If it is in a
        /// file of the node, restart the kubelet:
        ///
        /// ```sh
        /// systemctl restart kubelet
        /// ```

    KarpenterMaxPodsDiffers
    effect
        /// Karpenter schedules pods with its own number. If it is higher, it launches too few nodes and pods stay pending. If it is
        /// lower, it launches more nodes than necessary.
    fix
        /// Configure Karpenter with the same value. The command prints the EC2NodeClass settings for the cluster:
        ///
        /// ```sh
        /// kubectl eni expressions --for karpenter
        /// ```

    MaxPodsExpressionIgnored
    effect
        /// eni-bootstrap does not evaluate the formula, so `respect` and `lower` have no existing value to compare with. The kubelet
        /// uses the computed value.
    fix
        /// Set the default policy, or replace the formula in the NodeConfig by a number (`kubelet.config.maxPods`):
        ///
        /// ```toml
        /// [pods]
        /// policy = "override"
        /// ```
}
