//! Guides for the codes about the CNI and its IAM role.

use super::{Guide, guides};

guides! {
    CniOk
    effect
        /// The text contains the configuration on which max-pods is based.
    fix
        /// No action is necessary.

    CniUnreadable
    effect
        /// max-pods depends on this configuration. `run` waits until `eni-config.wait`, then fails with exit code 69, 75 or 77, and the
        /// kubelet does not start. With a record of a successful run, `run` uses the recorded configuration.
    fix
        /// Apply the RBAC rules, and check that the DaemonSet exists and that the node role is mapped:
        ///
        /// ```sh
        /// kubectl apply -f packaging/rbac.yaml
        /// kubectl -n kube-system get daemonset aws-node
        /// kubectl auth can-i get daemonsets/aws-node -n kube-system --as system:node:NODE --as-group system:nodes
        /// aws eks list-access-entries --cluster-name CLUSTER
        /// ```

    NodeLabelsUnreadable
    effect
        /// The DaemonSet aws-node has a `nodeSelector`. If the node does not match it, another CNI serves the node, and max-pods of
        /// eni-bootstrap would be wrong. `run` continues, because an earlier run succeeded on this instance.
    fix
        /// Add the label of the message to the settings, so that eni-bootstrap need not read the Node object:
        ///
        /// ```toml
        /// [labels]
        /// "example.com/cni" = "vpc"
        /// ```

    CustomNetworkingOff
    effect
        /// Pods get addresses of the node's subnet. The ENIConfigs, their subnets and their security groups have no effect.
    fix
        /// Turn on custom networking, then replace the nodes. If the ENIConfigs are not needed, delete them.
        ///
        /// ```sh
        /// kubectl -n kube-system set env daemonset aws-node AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true
        /// ```

    CniVariableInvalid
    effect
        /// The CNI ignores the value and uses its default. eni-bootstrap computes max-pods with the same default, so max-pods is right,
        /// but the cluster does not work as configured.
    fix
        /// Correct the value of the variable in the message:
        ///
        /// ```sh
        /// kubectl -n kube-system set env daemonset aws-node --list
        /// kubectl -n kube-system edit daemonset aws-node
        /// ```

    NoWarmTarget
    effect
        /// The container aws-node exits when it starts. New nodes stay NotReady, and no pod gets an address.
    fix
        /// Set one of the three variables:
        ///
        /// ```sh
        /// kubectl -n kube-system set env daemonset aws-node WARM_PREFIX_TARGET=1
        /// ```

    AwsNodeIdentity
    effect
        /// aws-node calls EC2 with this role. The policies of this role decide whether the CNI can attach network interfaces.
    fix
        /// No action is necessary.

    AwsNodeRoleIgnored
    effect
        /// aws-node uses the role of the association. A policy that you attach to the role of the annotation has no effect.
    fix
        /// Remove the annotation:
        ///
        /// ```sh
        /// kubectl -n kube-system annotate serviceaccount aws-node eks.amazonaws.com/role-arn-
        /// ```

    AwsNodeRoleUnknown
    effect
        /// The permissions of aws-node are not checked. If one is missing, new nodes stay NotReady.
    fix
        /// Name the role of the nodes and the cluster, or allow the requests in the message
        /// ([permissions](reference/permissions.md)):
        ///
        /// ```sh
        /// kubectl eni check --cluster-name CLUSTER --node-role arn:aws:iam::123456789012:role/ROLE
        /// ```

    ServiceAccountNotFound
    effect
        /// The DaemonSet cannot create pods without its service account. New nodes stay NotReady.
    fix
        /// Install the CNI again, which creates the service account:
        ///
        /// ```sh
        /// aws eks update-addon --addon-name vpc-cni --resolve-conflicts PRESERVE --cluster-name CLUSTER
        /// kubectl -n kube-system describe daemonset aws-node
        /// ```

    AwsNodeRoleInvalid
    effect
        /// aws-node gets no AWS credentials, so it cannot attach network interfaces. New nodes stay NotReady.
    fix
        /// Set the annotation to the ARN of the role, and restart the pods of aws-node:
        ///
        /// ```sh
        /// kubectl -n kube-system annotate serviceaccount aws-node eks.amazonaws.com/role-arn=ROLE-ARN --overwrite
        /// kubectl -n kube-system rollout restart daemonset aws-node
        /// ```

    AwsNodeRoleNotFound
    effect
        /// aws-node gets no AWS credentials, so it cannot attach network interfaces. New nodes stay NotReady.
    fix
        /// Create the role, or name another one. If the role is in another account, run the check with credentials of that account.
        ///
        /// ```sh
        /// aws iam get-role --role-name ROLE
        /// kubectl -n kube-system get serviceaccount aws-node -o yaml
        /// ```

    AwsNodePolicyOk
    effect
        /// The policies of the role do not prevent aws-node from attaching network interfaces and assigning addresses.
    fix
        /// No action is necessary.

    AwsNodePolicyDenied
    effect
        /// Without an action that it needs, aws-node cannot start or cannot attach network interfaces: new nodes stay NotReady, or pods
        /// stay in `ContainerCreating`. A warning means that aws-node works without the action, or that only some versions or instance
        /// types need it.
    fix
        /// Add the statement in the message to a policy of the role, or attach the policy of AWS. If a service control policy or a
        /// permissions boundary denies the action, change it there.
        ///
        /// ```sh
        /// aws iam attach-role-policy --role-name ROLE --policy-arn arn:aws:iam::aws:policy/AmazonEKS_CNI_Policy
        /// kubectl eni check
        /// ```

    AwsNodePolicyNotChecked
    effect
        /// A missing permission of aws-node would not be found. The other checks are complete.
    fix
        /// Allow `iam:SimulatePrincipalPolicy` for your identity, or compare the policies of the role with the statement in the
        /// message:
        ///
        /// ```sh
        /// aws iam list-attached-role-policies --role-name ROLE
        /// aws iam list-role-policies --role-name ROLE
        /// ```

    SettingOverridesDaemonSet
    effect
        /// eni-bootstrap uses the setting, and the CNI uses its own variable. max-pods fits the setting, and can be too high or too low
        /// for the actual CNI.
    fix
        /// Remove the key of the message from the settings files, or change the DaemonSet. Then compare:
        ///
        /// ```sh
        /// grep -rn . /etc/eni-bootstrap /run/eni-bootstrap
        /// eni-bootstrap plan
        /// ```

    SettingMatchesDaemonSet
    effect
        /// The setting has no effect now. If somebody changes the DaemonSet later, the setting still applies and max-pods becomes wrong.
    fix
        /// No action is necessary. Remove the key from the settings to follow the DaemonSet.

    SettingWithoutVariable
    effect
        /// The calculation subtracts these network interfaces on every node with this setting, also on nodes that do not have them.
    fix
        /// If the instance has no network interfaces that the CNI does not use, remove the setting. To list the network interfaces:
        ///
        /// ```sh
        /// aws ec2 describe-network-interfaces --filters Name=attachment.instance-id,Values=INSTANCE-ID \
        ///     --query 'NetworkInterfaces[].[NetworkInterfaceId,InterfaceType,TagSet]'
        /// ```
}
