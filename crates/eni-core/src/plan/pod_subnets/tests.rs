use super::*;
use crate::facts::{Instance, ZoneSubnets, fixture};
use crate::plan::node_network::tests::{
    EXCLUDED, INCLUDED, OTHER_CLUSTER, OWN, aws_node, in_subnets, settings, subnet,
};
use crate::plan::plan;

/// Returns the ids of the subnets that serve pods.
fn ids(subnets: &[Subnet], aws_node: &AwsNode) -> Vec<String> {
    let facts = in_subnets(ZoneSubnets::Read(subnets.to_vec()));
    let plan = plan(&facts, &settings(""), Some(aws_node)).unwrap();
    plan.pod_subnets(&facts, subnets, aws_node).into_iter().map(|it| it.id.clone()).collect()
}

#[test]
fn pods_use_the_subnet_of_the_node_and_the_tagged_ones() {
    let subnets = [
        subnet(OWN, &[]),
        subnet("subnet-0b", &[INCLUDED]),
        subnet("subnet-0c", &[]),
        subnet("subnet-0d", &[EXCLUDED]),
        subnet("subnet-0e", &[INCLUDED, OTHER_CLUSTER]),
    ];
    let named = aws_node("v1.23.2", &[("CLUSTER_NAME", "prod")]);
    assert_eq!(ids(&subnets, &named), [OWN, "subnet-0b"]);
    assert_eq!(ids(&subnets, &aws_node("v1.23.2", &[])), [OWN, "subnet-0b", "subnet-0e"]);
    let off = aws_node("v1.23.2", &[("ENABLE_SUBNET_DISCOVERY", "false")]);
    assert_eq!(ids(&subnets, &off), [OWN]);
    assert_eq!(ids(&subnets, &aws_node("v1.17.1", &[])), [OWN], "before subnet discovery");
    assert_eq!(ids(&subnets, &aws_node("stable", &[])), [OWN, "subnet-0b", "subnet-0e"]);
}

#[test]
fn an_excluded_subnet_of_the_node_serves_no_pods_from_1_22() {
    let subnets = [subnet(OWN, &[EXCLUDED]), subnet("subnet-0b", &[INCLUDED])];
    assert_eq!(ids(&subnets, &aws_node("v1.22.0", &[])), ["subnet-0b"]);
    assert_eq!(ids(&subnets, &aws_node("v1.21.1", &[])), [OWN, "subnet-0b"]);
    let off = aws_node("v1.23.2", &[("ENABLE_SUBNET_DISCOVERY", "false")]);
    assert_eq!(ids(&subnets, &off), [OWN], "the primary network interface keeps its addresses");
    assert!(ids(&subnets[..1], &aws_node("stable", &[])).is_empty());
}

fn interface(id: &str, subnet: &str, secondary_addresses: u32, prefixes: u32) -> NetworkInterface {
    let (id, subnet_id) = (id.parse().unwrap(), subnet.parse().unwrap());
    NetworkInterface { id, subnet_id, secondary_addresses, prefixes, has_ipv4: true }
}

#[test]
fn attached_addresses_in_these_subnets_are_not_missing() {
    let own = subnet(OWN, &[]);
    let missing = |primary_interface, interfaces, variables: &[(&str, &str)]| {
        let facts = in_subnets(ZoneSubnets::NotRead);
        let instance = Instance { primary_interface, interfaces, ..facts.instance };
        let facts = Facts { instance, ..facts };
        let plan = plan(&facts, &settings(""), Some(&aws_node("v1.20.4", variables))).unwrap();
        (plan.pod_addresses(), plan.missing_addresses(&facts, &[&own]))
    };
    let primary = || Some(interface("eni-1", OWN, 9, 0));
    let others =
        || Some(vec![interface("eni-2", OWN, 7, 1), interface("eni-3", "subnet-0b", 9, 0)]);
    assert_eq!(missing(None, None, &[]), (27, 27), "unknown interfaces");
    assert_eq!(missing(primary(), None, &[]), (27, 18));
    assert_eq!(missing(primary(), others(), &[]), (27, 11));
    let full = Some(vec![interface("eni-2", OWN, 9, 0), interface("eni-3", OWN, 9, 0)]);
    assert_eq!(missing(primary(), full, &[]), (27, 0));
    let prefixes = [("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "1")];
    assert_eq!(missing(primary(), others(), &prefixes), (108, 92));
}

#[test]
fn a_xen_instance_type_gets_no_prefixes() {
    let assigns = |instance_type: &str| {
        let prefixes = [("ENABLE_PREFIX_DELEGATION", "true"), ("WARM_PREFIX_TARGET", "1")];
        let aws_node = aws_node("v1.23.2", &prefixes);
        plan(&fixture::facts(instance_type), &settings(""), Some(&aws_node))
            .unwrap()
            .assigns_prefixes()
    };
    assert!(assigns("m5.large"));
    assert!(!assigns("m4.xlarge"));
}

#[test]
fn the_zone_subnets_matter_only_if_the_cni_assigns_new_ipv4_addresses() {
    let uses = |variables: &[(&str, &str)]| {
        let facts = in_subnets(ZoneSubnets::NotRead);
        let attached = interface("eni-1", OWN, 9, 0);
        let instance = Instance { primary_interface: Some(attached), ..facts.instance };
        let facts = Facts { instance, ..facts };
        let plan = plan(&facts, &settings(""), Some(&aws_node("v1.23.2", variables))).unwrap();
        plan.uses_zone_subnets()
    };
    assert!(uses(&[]));
    assert!(uses(&[("ENABLE_PREFIX_DELEGATION", "true")]));
    assert!(!uses(&[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")]));
    assert!(!uses(&[("ENABLE_IPv6", "true"), ("ENABLE_PREFIX_DELEGATION", "true")]));
    assert!(!uses(&[("ENABLE_IMDS_ONLY_MODE", "true")]));
    assert!(!uses(&[("DISABLE_NETWORK_RESOURCE_PROVISIONING", "true")]));
}

#[test]
fn the_pods_of_a_full_node_are_limited_by_pods_per_core() {
    use crate::facts::Machine;
    use crate::host::existing_config::{ConfigLocation, ExistingConfig, ExistingPodsPerCore};
    let facts = in_subnets(ZoneSubnets::NotRead);
    let location = ConfigLocation::UserData;
    let pods_per_core = vec![ExistingPodsPerCore { pods_per_core: 4, location }];
    let existing = ExistingConfig { pods_per_core, ..ExistingConfig::default() };
    let machine = Some(Machine { cpus: 2, memory_bytes: 8 << 30 });
    let facts = Facts { machine, existing, ..facts };
    let plan = plan(&facts, &settings(""), Some(&aws_node("v1.23.2", &[]))).unwrap();
    assert_eq!((plan.max_pods_in_force(), plan.pod_addresses()), (8, 6));
}
