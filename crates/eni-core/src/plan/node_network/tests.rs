use super::*;
use crate::domain::aws_node::PREFIX_DELEGATION;
use crate::facts::Instance;
use crate::facts::NetworkInterface;
use crate::facts::fixture::facts;
use crate::plan::{Plan, PlanError, plan};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) const OWN: &str = "subnet-0a";

pub(crate) fn settings(text: &str) -> Settings {
    Settings::from_toml(Path::new("test.toml"), text).unwrap()
}

pub(crate) fn aws_node(tag: &str, variables: &[(&str, &str)]) -> AwsNode {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let image = format!("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:{tag}");
    AwsNode::read(&variables.iter().map(owned).collect(), &image)
}

pub(crate) fn subnet(id: &str, tags: &[(&str, &str)]) -> Subnet {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Subnet {
        id: id.to_owned(),
        zone: "us-west-2a".to_owned(),
        zone_id: String::new(),
        vpc: "vpc-0a".to_owned(),
        cidr: None,
        free_addresses: 100,
        tags: tags.iter().map(owned).collect::<BTreeMap<_, _>>(),
    }
}

/// Returns the facts of an m5.large in subnet [`OWN`].
pub(crate) fn in_subnets(zone_subnets: ZoneSubnets) -> Facts {
    let facts = facts("m5.large");
    let instance = Instance { subnet_id: Some(OWN.parse().unwrap()), ..facts.instance };
    Facts { instance, zone_subnets, ..facts }
}

fn planned(subnets: Vec<Subnet>, aws_node: &AwsNode) -> Result<Plan, PlanError> {
    plan(&in_subnets(ZoneSubnets::Read(subnets)), &settings(""), Some(aws_node))
}

/// Returns max-pods and the notes.
fn result(subnets: Vec<Subnet>, aws_node: &AwsNode) -> (u32, Vec<Diagnostic>) {
    let plan = planned(subnets, aws_node).unwrap();
    (plan.kubelet.max_pods, plan.diagnostics)
}

pub(crate) const EXCLUDED: (&str, &str) = ("kubernetes.io/role/cni", "0");
pub(crate) const INCLUDED: (&str, &str) = ("kubernetes.io/role/cni", "1");
pub(crate) const OTHER_CLUSTER: (&str, &str) = ("cni.networking.k8s.aws/cluster/other", "shared");

fn excluded(tag: &str, effect: &str) -> Diagnostic {
    let text = format!("the tag {tag} excludes the subnet of the node, {OWN}: {effect}");
    Diagnostic::info(Code::PrimarySubnetExcluded, text)
}

const NO_ADDRESSES: &str = "the CNI assigns no addresses of the primary network interface to pods";

#[test]
fn a_tag_on_the_subnet_of_the_node_takes_one_interface_from_1_22() {
    let current = aws_node("v1.22.0-eksbuild.1", &[]);
    let with_other = || vec![subnet(OWN, &[EXCLUDED]), subnet("subnet-0b", &[INCLUDED])];
    let note = excluded("kubernetes.io/role/cni=0", NO_ADDRESSES);
    assert_eq!(result(with_other(), &current), (20, vec![note]));
    assert_eq!(result(with_other(), &aws_node("v1.21.1", &[])), (29, vec![]));
    assert_eq!(result(vec![subnet(OWN, &[])], &current), (29, vec![]));
    assert_eq!(result(vec![subnet("subnet-0c", &[EXCLUDED])], &current), (29, vec![]));
}

#[test]
fn without_another_subnet_no_pod_gets_an_address() {
    let current = aws_node("v1.23.2", &[]);
    let subnets = vec![subnet(OWN, &[EXCLUDED]), subnet("subnet-0b", &[])];
    assert_eq!(
        planned(subnets, &current).unwrap_err().to_string(),
        "failed to compute max-pods for m5.large"
    );
}

#[test]
fn without_subnet_discovery_only_the_primary_interface_serves_pods() {
    let off = aws_node("v1.23.2", &[("ENABLE_SUBNET_DISCOVERY", "false")]);
    let effect = "subnet discovery is off, so the CNI creates no network interface, and only the attached ones serve pods";
    let note = excluded("kubernetes.io/role/cni=0", effect);
    assert_eq!(result(vec![subnet(OWN, &[EXCLUDED])], &off), (11, vec![note]));
}

