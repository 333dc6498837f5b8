//! The pod addresses that a node already has. The CNI of such a node starts without a new address from
//! the subnet, so a full subnet does not block kubelet startup.

use crate::adapter::kubernetes::KnownNode;
use eni_core::diagnostic::{Code, Diagnostic, Severity};
use eni_core::domain::identifier::InstanceId;
use eni_core::domain::plural::counted;
use eni_core::facts::NetworkInterface;

/// Returns whether the check failed because the subnet has no address for a new network interface.
pub(super) fn is_shortage(diagnostic: &Diagnostic) -> bool {
    diagnostic.is_failure() && matches!(diagnostic.code, Code::SubnetFull | Code::NoFreePrefix)
}

/// Returns whether `failure` is a shortage and this node has no pod address. It is false if one of
/// `diagnostics` shows that the Node object was not read: pods on this node may have addresses.
pub(crate) fn is_full(failure: &Diagnostic, diagnostics: &[Diagnostic]) -> bool {
    is_shortage(failure) && !diagnostics.iter().any(|it| it.code == Code::NodeNotChecked)
}

/// Changes the failure to a warning that states `reason`.
pub(super) fn tolerate(diagnostic: &mut Diagnostic, reason: &str) {
    diagnostic.severity = Severity::Warning;
    diagnostic.text = format!("{}; the kubelet starts because {reason}", diagnostic.text);
}

/// Returns which of the attached network interfaces have pod addresses in `subnet`; `None` if there
/// are none.
///
/// Network interfaces in other subnets may belong to other programs, such as Multus.
pub(super) fn of_interfaces(interfaces: &[NetworkInterface], subnet: &str) -> Option<String> {
    let has_addresses =
        |it: &&NetworkInterface| it.subnet_id.as_str() == subnet && it.pod_addresses() > 0;
    let with_addresses: Vec<_> = interfaces.iter().filter(has_addresses).collect();
    let ids: Vec<_> = with_addresses.iter().map(|it| it.id.as_str()).collect();
    let addresses: u32 = with_addresses.iter().map(|it| it.pod_addresses()).sum();
    let addresses = counted(addresses, "pod address");
    match &ids[..] {
        [] => None,
        [id] => Some(format!("the attached network interface {id} keeps its {addresses}")),
        ids => Some(format!(
            "the attached network interfaces {} keep their {addresses}",
            ids.join(", ")
        )),
    }
}

/// Returns whether the Node object belongs to this instance, and not to an earlier one of the same name.
pub(super) fn is_of_instance(node: &KnownNode, instance: &InstanceId) -> bool {
    let provider_id = node.provider_id.as_deref();
    provider_id.and_then(|id| id.rsplit('/').next()) == Some(instance.as_str())
}

/// Returns that pods of the registered node have addresses; `None` if there are none.
pub(super) fn of_pods(pods: usize) -> Option<String> {
    match pods {
        0 => None,
        1 => Some("1 pod on this node already has an address".to_owned()),
        pods => Some(format!("{pods} pods on this node already have addresses")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(id: &str, subnet: &str, addresses: u32, prefixes: u32) -> NetworkInterface {
        NetworkInterface {
            id: id.parse().unwrap(),
            subnet_id: subnet.parse().unwrap(),
            has_ipv4: true,
            secondary_addresses: addresses,
            prefixes,
        }
    }

    #[test]
    fn interfaces_with_pod_addresses_in_the_subnet_count() {
        let reason = |interfaces: &[NetworkInterface]| of_interfaces(interfaces, "subnet-1");
        assert_eq!(reason(&[]), None);
        let without = [interface("eni-1", "subnet-1", 0, 0), interface("eni-2", "subnet-2", 9, 0)];
        assert_eq!(reason(&without), None);
        assert_eq!(
            reason(&[interface("eni-1", "subnet-1", 9, 0), interface("eni-2", "subnet-2", 9, 0)])
                .as_deref(),
            Some("the attached network interface eni-1 keeps its 9 pod addresses")
        );
        assert_eq!(
            reason(&[interface("eni-1", "subnet-1", 1, 0), interface("eni-3", "subnet-1", 0, 2)])
                .as_deref(),
            Some("the attached network interfaces eni-1, eni-3 keep their 33 pod addresses")
        );
    }

    #[test]
    fn a_node_object_of_another_instance_does_not_count() {
        let is_ours = |provider_id: Option<&str>| {
            let provider_id = provider_id.map(str::to_owned);
            let node = KnownNode { provider_id, ..KnownNode::default() };
            is_of_instance(&node, &"i-0123456789abcdef0".parse().unwrap())
        };
        assert!(is_ours(Some("aws:///us-west-2a/i-0123456789abcdef0")));
        assert!(!is_ours(Some("aws:///us-west-2a/i-0fedcba9876543210")));
        assert!(!is_ours(None));
    }

    #[test]
    fn a_subnet_is_full_for_this_node_only_if_the_node_object_was_read() {
        let failed = |code| Diagnostic::failed(code, "subnet-1 has 0 free addresses", "");
        let not_read = Diagnostic::skipped(Code::NodeNotChecked, "access denied", None);
        for code in [Code::SubnetFull, Code::NoFreePrefix] {
            let shortage = failed(code);
            assert!(is_full(&shortage, std::slice::from_ref(&shortage)), "{code:?}");
            assert!(!is_full(&shortage, &[shortage.clone(), not_read.clone()]), "{code:?}");
        }
        assert!(!is_full(&failed(Code::SubnetWrongZone), &[]));
    }

    #[test]
    fn only_a_shortage_of_addresses_becomes_a_warning() {
        let failed =
            |code| Diagnostic::failed(code, "subnet-1 has 0 free addresses", "release some");
        let mut full = failed(Code::SubnetFull);
        assert!(is_shortage(&full) && is_shortage(&failed(Code::NoFreePrefix)));
        assert!(!is_shortage(&failed(Code::SubnetWrongZone)));
        tolerate(&mut full, &of_pods(2).unwrap());
        assert_eq!(
            full,
            Diagnostic::warning(
                Code::SubnetFull,
                "subnet-1 has 0 free addresses; the kubelet starts because 2 pods on this node already have addresses",
                "release some"
            )
        );
        assert_eq!(of_pods(1).as_deref(), Some("1 pod on this node already has an address"));
        assert_eq!(of_pods(0), None);
    }
}
