//! The attached network interfaces outside of the ENIConfig's subnet, from which the CNI also assigns
//! addresses to pods.

use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::aws_node::AwsNode;
use eni_core::facts::{Instance, NetworkInterface};

/// Returns a warning about the network interfaces of `instance` outside of `subnet`, the subnet of the
/// ENIConfig.
///
/// The CNI creates its network interfaces in the subnet of the ENIConfig, so another program has attached
/// the others. The CNI uses them as well if it manages them. Their tags are unknown. With security groups
/// for pods (`pod_eni`), a network interface without further addresses is the trunk network interface, from
/// which the CNI assigns no addresses to pods.
///
/// Source: `filterUnmanagedENIs`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.2.
pub(super) fn check(
    instance: &Instance,
    subnet: &str,
    pod_eni: bool,
    aws_node: Option<&AwsNode>,
) -> Option<Diagnostic> {
    let interfaces = instance.interfaces.as_deref().unwrap_or_default();
    let is_other = |it: &&NetworkInterface| {
        let is_trunk = pod_eni && it.pod_addresses() == 0;
        it.has_ipv4 && it.subnet_id.as_str() != subnet && !is_trunk
    };
    let others = interfaces.iter().filter(is_other);
    let list: Vec<String> = others.map(|it| format!("{} ({})", it.id, it.subnet_id)).collect();
    let (are, their, have) = match &list[..] {
        [] => return None,
        [_] => ("is", "its", "it has"),
        _ => ("are", "their", "they have"),
    };
    let without_trunk = if pod_eni { " without the trunk interface" } else { "" };
    let (condition, help) = if aws_node.is_none_or(|it| it.manages_untagged) {
        (
            format!("unless {have} the tag node.k8s.amazonaws.com/no_manage=true"),
            format!(
                "if these pods need the subnet of the ENIConfig, set the tag node.k8s.amazonaws.com/no_manage=true on these network interfaces in the launch template, and set cni.reserved-enis to their number{without_trunk}"
            ),
        )
    } else {
        (
            format!(
                "if {have} the tag node.k8s.amazonaws.com/instance_id (MANAGE_UNTAGGED_ENI=false)"
            ),
            "set cni.reserved-enis to the number of these network interfaces without the tag"
                .to_owned(),
        )
    };
    let list = list.join(", ");
    Some(Diagnostic::warning(
        Code::PodsInNodeSubnet,
        format!(
            "{list} {are} not in the ENIConfig's subnet {subnet}; the CNI assigns {their} addresses to pods, {condition}"
        ),
        help,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
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
        check(&instance, "subnet-pods", false, Some(&AwsNode::read(&variables, "")))
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
                    "eni-1 (subnet-node), eni-3 (subnet-other) are not in the ENIConfig's subnet subnet-pods; the CNI assigns their addresses to pods, {condition}"
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

    #[test]
    fn the_trunk_network_interface_serves_no_pods() {
        let trunk = interface("eni-1", "subnet-node", true);
        let other = NetworkInterface { prefixes: 1, ..interface("eni-2", "subnet-node", true) };
        let checked = |interfaces: Vec<NetworkInterface>| {
            let instance = Instance { interfaces: Some(interfaces), ..facts("m5.large").instance };
            check(&instance, "subnet-pods", true, None)
        };
        assert_eq!(checked(vec![trunk.clone()]), None);
        assert_eq!(
            checked(vec![trunk, other]),
            Some(Diagnostic::warning(
                Code::PodsInNodeSubnet,
                "eni-2 (subnet-node) is not in the ENIConfig's subnet subnet-pods; the CNI assigns its addresses to pods, unless it has the tag node.k8s.amazonaws.com/no_manage=true",
                "if these pods need the subnet of the ENIConfig, set the tag node.k8s.amazonaws.com/no_manage=true on these network interfaces in the launch template, and set cni.reserved-enis to their number without the trunk interface"
            ))
        );
    }
}