#[test]
fn a_cluster_tag_excludes_only_with_a_role_tag_and_cluster_name() {
    let other = || vec![subnet(OWN, &[INCLUDED, OTHER_CLUSTER]), subnet("subnet-0b", &[INCLUDED])];
    let named = aws_node("v1.23.2", &[("CLUSTER_NAME", "prod")]);
    let tag = "cni.networking.k8s.aws/cluster/other (CLUSTER_NAME of aws-node is prod)";
    assert_eq!(result(other(), &named), (20, vec![excluded(tag, NO_ADDRESSES)]));
    assert_eq!(result(other(), &aws_node("v1.23.2", &[])), (29, vec![]));
    assert_eq!(result(vec![subnet(OWN, &[OTHER_CLUSTER])], &named), (29, vec![]));
}

#[test]
fn an_unknown_version_counts_the_exclusion_and_never_rejects_the_node() {
    let unknown = aws_node("stable", &[]);
    let warning = Diagnostic::warning(
        Code::CniVersionUnknown,
        "the version of the CNI is unknown; before 1.22.0, no tag excludes a subnet, so max-pods may be too low",
        "set `cni.version` to the version of the CNI, such as \"1.23.2\"",
    );
    let expected = (20, vec![excluded("kubernetes.io/role/cni=0", NO_ADDRESSES), warning]);
    assert_eq!(result(vec![subnet(OWN, &[EXCLUDED])], &unknown), expected);
    let facts = in_subnets(ZoneSubnets::Read(vec![subnet(OWN, &[EXCLUDED])]));
    let earlier = settings("[cni]\nversion = \"1.20.4\"");
    let plan = plan(&facts, &earlier, Some(&unknown)).unwrap();
    assert_eq!((plan.kubelet.max_pods, plan.diagnostics), (29, vec![]));
}

#[test]
fn unknown_tags_are_a_warning_that_names_the_setting() {
    let denied = |is_denied| ZoneSubnets::Unknown {
        reason: "access denied for ec2:DescribeSubnets".to_owned(),
        is_denied,
    };
    let result = |zone_subnets, aws_node: &AwsNode, text: &str| {
        let plan = plan(&in_subnets(zone_subnets), &settings(text), Some(aws_node)).unwrap();
        (plan.kubelet.max_pods, plan.diagnostics)
    };
    let warning = |prediction: &str, help: &str| {
        Diagnostic::warning(
            Code::PrimarySubnetNotChecked,
            format!(
                "access denied for ec2:DescribeSubnets; max-pods is computed as if no tag excludes the subnet of the node{prediction}"
            ),
            format!("{help}, or set cni.primary-subnet-excluded"),
        )
    };
    let allow = "allow ec2:DescribeSubnets for the IAM role of the node";
    let route = "check the route to the EC2 endpoint";
    let current = aws_node("v1.23.2", &[]);
    let prediction = "; if aws-node uses the IAM role of the node, it creates no network interface, and only the addresses of the attached network interfaces serve pods (max-pods 11)";
    assert_eq!(result(denied(true), &current, ""), (29, vec![warning(prediction, allow)]));
    assert_eq!(result(denied(false), &current, ""), (29, vec![warning("", route)]));
    let ipv6 = [("ENABLE_IPv6", "true"), (PREFIX_DELEGATION, "true")];
    let exits = "; if aws-node uses the IAM role of the node, aws-node exits";
    let ipv6 = aws_node("v1.23.2", &ipv6);
    assert_eq!(result(denied(true), &ipv6, ""), (110, vec![warning(exits, allow)]));
    let unknown = aws_node("stable", &[]);
    assert_eq!(result(denied(true), &unknown, ""), (29, vec![warning("", allow)]));
    let excluded = "[cni]\nprimary-subnet-excluded = true";
    assert_eq!(result(denied(true), &current, excluded), (20, vec![]));
    let included = "[cni]\nprimary-subnet-excluded = false";
    assert_eq!(result(denied(true), &current, included), (29, vec![]));
}

