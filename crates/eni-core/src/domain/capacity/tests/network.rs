//! The terms that follow from the version of the CNI, the tags of the subnet and the attached network
//! interfaces.

use super::*;
use crate::diagnostic::Diagnostic;

fn compute(name: &str, cni: Cni, network: NodeNetwork) -> Result<Capacity, NoCapacity> {
    let options = CapacityOptions { network, ..CapacityOptions::default() };
    Capacity::compute(&of(name), cni, options)
}

fn with_subnet(name: &str, cni: Cni, primary_subnet: PrimarySubnet) -> Line {
    let network = NodeNetwork { primary_subnet, ..NodeNetwork::default() };
    let capacity = compute(name, cni, network);
    capacity.map(|it| it.to_string()).map_err(|it| (it.to_string(), it.help().into_owned()))
}

/// A calculation that succeeds, and a rejection that fails with text and help.
type Line = Result<String, (String, String)>;

#[expect(clippy::unnecessary_wraps, reason = "the expected value of a calculation")]
fn ok(text: &str) -> Line {
    Ok(text.to_owned())
}

/// The values that ipamd v1.23.2 serves, plus two host-network pods.
#[test]
fn an_excluded_subnet_leaves_one_interface_less() {
    use PrimarySubnet::{Excluded, ExcludedWithoutOther, Included, NoNewInterfaces};
    assert_eq!(
        with_subnet("m5.large", PLAIN, Excluded),
        ok(
            "20: (3 network interfaces − 1 for the excluded subnet) × 9 secondary IPv4 addresses + 2 host-network pods = 20"
        )
    );
    assert_eq!(
        with_subnet("m5.large", PREFIX, Excluded),
        ok(
            "110: (3 network interfaces − 1 for the excluded subnet) × 9 prefixes × 16 IPv4 addresses + 2 host-network pods = 290; limited to 110 by pods.ceiling"
        )
    );
    assert_eq!(
        with_subnet("m5.large", PLAIN, NoNewInterfaces),
        ok(
            "11: (3 network interfaces − 2 that the CNI cannot create) × 9 secondary IPv4 addresses + 2 host-network pods = 11"
        )
    );
    let alone = (
        "a tag excludes the subnet of the primary network interface from pods, and the VPC CNI finds no other subnet in the zone".to_owned(),
        "set the tag kubernetes.io/role/cni=1 on another subnet in the zone, remove kubernetes.io/role/cni from the subnet of the node, or use custom networking; if the tags are correct, set `cni.primary-subnet-excluded`".to_owned(),
    );
    assert_eq!(with_subnet("m5.large", PLAIN, ExcludedWithoutOther), Err(alone.clone()));
    let ipv6 = Cni { ip_family: IpFamily::Ipv6, ..PREFIX };
    assert_eq!(with_subnet("m5.large", ipv6, ExcludedWithoutOther), Err(alone));
    assert_eq!(
        with_subnet("m5.large", ipv6, Excluded),
        ok("110: one IPv6 /80 prefix serves every pod; limited to 110 by pods.ceiling")
    );
    for subnet in [Included, Excluded, ExcludedWithoutOther, NoNewInterfaces] {
        assert_eq!(
            with_subnet("m5.large", CUSTOM, subnet),
            ok(
                "20: (3 network interfaces − 1 for custom networking) × 9 secondary IPv4 addresses + 2 host-network pods = 20"
            ),
            "custom networking never uses the subnet of the node"
        );
    }
}

#[test]
fn an_error_names_the_excluded_subnet() {
    let error = with_subnet("m5.large", Cni { max_eni: Some(1), ..PLAIN }, PrimarySubnet::Excluded);
    let (text, _) = error.unwrap_err();
    assert_eq!(
        text,
        "MAX_ENI=1 leaves no network interface for pods: a tag excludes the subnet of the primary one"
    );
    let ipv6 = Cni { ip_family: IpFamily::Ipv6, reserved_enis: 2, ..PREFIX };
    let (text, _) = with_subnet("m5.large", ipv6, PrimarySubnet::Excluded).unwrap_err();
    assert_eq!(
        text,
        "no network interface is left for pods: this instance type has 3 network interfaces, but a tag excludes the subnet of the primary one and 2 are reserved"
    );
}

