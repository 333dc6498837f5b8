use super::*;
use crate::diagnostic::{Code, Diagnostic};
use crate::facts::{Instance, Subnet};
use crate::plan::node_network::tests::{
    EXCLUDED, INCLUDED, OWN, aws_node, in_subnets, settings, subnet,
};
use crate::plan::{Plan, PlanError, plan};

fn interface(id: &str, subnet: &str, secondary_addresses: u32) -> NetworkInterface {
    let (id, subnet_id) = (id.parse().unwrap(), subnet.parse().unwrap());
    NetworkInterface { id, subnet_id, has_ipv4: true, secondary_addresses, prefixes: 0 }
}

fn with_interfaces(zone_subnets: ZoneSubnets, interfaces: Vec<NetworkInterface>) -> Facts {
    let facts = in_subnets(zone_subnets);
    let primary_interface = Some(interface("eni-0", OWN, 0));
    let instance = Instance { interfaces: Some(interfaces), primary_interface, ..facts.instance };
    Facts { instance, ..facts }
}

fn attached(subnets: &[&str]) -> Vec<NetworkInterface> {
    let numbered = subnets.iter().enumerate();
    numbered.map(|(index, subnet)| interface(&format!("eni-{}", index + 1), subnet, 0)).collect()
}

const OTHER: &str = "subnet-0b";

fn own_excluded(other: &[(&str, &str)]) -> Vec<Subnet> {
    vec![subnet(OWN, &[EXCLUDED]), subnet(OTHER, other)]
}

fn planned(
    subnets: Vec<Subnet>,
    interfaces: Vec<NetworkInterface>,
    aws_node: &AwsNode,
) -> Result<Plan, PlanError> {
    let facts = with_interfaces(ZoneSubnets::Read(subnets), interfaces);
    plan(&facts, &settings(""), Some(aws_node))
}

/// ipamd v1.23.2 serves 18, 9 and 0 addresses.
#[test]
fn each_attached_interface_in_an_excluded_subnet_counts() {
    let current = aws_node("v1.23.2", &[]);
    let max_pods = |subnets: &[&str], aws_node: &AwsNode| {
        let plan = planned(own_excluded(&[INCLUDED]), attached(subnets), aws_node);
        plan.ok().map(|it| it.kubelet.max_pods)
    };
    assert_eq!(max_pods(&[], &current), Some(20));
    assert_eq!(max_pods(&[OWN], &current), Some(11));
    assert_eq!(max_pods(&[OTHER], &current), Some(20), "the CNI uses it");
    assert_eq!(max_pods(&[OWN, OWN], &current), None);
    assert_eq!(max_pods(&[OWN, OWN], &aws_node("v1.21.0", &[])), Some(29));
    assert_eq!(max_pods(&[OWN, OWN], &aws_node("stable", &[])), Some(29), "see its note");
    let off = [("ENABLE_SUBNET_DISCOVERY", "false")];
    assert_eq!(max_pods(&[OWN, OWN], &aws_node("v1.23.2", &off)), Some(29));
    assert_eq!(max_pods(&[], &aws_node("v1.23.2", &off)), Some(11));
    let efa_only = NetworkInterface { has_ipv4: false, ..interface("eni-1", OWN, 0) };
    let plan = planned(own_excluded(&[INCLUDED]), vec![efa_only], &current).unwrap();
    assert_eq!(plan.kubelet.max_pods, 20, "the CNI does not manage it");
}