#[test]
fn the_tags_are_read_only_if_max_pods_depends_on_them() {
    let depends = |text: &str, aws_node: Option<&AwsNode>| {
        depends_on_zone_subnets(&in_subnets(ZoneSubnets::NotRead), &settings(text), aws_node)
    };
    let custom = &[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")];
    assert!(depends("", Some(&aws_node("v1.22.0", &[]))));
    assert!(depends("", Some(&aws_node("v1.22.0", &[(PREFIX_DELEGATION, "true")]))));
    assert!(depends("", Some(&aws_node("stable", &[]))));
    assert!(!depends("", Some(&aws_node("v1.21.9", &[]))));
    assert!(!depends("", Some(&aws_node("v1.22.0", custom))));
    assert!(depends("[cni]\ncustom-networking = false", Some(&aws_node("v1.22.0", custom))));
    let off = ("ENABLE_SUBNET_DISCOVERY", "false");
    let ipv6 = [("ENABLE_IPv6", "true"), (PREFIX_DELEGATION, "true"), off];
    assert!(depends("", Some(&aws_node("v1.22.0", &ipv6[..2]))));
    assert!(!depends("", Some(&aws_node("v1.22.0", &ipv6))));
    assert!(depends("", Some(&aws_node("v1.22.0", &[off]))));
    for attached_only in ["ENABLE_IMDS_ONLY_MODE", "DISABLE_NETWORK_RESOURCE_PROVISIONING"] {
        let attached_only = (attached_only, "true");
        assert!(depends("", Some(&aws_node("v1.22.0", &[attached_only]))));
        assert!(!depends("", Some(&aws_node("v1.22.0", &[attached_only, off]))));
    }
    assert!(!depends("[cni]\nprimary-subnet-excluded = false", Some(&aws_node("v1.22.0", &[]))));
    assert!(!depends("[cni]\ncustom-networking = false", None));
}

#[test]
fn with_custom_networking_the_tags_are_read_for_an_interface_in_the_subnet_of_the_node() {
    let depends = |subnet: &str, variables: &[(&str, &str)]| {
        let facts = in_subnets(ZoneSubnets::NotRead);
        let interface = NetworkInterface {
            id: "eni-0b".parse().unwrap(),
            subnet_id: subnet.parse().unwrap(),
            secondary_addresses: 0,
            prefixes: 0,
            has_ipv4: true,
        };
        let instance = Instance { interfaces: Some(vec![interface]), ..facts.instance };
        let facts = Facts { instance, ..facts };
        let aws_node = aws_node("v1.23.2", variables);
        depends_on_zone_subnets(&facts, &settings(""), Some(&aws_node))
    };
    let custom = ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true");
    assert!(depends(OWN, &[custom]));
    assert!(!depends("subnet-0b", &[custom]));
    assert!(!depends(OWN, &[custom, ("ENABLE_SUBNET_DISCOVERY", "false")]));
}

#[test]
fn the_recorded_effect_of_the_tags_replaces_tags_that_were_not_read() {
    let result = |recorded, aws_node: &AwsNode, text: &str| {
        let facts = in_subnets(ZoneSubnets::Recorded(recorded));
        let plan = plan(&facts, &settings(text), Some(aws_node)).unwrap();
        (plan.kubelet.max_pods, plan.diagnostics)
    };
    let current = aws_node("v1.23.2", &[]);
    assert_eq!(result(PrimarySubnet::Included, &current, ""), (29, vec![]));
    let off = aws_node("v1.23.2", &[("ENABLE_SUBNET_DISCOVERY", "false")]);
    for recorded in [
        PrimarySubnet::Excluded,
        PrimarySubnet::ExcludedWithoutOther,
        PrimarySubnet::NoNewInterfaces,
    ] {
        assert_eq!(result(recorded, &current, ""), (20, vec![]), "{recorded:?}");
        assert_eq!(result(recorded, &off, ""), (11, vec![]), "{recorded:?}");
        assert_eq!(result(recorded, &aws_node("v1.21.0", &[]), ""), (29, vec![]));
        let included = "[cni]\nprimary-subnet-excluded = false";
        assert_eq!(result(recorded, &current, included), (29, vec![]));
        let unknown = aws_node("stable", &[]);
        assert_eq!(result(recorded, &unknown, ""), (20, vec![version_unknown()]));
    }
}

#[test]
fn only_tags_that_were_read_and_that_matter_are_recorded() {
    let recorded = |zone_subnets, aws_node: &AwsNode| {
        read_primary_subnet(&in_subnets(zone_subnets), &aws_node.cni, aws_node)
    };
    let read = |tags: &[(&str, &str)]| {
        ZoneSubnets::Read(vec![subnet(OWN, tags), subnet("subnet-0b", &[INCLUDED])])
    };
    let current = aws_node("v1.23.2", &[]);
    assert_eq!(recorded(read(&[]), &current), Some(PrimarySubnet::Included));
    assert_eq!(recorded(read(&[EXCLUDED]), &current), Some(PrimarySubnet::Excluded));
    assert_eq!(recorded(read(&[EXCLUDED]), &aws_node("v1.21.0", &[])), None);
    let custom = aws_node("v1.23.2", &[("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true")]);
    assert_eq!(recorded(read(&[EXCLUDED]), &custom), None);
    let failed = ZoneSubnets::Unknown { reason: "no response".to_owned(), is_denied: false };
    for not_read in [ZoneSubnets::NotRead, ZoneSubnets::Recorded(PrimarySubnet::Excluded), failed] {
        assert_eq!(recorded(not_read, &current), None);
    }
}
