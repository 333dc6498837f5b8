use super::*;
use std::collections::BTreeMap;

pub(crate) fn requirements() -> SubnetRequirements {
    SubnetRequirements {
        location: NodeLocation {
            zone: Some("us-west-2a".to_owned()),
            zone_id: Some("usw2-az1".to_owned()),
            vpc: Some("vpc-1".to_owned()),
            region: "us-west-2".to_owned(),
        },
        is_this_node: true,
        eni_config: "us-west-2a".to_owned(),
        addresses: 18,
        prefixes: false,
        subnet_discovery: true,
        cluster: Some("prod".to_owned()),
    }
}

fn subnet() -> Subnet {
    Subnet {
        id: "subnet-1".to_owned(),
        zone: "us-west-2a".to_owned(),
        zone_id: "usw2-az1".to_owned(),
        vpc: "vpc-1".to_owned(),
        cidr: Some("10.0.0.0/24".parse().unwrap()),
        free_addresses: 251,
        tags: BTreeMap::new(),
    }
}

fn tagged(key: &str, value: &str) -> Subnet {
    Subnet { tags: BTreeMap::from([(key.to_owned(), value.to_owned())]), ..subnet() }
}

fn failed(code: Code, text: &str, help: &str) -> Diagnostic {
    Diagnostic::failed(code, text, help.replace("EDIT", "`kubectl edit eniconfig us-west-2a`"))
}

fn ok() -> Diagnostic {
    Diagnostic::ok(Code::SubnetOk, "subnet-1 is in us-west-2a and has 251 free addresses")
}

#[test]
fn a_subnet_in_the_zone_and_vpc_of_the_node_passes() {
    assert_eq!(check(&requirements(), "subnet-1", Some(&subnet())), ok());
}

#[test]
fn zones_are_compared_by_id_if_both_are_known() {
    let checked = |zone: &str, zone_id: &str, node_zone_id: Option<&str>| {
        let mut requirements = requirements();
        requirements.location.zone_id = node_zone_id.map(str::to_owned);
        let subnet = Subnet { zone: zone.to_owned(), zone_id: zone_id.to_owned(), ..subnet() };
        check(&requirements, "subnet-1", Some(&subnet))
    };
    let wrong_zone = |text: &str| {
        let help = "set spec.subnet to a subnet in us-west-2a: EDIT";
        failed(Code::SubnetWrongZone, text, help)
    };
    assert_eq!(
        checked("us-west-2d", "usw2-az1", Some("usw2-az1")),
        Diagnostic::ok(Code::SubnetOk, "subnet-1 is in us-west-2d and has 251 free addresses")
    );
    assert_eq!(
        checked("us-west-2a", "usw2-az3", Some("usw2-az1")),
        wrong_zone(
            "subnet-1 is in us-west-2a (usw2-az3), but the node is in us-west-2a (usw2-az1)"
        ),
        "one name, two zones"
    );
    assert_eq!(
        checked("us-west-2b", "", None),
        wrong_zone("subnet-1 is in us-west-2b, but the node is in us-west-2a")
    );
    assert_eq!(checked("us-west-2a", "usw2-az1", None), ok());
}

#[test]
fn each_problem_has_its_own_code_and_help() {
    assert_eq!(
        check(&requirements(), "subnet-9", None),
        failed(
            Code::SubnetNotFound,
            "subnet-9 not found in us-west-2 in this AWS account",
            "set spec.subnet to an existing subnet: EDIT"
        )
    );
    let checked = |subnet: Subnet| check(&requirements(), "subnet-1", Some(&subnet));
    assert_eq!(
        checked(Subnet { vpc: "vpc-2".to_owned(), ..subnet() }),
        failed(
            Code::SubnetWrongVpc,
            "subnet-1 is in vpc-2, but the node is in vpc-1",
            "set spec.subnet to a subnet in vpc-1: EDIT; if pods intentionally use another VPC, set `eni-config.verify = false`"
        )
    );
    assert_eq!(
        checked(Subnet { free_addresses: 1, ..subnet() }),
        failed(
            Code::SubnetFull,
            "subnet-1 has 1 free address, but a new node needs at least 2",
            "release addresses in subnet-1, or set spec.subnet to another subnet: EDIT"
        )
    );
    assert_eq!(
        checked(Subnet { free_addresses: 17, ..subnet() }),
        Diagnostic::warning(
            Code::FewFreeAddresses,
            "subnet-1 has 17 free addresses, but the pods of this node can use up to 18",
            "add a larger subnet before the node runs out of addresses"
        )
    );
}

#[test]
fn a_tag_excludes_a_subnet_if_subnet_discovery_is_on() {
    let checked = |subnet: Subnet| check(&requirements(), "subnet-1", Some(&subnet));
    let excluded = |tag: &str| {
        failed(
            Code::SubnetTaggedOut,
            &format!("the CNI assigns no pod addresses from subnet-1 because of its tag {tag}"),
            "remove the tag, or set spec.subnet to another subnet: EDIT",
        )
    };
    assert_eq!(checked(tagged(ROLE_TAG, "0")), excluded("kubernetes.io/role/cni=0"));
    assert_eq!(checked(tagged(ROLE_TAG, "1")), ok());
    assert_eq!(checked(tagged("cni.networking.k8s.aws/cluster/prod", "shared")), ok());
    let other_cluster = tagged("cni.networking.k8s.aws/cluster/dev", "shared");
    assert_eq!(
        checked(other_cluster.clone()),
        excluded("cni.networking.k8s.aws/cluster/dev (this cluster is prod)")
    );
    let without_discovery = SubnetRequirements { subnet_discovery: false, ..requirements() };
    assert_eq!(check(&without_discovery, "subnet-1", Some(&tagged(ROLE_TAG, "0"))), ok());
    let without_cluster = SubnetRequirements { cluster: None, ..requirements() };
    assert_eq!(check(&without_cluster, "subnet-1", Some(&other_cluster)), ok());
}

#[test]
fn prefix_delegation_needs_free_blocks_of_sixteen_addresses() {
    let requirements = SubnetRequirements { addresses: 108, prefixes: true, ..requirements() };
    let subnet = Subnet { free_addresses: 130, ..subnet() };
    let checked = |free, least| check_prefixes(&requirements, &subnet, free, least);
    assert_eq!(
        checked(0, 0),
        Diagnostic::failed(
            Code::NoFreePrefix,
            "subnet-1 has 130 free addresses, but no free /28 prefix",
            "use a subnet that contains only pods, or reserve a range for prefixes: `aws ec2 create-subnet-cidr-reservation --subnet-id subnet-1 --reservation-type prefix --cidr CIDR`"
        )
    );
    assert_eq!(
        checked(6, 0),
        Diagnostic::warning(
            Code::FewFreePrefixes,
            "subnet-1 has 6 free /28 prefixes, but the pods of this node can use up to 7",
            "add a larger subnet before the node runs out of addresses"
        )
    );
    let ok = |text: &str| Diagnostic::ok(Code::FreePrefixesOk, text);
    assert_eq!(checked(7, 0), ok("subnet-1 has 7 free /28 prefixes"));
    assert_eq!(checked(7, 7), ok("subnet-1 has at least 7 free /28 prefixes"));
}
