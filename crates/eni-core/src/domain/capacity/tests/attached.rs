//! The attached network interfaces and the unknown version.

use super::*;
use crate::diagnostic::Diagnostic;

type Line = Result<String, (String, String)>;

fn compute(name: &str, cni: Cni, network: NodeNetwork) -> Result<Capacity, NoCapacity> {
    let options = CapacityOptions { network, ..CapacityOptions::default() };
    Capacity::compute(&of(name), cni, options)
}

fn line(cni: Cni, network: NodeNetwork) -> Line {
    let capacity = compute("m5.large", cni, network);
    capacity.map(|it| it.to_string()).map_err(|it| (it.to_string(), it.help().into_owned()))
}

fn network(primary_subnet: PrimarySubnet, excluded: u32, for_pods: u32) -> NodeNetwork {
    NodeNetwork {
        primary_subnet,
        attached_excluded: excluded,
        attached_for_pods: for_pods,
        ..NodeNetwork::default()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the expected value of a calculation")]
fn ok(text: &str) -> Line {
    Ok(text.to_owned())
}

const DETACH: &str = "detach the network interfaces in the excluded subnets, or replace the node";

/// The values that ipamd v1.23.2 serves, plus two host-network pods: 9, 0 and, with custom networking, 9
/// addresses.
#[test]
fn attached_interfaces_in_excluded_subnets_serve_no_pods() {
    use PrimarySubnet::{Excluded, Included};
    assert_eq!(
        line(PLAIN, network(Excluded, 1, 0)),
        ok(
            "11: (3 network interfaces − 1 for the excluded subnet − 1 in excluded subnets) × 9 secondary IPv4 addresses + 2 host-network pods = 11"
        )
    );
    assert_eq!(
        line(PLAIN, network(Excluded, 2, 0)),
        Err((
            "no network interface is left for pods: this instance type has 3 network interfaces, but a tag excludes the subnet of the primary one and tags exclude the subnets of 2 attached network interfaces".to_owned(),
            DETACH.to_owned()
        ))
    );
    assert_eq!(
        line(Cni { max_eni: Some(2), ..PLAIN }, network(Excluded, 1, 0)),
        Err((
            "MAX_ENI=2 leaves no network interface for pods: a tag excludes the subnet of the primary one and a tag excludes the subnet of 1 attached network interface".to_owned(),
            DETACH.to_owned()
        ))
    );
    assert_eq!(
        line(PLAIN, network(Included, 2, 0)),
        ok(
            "11: (3 network interfaces − 2 in excluded subnets) × 9 secondary IPv4 addresses + 2 host-network pods = 11"
        )
    );
    assert_eq!(
        line(CUSTOM, network(Excluded, 1, 0)),
        ok(
            "11: (3 network interfaces − 1 for custom networking − 1 in excluded subnets) × 9 secondary IPv4 addresses + 2 host-network pods = 11"
        )
    );
}

/// ipamd v1.23.2 serves 9 addresses from one attached network interface in another subnet.
#[test]
fn attached_interfaces_serve_pods_without_a_subnet_for_others() {
    let alone = |attached| line(PLAIN, network(PrimarySubnet::ExcludedWithoutOther, 0, attached));
    assert_eq!(
        alone(1),
        ok(
            "11: (3 network interfaces − 1 for the excluded subnet − 1 that the CNI cannot create) × 9 secondary IPv4 addresses + 2 host-network pods = 11"
        )
    );
    let two = "20: (3 network interfaces − 1 for the excluded subnet) × 9 secondary IPv4 addresses + 2 host-network pods = 20";
    assert_eq!(alone(2), ok(two));
    assert_eq!(alone(3), ok(two), "more than the usual number");
    let none = compute("m5.large", PLAIN, network(PrimarySubnet::ExcludedWithoutOther, 0, 0));
    assert_eq!(none, Err(NoCapacity::NoSubnetForPods { ip_family: IpFamily::Ipv4 }));
}

/// ipamd v1.23.2 serves 9 addresses without, and 27 with 2 attached network interfaces.
#[test]
fn attached_interfaces_serve_pods_without_subnet_discovery() {
    let max_pods = |attached| {
        let network = network(PrimarySubnet::NoNewInterfaces, 0, attached);
        compute("m5.large", PLAIN, network).unwrap().max_pods
    };
    assert_eq!([0, 1, 2, 3].map(max_pods), [11, 20, 29, 29]);
}

fn version_note(text: &str) -> Diagnostic {
    Diagnostic::warning(
        Code::CniVersionUnknown,
        format!("the version of the CNI is unknown; {text}"),
        "set `cni.version` to the version of the CNI, such as \"1.23.2\"",
    )
}

#[test]
fn an_unknown_version_is_no_reason_for_a_rejection() {
    let trunk = Cni { pod_eni: true, version: None, ..CUSTOM };
    let capacity = compute("t3.micro", trunk, NodeNetwork::default()).unwrap();
    let none = Diagnostic::warning(
        Code::NoTrunkInterface,
        "this instance type supports no trunk interface, so pods with a SecurityGroupPolicy cannot start on this node",
        "schedule these pods on instance types that support trunk interfaces",
    );
    let later = "before 1.20.4, the CNI keeps a network interface for the trunk on every instance type, and no network interface is left for pods, so max-pods is computed for a later version";
    assert_eq!((capacity.max_pods, capacity.diagnostics), (3, vec![none, version_note(later)]));
    let earlier = Cni { version: Some("1.20.3".parse().unwrap()), ..trunk };
    assert!(compute("t3.micro", earlier, NodeNetwork::default()).is_err());

    let one = Cni { max_eni: Some(1), version: None, ..PLAIN };
    let excluded = network(PrimarySubnet::Excluded, 0, 0);
    assert!(compute("m5.large", one, excluded.clone()).is_err(), "excluded by a setting");
    let assumed = NodeNetwork { exclusion_is_assumed: true, ..excluded };
    let capacity = compute("m5.large", one, assumed.clone()).unwrap();
    let earlier = "from 1.22.0, tags exclude subnets of this node, and no network interface is left for pods, so max-pods is computed for an earlier version";
    assert_eq!((capacity.max_pods, capacity.diagnostics), (11, vec![version_note(earlier)]));
    let current = Cni { version: Some(CniVersion::REFERENCE), ..one };
    assert!(compute("m5.large", current, assumed).is_err());
}

#[test]
fn ipv6_and_attached_addresses_have_no_terms_for_network_interfaces() {
    let base = Cni { pod_eni: true, reserved_enis: 1, version: None, ..PREFIX };
    let addresses = InterfaceAddresses { secondary: 0, prefixes: 1 };
    let attached = AttachedAddresses { primary: addresses, others: vec![] };
    let network =
        NodeNetwork { attached: Some(attached), ..network(PrimarySubnet::Included, 1, 0) };
    for cni in
        [Cni { ip_family: IpFamily::Ipv6, ..base }, Cni { disable_provisioning: true, ..base }]
    {
        let Capacity { reserved, trunk, attached_excluded, diagnostics, .. } =
            compute("t3.medium", cni, network.clone()).unwrap();
        assert_eq!((reserved, trunk, attached_excluded), (0, 0, 0));
        assert!(!diagnostics.iter().any(|it| it.code == Code::CniVersionUnknown));
    }
}

#[test]
fn ipv6_with_an_old_version_names_the_version() {
    let ipv6 = Cni { ip_family: IpFamily::Ipv6, ..PREFIX };
    let old = Cni { version: Some("1.8.0".parse().unwrap()), ..ipv6 };
    let text = "the VPC CNI requires prefix delegation in an IPv6 cluster, and version 1.8.0 of the CNI does not support it";
    let help = "upgrade the CNI to 1.10.0 or later";
    assert_eq!(line(old, NodeNetwork::default()), Err((text.to_owned(), help.to_owned())));
    let xen = compute("m4.large", ipv6, NodeNetwork::default());
    assert_eq!(xen, Err(NoCapacity::Ipv6OnXen));
}
