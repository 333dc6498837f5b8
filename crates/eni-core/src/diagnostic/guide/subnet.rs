//! Guides for the codes about subnets and security groups.

use super::{Guide, guides};

guides! {
    SubnetOk
    effect
        /// New network interfaces for pods can be created in this subnet.
    fix
        /// No action is necessary.

    SubnetNotChecked
    effect
        /// The zone, the VPC and the free addresses of the subnet are not known to fit. The kubelet starts.
    fix
        /// Allow `ec2:DescribeSubnets` for the node role, or for your identity with `kubectl eni check`. Without a response, check the
        /// route to the EC2 endpoint.
        ///
        /// ```sh
        /// aws ec2 describe-subnets --subnet-ids SUBNET-ID
        /// aws iam put-role-policy --role-name ROLE --policy-name eni-bootstrap --policy-document file://packaging/iam-policy.json
        /// ```

    SubnetNotFound
    effect
        /// The CNI cannot create a network interface. `run` waits until `eni-config.wait`, then fails with exit code 75.
    fix
        /// Set `spec.subnet` to an existing subnet of this account and Region. A waiting node continues within seconds.
        ///
        /// ```sh
        /// aws ec2 describe-subnets --filters Name=vpc-id,Values=VPC-ID --query 'Subnets[].[SubnetId,AvailabilityZone,CidrBlock]'
        /// kubectl patch eniconfig NAME --type merge --patch '{"spec":{"subnet":"SUBNET-ID"}}'
        /// ```

    SubnetWrongZone
    effect
        /// EC2 attaches a network interface only to an instance in the zone of its subnet. The CNI cannot add network interfaces for
        /// pods. `run` waits until `eni-config.wait`, then fails with exit code 75.
    fix
        /// Set `spec.subnet` to a subnet in the zone of the node:
        ///
        /// ```sh
        /// aws ec2 describe-subnets --filters Name=vpc-id,Values=VPC-ID Name=availability-zone,Values=us-west-2a \
        ///     --query 'Subnets[].[SubnetId,CidrBlock]'
        /// kubectl patch eniconfig NAME --type merge --patch '{"spec":{"subnet":"SUBNET-ID"}}'
        /// ```

    SubnetWrongVpc
    effect
        /// Pods would be in another VPC than their node. `run` waits until `eni-config.wait`, then fails with exit code 75.
    fix
        /// Set `spec.subnet` to a subnet of the VPC of the node. If another VPC is intended, turn the checks off:
        ///
        /// ```toml
        /// [eni-config]
        /// verify = false
        /// ```

    SubnetTaggedOut
    effect
        /// From version 1.22.0, the CNI assigns no address of this subnet to pods. On a new node, aws-node exits, and the node stays
        /// NotReady. On a running node, new pods stay in `ContainerCreating`.
    fix
        /// Remove the tag in the message, or set `spec.subnet` to another subnet. If the version of the CNI is unknown, set
        /// `cni.version`.
        ///
        /// ```sh
        /// aws ec2 delete-tags --resources SUBNET-ID --tags Key=kubernetes.io/role/cni
        /// ```

    SubnetFull
    effect
        /// The CNI cannot create a network interface for the first pod. On a Karpenter node, `run` fails at once with exit code 79 and
        /// creates an Event with the reason `PodSubnetFull`. Other nodes wait until `eni-config.wait`, then fail with exit code 75.
    fix
        /// Release addresses, add a subnet, or exclude the zone in the NodePool. [Full subnets](cluster.md#full-subnets) describes each
        /// action.
        ///
        /// ```sh
        /// kubectl eni capacity
        /// kubectl get events -n default --field-selector reason=PodSubnetFull
        /// aws ec2 describe-subnets --subnet-ids SUBNET-ID --query 'Subnets[].AvailableIpAddressCount'
        /// ```

    FewFreeAddresses
    effect
        /// The node starts, but the subnet runs out of addresses before the node has max-pods pods. The last pods then stay in
        /// `ContainerCreating`.
    fix
        /// Add a larger subnet. This command shows for how many nodes the subnets are sufficient:
        ///
        /// ```sh
        /// kubectl eni capacity
        /// ```

    FreePrefixesOk
    effect
        /// The CNI can assign prefixes to the network interfaces of this node.
    fix
        /// No action is necessary.

    FreePrefixesNotChecked
    effect
        /// A subnet with many free addresses can have no free /28 block. This would not be found. The kubelet starts.
    fix
        /// Allow `ec2:DescribeNetworkInterfaces` and `ec2:GetSubnetCidrReservations`, and count the blocks on the node:
        ///
        /// ```sh
        /// aws iam put-role-policy --role-name ROLE --policy-name eni-bootstrap --policy-document file://packaging/iam-policy.json
        /// eni-bootstrap check
        /// ```

    NoFreePrefix
    effect
        /// The free addresses are scattered, so EC2 cannot assign a /28 prefix. The CNI gets no addresses for pods. `run` acts as with a
        /// [full subnet](#subnet-full).
    fix
        /// Use a subnet that contains only pods, or reserve a range for prefixes:
        ///
        /// ```sh
        /// aws ec2 create-subnet-cidr-reservation --subnet-id SUBNET-ID --reservation-type prefix --cidr CIDR
        /// ```

    FewFreePrefixes
    effect
        /// The node starts, but the subnet runs out of /28 blocks before the node has max-pods pods. The last pods then stay in
        /// `ContainerCreating`.
    fix
        /// Add a larger subnet that contains only pods. This command shows for how many nodes the subnets are sufficient:
        ///
        /// ```sh
        /// kubectl eni capacity
        /// ```

    SecurityGroupsOk
    effect
        /// The CNI can create network interfaces with these security groups.
    fix
        /// No action is necessary.

    SecurityGroupsInherited
    effect
        /// Pods have the security groups of the primary network interface of their node.
    fix
        /// No action is necessary. To use other security groups, set `spec.securityGroups` of the ENIConfig.

    SecurityGroupsNotChecked
    effect
        /// A missing security group, or one of another VPC, would not be found. The kubelet starts.
    fix
        /// Allow `ec2:DescribeSecurityGroups` for the node role, or for your identity with `kubectl eni check`:
        ///
        /// ```sh
        /// aws ec2 describe-security-groups --group-ids SECURITY-GROUP-ID
        /// aws iam put-role-policy --role-name ROLE --policy-name eni-bootstrap --policy-document file://packaging/iam-policy.json
        /// ```

    ManySecurityGroups
    effect
        /// If the quota of the account is lower than this number, the CNI cannot create network interfaces.
    fix
        /// Check the quota. If it is too low, request a higher one or remove security groups from the ENIConfig.
        ///
        /// ```sh
        /// aws ec2 describe-account-attributes --attribute-names vpc-max-security-groups-per-interface
        /// ```

    TooManySecurityGroups
    effect
        /// EC2 rejects a network interface with more than 16 security groups. `run` waits until `eni-config.wait`, then fails with exit
        /// code 75.
    fix
        /// Set `spec.securityGroups` to at most 16 security groups:
        ///
        /// ```sh
        /// kubectl edit eniconfig NAME
        /// ```

    SecurityGroupNotFound
    effect
        /// The CNI cannot create a network interface. `run` waits until `eni-config.wait`, then fails with exit code 75.
    fix
        /// Set `spec.securityGroups` to existing security groups of the VPC:
        ///
        /// ```sh
        /// aws ec2 describe-security-groups --filters Name=vpc-id,Values=VPC-ID --query 'SecurityGroups[].[GroupId,GroupName]'
        /// kubectl edit eniconfig NAME
        /// ```

    SecurityGroupWrongVpc
    effect
        /// EC2 rejects a network interface with a security group of another VPC. `run` waits until `eni-config.wait`, then fails with
        /// exit code 75.
    fix
        /// Set `spec.securityGroups` to security groups of the VPC of the subnet:
        ///
        /// ```sh
        /// aws ec2 describe-security-groups --filters Name=vpc-id,Values=VPC-ID --query 'SecurityGroups[].[GroupId,GroupName]'
        /// kubectl edit eniconfig NAME
        /// ```
}