/// ipamd v1.23.2 serves 9 addresses.
#[test]
fn with_custom_networking_they_count_if_the_subnets_were_read() {
    let custom = aws_node("v1.23.2", &[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")]);
    let plan_of = |zone_subnets| {
        let facts = with_interfaces(zone_subnets, attached(&[OWN]));
        plan(&facts, &settings(""), Some(&custom)).unwrap().kubelet.max_pods
    };
    assert_eq!(plan_of(ZoneSubnets::Read(own_excluded(&[]))), 11);
    assert_eq!(plan_of(ZoneSubnets::NotRead), 20);
}

/// ipamd v1.23.2 serves 9 addresses.
#[test]
fn an_attached_interface_in_another_subnet_prevents_a_rejection() {
    let current = aws_node("v1.23.2", &[]);
    let max_pods = |subnets: &[&str]| {
        let plan = planned(own_excluded(&[]), attached(subnets), &current);
        plan.ok().map(|it| it.kubelet.max_pods)
    };
    assert_eq!(max_pods(&[OTHER]), Some(11));
    assert_eq!(max_pods(&[OTHER, OTHER]), Some(20));
    assert_eq!(max_pods(&[OWN, OTHER]), Some(11));
    assert_eq!(max_pods(&[OWN]), None);
    assert_eq!(max_pods(&[]), None);
}

#[test]
fn the_setting_and_the_record_apply_to_the_subnet_of_the_node() {
    let current = aws_node("v1.23.2", &[]);
    let max_pods = |zone_subnets, text: &str| {
        let facts = with_interfaces(zone_subnets, attached(&[OWN]));
        plan(&facts, &settings(text), Some(&current)).unwrap().kubelet.max_pods
    };
    let excluded = "[cni]\nprimary-subnet-excluded = true";
    let included = "[cni]\nprimary-subnet-excluded = false";
    assert_eq!(max_pods(ZoneSubnets::NotRead, excluded), 11);
    assert_eq!(max_pods(ZoneSubnets::Read(own_excluded(&[])), included), 29);
    assert_eq!(max_pods(ZoneSubnets::Recorded(PrimarySubnet::Excluded), ""), 11);
    assert_eq!(max_pods(ZoneSubnets::Recorded(PrimarySubnet::Included), ""), 29);
}

#[test]
fn reserved_interfaces_and_the_trunk_count_once() {
    let max_pods = |interfaces, text: &str, variables: &[(&str, &str)]| {
        let subnets = ZoneSubnets::Read(own_excluded(&[INCLUDED]));
        let facts = with_interfaces(subnets, interfaces);
        let aws_node = aws_node("v1.23.2", variables);
        plan(&facts, &settings(text), Some(&aws_node)).unwrap().kubelet.max_pods
    };
    assert_eq!(max_pods(attached(&[OWN]), "[cni]\nreserved-enis = 1", &[]), 11);
    let trunk = [("ENABLE_POD_ENI", "true")];
    assert_eq!(max_pods(vec![], "", &trunk), 11);
    assert_eq!(max_pods(attached(&[OWN]), "", &trunk), 11, "the trunk of a node that restarts");
}

#[test]
fn an_unknown_version_that_would_leave_no_interface_has_one_note() {
    let unknown = aws_node("stable", &[("MAX_ENI", "1")]);
    let plan = planned(own_excluded(&[INCLUDED]), vec![], &unknown).unwrap();
    let note = Diagnostic::warning(
        Code::CniVersionUnknown,
        "the version of the CNI is unknown; from 1.22.0, tags exclude subnets of this node, and no network interface is left for pods, so max-pods is computed for an earlier version",
        "set `cni.version` to the version of the CNI, such as \"1.23.2\"",
    );
    assert_eq!((plan.kubelet.max_pods, plan.diagnostics), (11, vec![note]));
    let included = || vec![subnet(OWN, &[]), subnet(OTHER, &[EXCLUDED])];
    let unknown = aws_node("stable", &[]);
    let plan = planned(included(), attached(&[OTHER]), &unknown).unwrap();
    let note = Diagnostic::warning(
        Code::CniVersionUnknown,
        "the version of the CNI is unknown; before 1.22.0, no tag excludes a subnet, so max-pods may be too low",
        "set `cni.version` to the version of the CNI, such as \"1.23.2\"",
    );
    assert_eq!((plan.kubelet.max_pods, plan.diagnostics), (20, vec![note]));
}

/// ipamd v1.23.2 serves the addresses of the kind in use.
#[test]
fn untagged_interfaces_count_if_the_primary_one_has_no_address_of_the_kind_in_use() {
    let others = |variables: &[(&str, &str)], primary: NetworkInterface| {
        let facts = with_interfaces(
            ZoneSubnets::Read(vec![]),
            vec![NetworkInterface { prefixes: 1, ..interface("eni-1", OTHER, 4) }],
        );
        let instance = Instance { primary_interface: Some(primary), ..facts.instance };
        let facts = Facts { instance, ..facts };
        let untagged =
            [("MANAGE_UNTAGGED_ENI", "false"), ("DISABLE_NETWORK_RESOURCE_PROVISIONING", "true")];
        let variables = [&untagged[..], variables].concat();
        let plan = plan(&facts, &settings(""), Some(&aws_node("v1.23.2", &variables))).unwrap();
        let codes: Vec<Code> = plan.diagnostics.iter().map(|it| it.code).collect();
        assert_eq!(codes, [Code::UntaggedInterfaces]);
        plan.capacity.attached_addresses.unwrap()
    };
    let prefixes = [("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "1")];
    assert_eq!(others(&prefixes, interface("eni-0", OWN, 2)), 16);
    assert_eq!(others(&[], interface("eni-0", OWN, 2)), 2);
    let one_prefix = || NetworkInterface { prefixes: 1, ..interface("eni-0", OWN, 0) };
    assert_eq!(others(&[], one_prefix()), 4);
    assert_eq!(others(&prefixes, one_prefix()), 16);
}