/// The values that ipamd v1.23.2 serves: 9, 3 and 203 addresses.
#[test]
fn one_usable_interface_serves_pods_instead_of_the_trunk() {
    let trunk = Cni { pod_eni: true, ..PLAIN };
    assert_eq!(counts("m5.large", Cni { max_eni: Some(1), ..trunk }).0, 11);
    assert_eq!(counts("m7g.medium", Cni { reserved_enis: 1, ..trunk }).0, 5);
    assert_eq!(counts("hs1.8xlarge", trunk).0, 205, "not in the trunk table of the CNI");
    let excluded =
        with_subnet("m5.large", Cni { max_eni: Some(2), ..trunk }, PrimarySubnet::Excluded);
    assert_eq!(
        excluded.unwrap_err().0,
        "MAX_ENI=2 leaves no network interface for pods: a tag excludes the subnet of the primary one and security groups for pods use one for the trunk interface"
    );
}

#[test]
fn the_version_of_the_cni_decides_about_prefixes_and_the_trunk() {
    let of = |name, cni: Cni, version: Option<&str>| {
        let version = version.map(|it| it.parse().unwrap());
        let capacity = compute(name, Cni { version, ..cni }, NodeNetwork::default()).unwrap();
        (capacity.uncapped.unwrap(), capacity.diagnostics)
    };
    let trunk = Cni { pod_eni: true, ..PLAIN };
    let none = Diagnostic::warning(
        Code::NoTrunkInterface,
        "this instance type supports no trunk interface, so pods with a SecurityGroupPolicy cannot start on this node",
        "schedule these pods on instance types that support trunk interfaces",
    );
    assert_eq!(of("t3.large", trunk, Some("1.20.4")), (35, vec![none.clone()]));
    assert_eq!(of("t3.large", trunk, Some("1.20.3")), (24, vec![none.clone()]));
    let unknown = Diagnostic::warning(
        Code::CniVersionUnknown,
        "the version of the CNI is unknown; before 1.20.4, the CNI keeps a network interface for the trunk on every instance type, so max-pods counts one network interface less",
        "set cni.version",
    );
    assert_eq!(of("t3.large", trunk, None), (24, vec![none, unknown]));
    assert_eq!(of("m5.large", trunk, None), (20, vec![]), "the same in every version");
    let unsupported = Diagnostic::warning(
        Code::PrefixesNotSupported,
        "version 1.8.0 of the CNI does not support prefix delegation; the CNI assigns secondary IPv4 addresses",
        "upgrade the CNI to 1.9.0 or later",
    );
    assert_eq!(of("m5.large", PREFIX, Some("1.8.0")), (29, vec![unsupported]));
    assert_eq!(of("m5.large", PREFIX, Some("1.9.0")), (434, vec![]));
    assert_eq!(of("m5.large", PREFIX, None), (434, vec![]));
}

fn addresses(secondary: u32, prefixes: u32) -> InterfaceAddresses {
    InterfaceAddresses { secondary, prefixes }
}

fn with_attached(cni: Cni, attached: Option<AttachedAddresses>, max: Option<u32>) -> Line {
    let network = NodeNetwork { attached, ..NodeNetwork::default() };
    let max_pods_override = max.map(|value| MaxPodsOverride::Setting { value });
    let options = CapacityOptions { max_pods_override, network, ..CapacityOptions::default() };
    let capacity = Capacity::compute(&of("m5.large"), cni, options);
    capacity.map(|it| it.to_string()).map_err(|it| (it.to_string(), it.help().into_owned()))
}

