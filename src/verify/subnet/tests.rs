use super::*;
use crate::verify::{AddressDemand, SubnetExclusion};
use eni_core::domain::aws_node::AwsNode;
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
        demand: AddressDemand { addresses: 18, is_additional: false },
        prefixes: false,
        pod_eni: false,
        exclusion: exclusion("v1.23.2", &[("CLUSTER_NAME", "prod")]),
    }
}

/// Returns the rules of a CNI with this image tag and these variables.
fn exclusion(tag: &str, variables: &[(&str, &str)]) -> SubnetExclusion {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let image = format!("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:{tag}");
    let aws_node = AwsNode::read(&variables.iter().map(owned).collect(), &image);
    SubnetExclusion::new(Some(&aws_node), aws_node.cni.version)
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

fn tagged(tags: &[(&str, &str)]) -> Subnet {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Subnet { tags: tags.iter().map(owned).collect(), ..subnet() }
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

const EXCLUDED: (&str, &str) = ("kubernetes.io/role/cni", "0");
const INCLUDED: (&str, &str) = ("kubernetes.io/role/cni", "1");
const OURS: (&str, &str) = ("cni.networking.k8s.aws/cluster/prod", "shared");
const OTHER: (&str, &str) = ("cni.networking.k8s.aws/cluster/dev", "shared");

/// Returns the results of both checks of a subnet with these tags.
fn checked(exclusion: SubnetExclusion, tags: &[(&str, &str)]) -> Vec<Diagnostic> {
    let requirements = SubnetRequirements { exclusion, ..requirements() };
    let subnet = tagged(tags);
    let first = check(&requirements, "subnet-1", Some(&subnet));
    [Some(first), check_tags(&requirements, &subnet)].into_iter().flatten().collect()
}

fn excluded(tag: &str) -> Vec<Diagnostic> {
    vec![failed(
        Code::SubnetTaggedOut,
        &format!("the CNI assigns no pod addresses from subnet-1 because of its tag {tag}"),
        "remove the tag, or set spec.subnet to another subnet: EDIT",
    )]
}

#[test]
fn a_tag_excludes_a_subnet_from_version_1_22_with_subnet_discovery() {
    let named = |tag: &str| exclusion(tag, &[("CLUSTER_NAME", "prod")]);
    let role = "kubernetes.io/role/cni=0";
    assert_eq!(checked(named("v1.22.0-eksbuild.1"), &[EXCLUDED]), excluded(role));
    assert_eq!(checked(named("v1.22.0"), &[INCLUDED]), [ok()]);
    assert_eq!(checked(named("v1.22.0"), &[INCLUDED, OURS, OTHER]), [ok()]);
    let other = "cni.networking.k8s.aws/cluster/dev (CLUSTER_NAME of aws-node is prod)";
    assert_eq!(checked(named("v1.22.0"), &[INCLUDED, OTHER]), excluded(other));
    for tags in [&[EXCLUDED][..], &[INCLUDED, OTHER]] {
        assert_eq!(checked(named("v1.21.9"), tags), [ok()], "before 1.22.0");
        let off = [("ENABLE_SUBNET_DISCOVERY", "false"), ("CLUSTER_NAME", "prod")];
        assert_eq!(checked(exclusion("v1.23.2", &off), tags), [ok()], "no subnet discovery");
    }
}

#[test]
fn a_cluster_tag_excludes_nothing_without_the_role_tag() {
    let named = exclusion("v1.23.2", &[("CLUSTER_NAME", "prod")]);
    assert_eq!(checked(named, &[OTHER]), [ok()]);
}

#[test]
fn a_cluster_tag_excludes_nothing_without_cluster_name_on_aws_node() {
    assert_eq!(checked(exclusion("v1.23.2", &[]), &[INCLUDED, OTHER]), [ok()]);
    // The DaemonSet was not read.
    let version = Some(CniVersion::REFERENCE);
    assert_eq!(checked(SubnetExclusion::new(None, version), &[INCLUDED, OTHER]), [ok()]);
    let role = excluded("kubernetes.io/role/cni=0");
    assert_eq!(checked(SubnetExclusion::new(None, version), &[EXCLUDED]), role);
}

#[test]
fn an_unknown_version_makes_an_excluding_tag_a_warning() {
    let warning = Diagnostic::warning(
        Code::SubnetTaggedOut,
        "the version of the CNI is unknown; from 1.22.0, the CNI assigns no pod addresses from subnet-1 because of its tag kubernetes.io/role/cni=0",
        "set `cni.version`; if it is 1.22.0 or later, remove the tag, or set spec.subnet to another subnet: `kubectl edit eniconfig us-west-2a`",
    );
    assert_eq!(checked(exclusion("stable", &[]), &[EXCLUDED]), [ok(), warning]);
    assert_eq!(checked(exclusion("stable", &[]), &[INCLUDED]), [ok()]);
}
