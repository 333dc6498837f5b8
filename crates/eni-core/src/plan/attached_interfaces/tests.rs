use super::*;
use crate::facts::Subnet;
use crate::facts::fixture::facts;
use crate::plan::tests::settings;
use std::collections::BTreeMap;

fn interface(id: &str, secondary_addresses: u32, prefixes: u32) -> NetworkInterface {
    let subnet_id = format!("subnet-{}", if id == "eni-0" { "node" } else { id });
    NetworkInterface {
        id: id.parse().unwrap(),
        subnet_id: subnet_id.parse().unwrap(),
        has_ipv4: true,
        secondary_addresses,
        prefixes,
    }
}

fn with_interfaces(primary: NetworkInterface, others: Vec<NetworkInterface>) -> Facts {
    let facts = facts("m5.large");
    let instance =
        Instance { primary_interface: Some(primary), interfaces: Some(others), ..facts.instance };
    Facts { instance, ..facts }
}

fn aws_node(variables: &[&str]) -> AwsNode {
    let pairs = variables.iter().map(|it| it.split_once('=').unwrap());
    let owned = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    AwsNode::read(&owned.collect(), "amazon-k8s-cni:v1.23.2")
}

fn result(
    facts: &Facts,
    text: &str,
    variables: &[&str],
) -> (Option<AttachedAddresses>, Vec<Diagnostic>) {
    let aws_node = aws_node(variables);
    attached_interfaces(facts, &settings(text), &aws_node.cni, Some(&aws_node))
}

const CUSTOM: &str = "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true";
const PREFIXES: &str = "ENABLE_PREFIX_DELEGATION=true";
const WARM: &str = "WARM_PREFIX_TARGET=1";
const UNTAGGED: &str = "MANAGE_UNTAGGED_ENI=false";
const DISABLED: &str = "DISABLE_NETWORK_RESOURCE_PROVISIONING=true";
const IMDS_ONLY: &str = "ENABLE_IMDS_ONLY_MODE=true";

#[test]
fn prefixes_of_the_primary_interface_remain_unused_with_custom_networking() {
    let facts = with_interfaces(interface("eni-0", 0, 2), vec![]);
    let warning = |prefixes: &str| {
        Diagnostic::warning(
            Code::PrimaryAddressesUnused,
            format!("the primary network interface has {prefixes} of subnet-node remain unused"),
            "remove the IPv4 prefixes from the network interface in the launch template (Ipv4PrefixCount) or in the EC2NodeClass",
        )
    };
    let two =
        "2 /28 prefixes, which the CNI does not use with custom networking: 32 IPv4 addresses";
    for variables in [&[CUSTOM][..], &[CUSTOM, PREFIXES, WARM]] {
        assert_eq!(result(&facts, "", variables).1, [warning(two)]);
    }
    let one = "1 /28 prefix, which the CNI does not use with custom networking: 16 IPv4 addresses";
    let facts_of_one = with_interfaces(interface("eni-0", 0, 1), vec![]);
    assert_eq!(result(&facts_of_one, "", &[CUSTOM]).1, [warning(one)]);
    assert_eq!(result(&facts, "", &[PREFIXES, WARM]).1, []);
}

#[test]
fn secondary_addresses_of_the_primary_interface_serve_pods_in_the_subnet_of_the_node() {
    let facts = with_interfaces(interface("eni-0", 3, 0), vec![]);
    let warning = Diagnostic::warning(
        Code::PodsInNodeSubnet,
        "the primary network interface has 3 secondary IPv4 addresses, which the CNI also assigns to pods: these pods are in the subnet of the node, subnet-node, and have its security groups instead of those of the ENIConfig",
        "remove the secondary IPv4 addresses from the network interface in the launch template (SecondaryPrivateIpAddressCount), and replace the node",
    );
    assert_eq!(result(&facts, "", &[CUSTOM]).1, [warning]);
    assert_eq!(result(&facts, "", &[CUSTOM, PREFIXES, WARM]).1, [], "the CNI releases them");
    assert_eq!(result(&facts, "", &[]).1, []);
}

const TAG: &str = "MANAGE_UNTAGGED_ENI=false: the CNI does not use network interfaces without its tag node.k8s.amazonaws.com/instance_id; ";

