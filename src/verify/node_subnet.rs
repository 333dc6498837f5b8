//! The attached network interfaces outside of the ENIConfig's subnet, from which the CNI also assigns
//! addresses to pods.

use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::facts::Instance;

/// Returns a warning about the network interfaces of `instance` outside of `subnet`, the subnet of the
/// ENIConfig.
///
/// The CNI creates its network interfaces in the subnet of the ENIConfig, so another program has attached
/// the others. The CNI uses them as well if it manages them. Their tags are unknown.
///
/// Source: `filterUnmanagedENIs`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.2.
pub(super) fn check(
    instance: &Instance,
    subnet: &str,
    aws_node: Option<&AwsNode>,
) -> Option<Diagnostic> {
    let interfaces = instance.interfaces.as_deref().unwrap_or_default();
    let others = interfaces.iter().filter(|it| it.has_ipv4 && it.subnet_id.as_str() != subnet);
    let list: Vec<String> = others.map(|it| format!("{} ({})", it.id, it.subnet_id)).collect();
    let manages_untagged = aws_node.is_none_or(|it| it.manages_untagged);
    let condition = if manages_untagged {
        "unless they have the tag node.k8s.amazonaws.com/no_manage=true"
    } else {
        "if they have the tag node.k8s.amazonaws.com/instance_id (MANAGE_UNTAGGED_ENI=false)"
    };
    let help = if manages_untagged {
        "if these pods need the subnet of the ENIConfig, set the tag node.k8s.amazonaws.com/no_manage=true on these network interfaces in the launch template, and set cni.reserved-enis to their number"
    } else {
        "set cni.reserved-enis to the number of these network interfaces without the tag"
    };
    (!list.is_empty()).then(|| {
        Diagnostic::warning(
            Code::PodsInNodeSubnet,
            format!(
                "attached network interfaces are in another subnet than {subnet} of the ENIConfig: {}; the CNI also assigns their addresses to pods, {condition}",
                list.join(", ")
            ),
            help,
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::facts::NetworkInterface;
    use eni_core::facts::fixture::facts;
    use std::collections::BTreeMap;

    fn interface(id: &str, subnet: &str, has_ipv4: bool) -> NetworkInterface {
        NetworkInterface {
            id: id.parse().unwrap(),
            subnet_id: subnet.parse().unwrap(),
            has_ipv4,
            secondary_addresses: 0,
            prefixes: 0,
        }
    }

    fn checked(interfaces: Option<Vec<NetworkInterface>>, untagged: &str) -> Option<Diagnostic> {
        let instance = Instance { interfaces, ..facts("m5.large").instance };
        let variables = BTreeMap::from([("MANAGE_UNTAGGED_ENI".to_owned(), untagged.to_owned())]);
        check(&instance, "subnet-pods", Some(&AwsNode::read(&variables, "")))
    }

    #[test]
    fn interfaces_outside_of_the_pod_subnet_are_a_warning() {
        let interfaces = || {
            Some(vec![
                interface("eni-1", "subnet-node", true),
                interface("eni-2", "subnet-pods", true),
                interface("eni-3", "subnet-other", true),
                interface("eni-4", "subnet-node", false),
            ])
        };
        let warning = |condition: &str, help: &str| {
            Diagnostic::warning(
                Code::PodsInNodeSubnet,
                format!(
                    "attached network interfaces are in another subnet than subnet-pods of the ENIConfig: eni-1 (subnet-node), eni-3 (subnet-other); the CNI also assigns their addresses to pods, {condition}"
                ),
                help,
            )
        };
        assert_eq!(
            checked(interfaces(), "true"),
            Some(warning(
                "unless they have the tag node.k8s.amazonaws.com/no_manage=true",
                "if these pods need the subnet of the ENIConfig, set the tag node.k8s.amazonaws.com/no_manage=true on these network interfaces in the launch template, and set cni.reserved-enis to their number"
            ))
        );
        assert_eq!(
            checked(interfaces(), "false"),
            Some(warning(
                "if they have the tag node.k8s.amazonaws.com/instance_id (MANAGE_UNTAGGED_ENI=false)",
                "set cni.reserved-enis to the number of these network interfaces without the tag"
            ))
        );
        assert_eq!(checked(Some(vec![interface("eni-2", "subnet-pods", true)]), "true"), None);
        let efa_only = vec![interface("eni-4", "subnet-node", false)];
        assert_eq!(checked(Some(efa_only), "true"), None, "it has no address");
        assert_eq!(checked(None, "true"), None);
    }
}