/// The values that ipamd v1.23.2 serves for these interfaces, plus two host-network pods: 7, 48, 7 and
/// 32 addresses.
#[test]
fn without_provisioning_the_attached_interfaces_decide() {
    let attached = AttachedAddresses { primary: addresses(3, 1), others: vec![addresses(4, 2)] };
    let of = |cni: Cni| with_attached(cni, Some(attached.clone()), None);
    let disabled = Cni { disable_provisioning: true, ..PLAIN };
    let imds_only = Cni { imds_only: true, ..PLAIN };
    let plain =
        ok("9: 7 IPv4 addresses on the attached network interfaces + 2 host-network pods = 9");
    assert_eq!(of(disabled), plain);
    assert_eq!(of(imds_only), plain);
    assert_eq!(of(Cni { max_eni: Some(1), pod_eni: true, ..imds_only }), plain);
    assert_eq!(of(Cni { minimum_ip_target: 2, ..imds_only }), plain);
    assert_eq!(of(Cni { version: None, ..imds_only }), plain, "the side with fewer pods");
    let earlier = Cni { version: Some("1.19.5".parse().unwrap()), ..imds_only };
    assert_eq!(
        of(earlier),
        ok("29: 3 network interfaces × 9 secondary IPv4 addresses + 2 host-network pods = 29")
    );
    let prefixes = Cni { disable_provisioning: true, ..PREFIX };
    assert_eq!(
        of(prefixes),
        ok("50: 48 IPv4 addresses on the attached network interfaces + 2 host-network pods = 50")
    );
    assert_eq!(of(Cni { custom_networking: true, ..disabled }), plain);
    assert_eq!(
        of(Cni { custom_networking: true, ..prefixes }),
        ok("34: 32 IPv4 addresses on the attached network interfaces + 2 host-network pods = 34"),
        "the CNI does not read the prefixes of the primary one"
    );
    assert_eq!(
        of(Cni { reserved_enis: 1, ..disabled }),
        ok("5: 3 IPv4 addresses on the attached network interfaces + 2 host-network pods = 5")
    );
}

/// ipamd v1.23.2 serves 4 of the 6 addresses.
#[test]
fn an_excluded_primary_interface_serves_no_attached_address() {
    let attached = AttachedAddresses { primary: addresses(2, 0), others: vec![addresses(4, 0)] };
    for cni in [PLAIN, CUSTOM] {
        let cni = Cni { imds_only: true, ..cni };
        for subnet in [PrimarySubnet::Excluded, PrimarySubnet::ExcludedWithoutOther] {
            let attached = Some(attached.clone());
            let network = NodeNetwork { primary_subnet: subnet, attached };
            let capacity = compute("m5.large", cni, network).unwrap();
            assert_eq!((capacity.attached_addresses, capacity.max_pods), (Some(4), 6));
        }
    }
}

#[test]
fn attached_interfaces_without_addresses_need_a_configured_max_pods() {
    let secondary = Cni { imds_only: true, ..PLAIN };
    let none = || Some(AttachedAddresses { primary: addresses(0, 1), others: vec![] });
    let without = |kind: &str, help: &str| {
        let text = format!(
            "the VPC CNI uses only the attached network interfaces, and they have no {kind} for pods"
        );
        let help = format!(
            "{help}, remove ENABLE_IMDS_ONLY_MODE and DISABLE_NETWORK_RESOURCE_PROVISIONING from the aws-node DaemonSet, or set `pods.max` if they are assigned later"
        );
        Err((text, help))
    };
    assert_eq!(
        with_attached(secondary, none(), None),
        without(
            "secondary IPv4 address",
            "assign secondary IPv4 addresses to a network interface of the instance"
        )
    );
    let prefixes = Cni { imds_only: true, ..BOTH };
    assert_eq!(
        with_attached(prefixes, none(), None),
        without(
            "IPv4 prefix",
            "assign IPv4 prefixes to a network interface of the instance (with custom networking, not to the primary one)"
        )
    );
    assert_eq!(
        with_attached(secondary, none(), Some(20)),
        ok(
            "20: 0 IPv4 addresses on the attached network interfaces + 2 host-network pods = 2; overridden by pods.max = 20"
        )
    );
    assert_eq!(
        with_attached(secondary, None, None),
        Err((
            "the VPC CNI uses only the attached network interfaces, and instance metadata does not describe them".to_owned(),
            "check that the instance metadata service responds to requests for meta-data/network/interfaces/macs/, or set `pods.max`".to_owned(),
        ))
    );
    assert_eq!(
        with_attached(secondary, None, Some(20)),
        ok(
            "20: the addresses of the attached network interfaces are unknown; overridden by pods.max = 20"
        )
    );
}