#[test]
fn untagged_interfaces_may_be_unmanaged() {
    let others = || vec![interface("eni-1", 4, 0), interface("eni-2", 0, 0)];
    let facts = with_interfaces(interface("eni-0", 2, 0), others());
    let warning = |text: &str, help: &str| {
        Diagnostic::warning(Code::UntaggedInterfaces, format!("{TAG}{text}"), help)
    };
    let (attached, diagnostics) = result(&facts, "", &[UNTAGGED]);
    assert_eq!(attached.unwrap().others.len(), 2);
    assert_eq!(
        diagnostics,
        [warning(
            "max-pods is computed as if the CNI had created eni-1, eni-2",
            "set cni.reserved-enis to the number of network interfaces without the tag (0 to 2)"
        )]
    );
    let help = "set cni.reserved-enis to the number of network interfaces without the tag";
    let (attached, diagnostics) = result(&facts, "", &[UNTAGGED, DISABLED]);
    assert_eq!(attached.unwrap().others, []);
    let text = "max-pods does not include the addresses of eni-1, eni-2";
    assert_eq!(diagnostics, [warning(text, help)]);
    let without = with_interfaces(interface("eni-0", 0, 0), others());
    let (attached, diagnostics) = result(&without, "", &[UNTAGGED, DISABLED]);
    assert_eq!(attached.unwrap().others.len(), 2);
    let text = "max-pods includes the addresses of eni-1, eni-2";
    assert_eq!(diagnostics, [warning(text, help)]);
}

#[test]
fn nothing_depends_on_tags_in_other_modes() {
    let others = || vec![interface("eni-1", 4, 0)];
    let facts = with_interfaces(interface("eni-0", 0, 0), others());
    let none = with_interfaces(interface("eni-0", 0, 0), vec![]);
    for (facts, text, variables) in [
        (&facts, "", &[][..]),
        (&facts, "", &[DISABLED]),
        (&facts, "", &[UNTAGGED, IMDS_ONLY]),
        (&facts, "", &[UNTAGGED, "ENABLE_IPv6=true", PREFIXES]),
        (&facts, "[cni]\nreserved-enis = 0", &[UNTAGGED]),
        (&facts, "[cni]\nreserved-enis = 1", &[UNTAGGED, DISABLED]),
        (&none, "", &[UNTAGGED]),
    ] {
        let (attached, diagnostics) = result(facts, text, variables);
        assert_eq!(diagnostics, [], "{text} {variables:?}");
        let others = facts.instance.interfaces.as_ref().unwrap().len();
        assert_eq!(attached.unwrap().others.len(), others, "{text} {variables:?}");
    }
    let unknown = facts_without_interfaces();
    assert_eq!(result(&unknown, "", &[UNTAGGED, DISABLED]), (None, vec![]));
}

fn facts_without_interfaces() -> Facts {
    let facts = facts("m5.large");
    Facts { instance: Instance { interfaces: None, ..facts.instance }, ..facts }
}

/// ipamd v1.23.2 serves 2 of the 6 addresses.
#[test]
fn interfaces_in_an_excluded_subnet_serve_no_pods() {
    let others = vec![interface("eni-1", 4, 0), interface("eni-2", 3, 0)];
    let tags = BTreeMap::from([("kubernetes.io/role/cni".to_owned(), "0".to_owned())]);
    let subnet = Subnet {
        id: "subnet-eni-1".to_owned(),
        zone: "us-west-2a".to_owned(),
        zone_id: String::new(),
        vpc: "vpc-0a".to_owned(),
        cidr: None,
        free_addresses: 100,
        tags,
    };
    let zone_subnets = ZoneSubnets::Read(vec![subnet]);
    let facts = Facts { zone_subnets, ..with_interfaces(interface("eni-0", 2, 0), others) };
    let others = |variables: &[&str]| {
        let (attached, diagnostics) = result(&facts, "", variables);
        assert_eq!(diagnostics, []);
        attached.unwrap().others.iter().map(|it| it.secondary).collect::<Vec<_>>()
    };
    assert_eq!(others(&[IMDS_ONLY]), [3]);
    assert_eq!(others(&[IMDS_ONLY, "ENABLE_SUBNET_DISCOVERY=false"]), [4, 3]);
    let earlier = AwsNode::read(&aws_node(&[IMDS_ONLY]).variables, "amazon-k8s-cni:v1.21.0");
    let (attached, _) = attached_interfaces(&facts, &settings(""), &earlier.cni, Some(&earlier));
    assert_eq!(attached.unwrap().others.len(), 2, "the version does not read the tags");
}
