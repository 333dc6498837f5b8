use super::*;
use eni_core::domain::eni_config::{DEFAULT_LABEL, EXTERNAL_LABEL};

fn pairs(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn node(labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Node {
    let (labels, annotations) = (pairs(labels), pairs(annotations));
    Node { name: "n".to_owned(), labels, annotations, ..Node::default() }
}

/// The label with which the CNI selects the ENIConfig is `label_def`.
fn aws_node(label_def: &str) -> AwsNode {
    let environment = pairs(&[
        ("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"),
        ("ENI_CONFIG_LABEL_DEF", label_def),
    ]);
    AwsNode::read(&environment, "amazon-k8s-cni:v1.20.4")
}

fn configs(names: &[(&str, &str)]) -> EniConfigs {
    EniConfigs { by_name: pairs(names), ..EniConfigs::default() }
}

/// Returns the verdict, the text and the command.
fn checked(
    node: &Node,
    label_def: &str,
    configs: &EniConfigs,
) -> Option<(Verdict, String, Option<String>)> {
    let selection = selection(node, &aws_node(label_def));
    let finding = configs.check(node, &selection, label_def)?;
    Some((finding.verdict, finding.text, finding.command))
}

const IN_A: (&str, &str) = (ZONE, "us-west-2a");
const ZONAL: [(&str, &str); 2] = [("us-west-2a", "subnet-a"), ("us-west-2b", "subnet-b")];

#[expect(clippy::unnecessary_wraps, reason = "compared with an Option")]
fn expected(
    verdict: Verdict,
    text: &str,
    command: &str,
) -> Option<(Verdict, String, Option<String>)> {
    let command = Some(command.to_owned()).filter(|it| !it.is_empty());
    Some((verdict, text.to_owned(), command))
}

#[test]
fn the_zone_label_selects_the_config_of_the_zone() {
    assert_eq!(checked(&node(&[IN_A], &[]), ZONE, &configs(&ZONAL)), None);
    assert_eq!(
        checked(&node(&[(ZONE, "us-west-2c")], &[]), ZONE, &configs(&ZONAL)),
        expected(
            Verdict::NoEniConfig,
            "the label topology.kubernetes.io/zone selects ENIConfig \"us-west-2c\", which does not exist",
            "kubectl eni configs --subnet-tag kubernetes.io/role/cni=1 --dry-run=server"
        )
    );
}

#[test]
fn the_command_for_a_missing_config_creates_its_name_or_there_is_none() {
    let command = |name: &str| {
        let other = configs(&[("us-west-2b", "subnet-b")]);
        let labels = [IN_A, (EXTERNAL_LABEL, name)];
        let node = node(&labels, &[]);
        let finding = other.check(&node, &selection(&node, &aws_node(ZONE)), ZONE).unwrap();
        (finding.fix, finding.command)
    };
    let tag = "kubectl eni configs --subnet-tag kubernetes.io/role/cni=1";
    let create = |name: &str, flags: &str| {
        let fix =
            format!("create ENIConfig {name:?}; to apply it, replace --dry-run=server by --apply");
        (Some(fix), Some(format!("{tag} {flags}--dry-run=server")))
    };
    assert_eq!(command("us-west-2a"), create("us-west-2a", ""));
    let prod = "--eni-config-name 'prod-{zone}' ";
    assert_eq!(command("prod-us-west-2a"), create("prod-us-west-2a", prod));
    assert_eq!(command("blue"), create("blue", "--eni-config-name blue "));
    for invalid in ["", "Blue"] {
        let fix = format!("set or remove the label {EXTERNAL_LABEL}");
        assert_eq!(command(invalid), (Some(fix), None));
    }
}

#[test]
fn the_external_label_precedes_the_annotation_and_the_label() {
    let both = node(&[IN_A, (EXTERNAL_LABEL, "us-west-2a")], &[(DEFAULT_LABEL, "us-west-2b")]);
    assert_eq!(checked(&both, ZONE, &configs(&ZONAL)), None);
    let annotated = node(&[IN_A], &[(DEFAULT_LABEL, "us-west-2b")]);
    let text = "the annotation k8s.amazonaws.com/eniConfig selects ENIConfig \"us-west-2b\" for us-west-2b, but the node is in us-west-2a";
    assert_eq!(
        checked(&annotated, ZONE, &configs(&ZONAL)),
        expected(
            Verdict::OtherZone,
            text,
            "kubectl annotate node n k8s.amazonaws.com/eniConfig=us-west-2a --overwrite"
        )
    );
}

#[test]
fn a_missing_label_is_wrong_unless_the_default_serves_every_zone() {
    let in_a = node(&[IN_A], &[]);
    let only_default = configs(&[("default", "subnet-a")]);
    assert_eq!(checked(&in_a, DEFAULT_LABEL, &only_default), None);
    assert_eq!(
        checked(
            &in_a,
            DEFAULT_LABEL,
            &configs(&[("default", "subnet-a"), ("pods-us-west-2a", "s")])
        ),
        expected(
            Verdict::NoEniConfigLabel,
            "the node has no label k8s.amazonaws.com/eniConfig, so the CNI uses ENIConfig \"default\", although there is one for us-west-2a",
            "kubectl label node n k8s.amazonaws.com/eniConfig=pods-us-west-2a"
        )
    );
    assert_eq!(
        checked(&node(&[], &[]), ZONE, &configs(&[("default", "subnet-a"), ZONAL[0]])),
        expected(
            Verdict::NoZoneLabel,
            "the node has no label topology.kubernetes.io/zone, so the CNI uses ENIConfig \"default\", although there are others",
            ""
        )
    );
    let provider_id = Some("aws:///us-west-2b/i-1".to_owned());
    let without_zone = Node { provider_id, ..node(&[], &[]) };
    assert_eq!(
        checked(&without_zone, ZONE, &configs(&ZONAL)),
        expected(
            Verdict::NoZoneLabel,
            "the node has no label topology.kubernetes.io/zone, so the CNI uses ENIConfig \"default\", which does not exist",
            "kubectl label node n topology.kubernetes.io/zone=us-west-2b"
        )
    );
    assert_eq!(
        checked(&node(&[], &[]), "a b", &configs(&ZONAL)),
        expected(
            Verdict::NoEniConfigLabel,
            "the node has no label a b, so the CNI uses ENIConfig \"default\", which does not exist",
            ""
        )
    );
}

#[test]
fn an_empty_value_selects_a_config_without_a_name() {
    let empty = node(&[IN_A], &[(DEFAULT_LABEL, "")]);
    assert_eq!(
        checked(&empty, ZONE, &configs(&ZONAL)),
        expected(
            Verdict::NoEniConfig,
            "the annotation k8s.amazonaws.com/eniConfig selects ENIConfig \"\", which does not exist",
            "kubectl annotate node n k8s.amazonaws.com/eniConfig=us-west-2a --overwrite"
        )
    );
}

#[test]
fn the_zone_of_the_subnet_is_compared_if_ec2_was_asked() {
    let subnet = |zone: &str, zone_id: &str| Subnet {
        id: "subnet-a".to_owned(),
        zone: zone.to_owned(),
        zone_id: zone_id.to_owned(),
        vpc: "vpc-1".to_owned(),
        cidr: None,
        free_addresses: 10,
        tags: BTreeMap::new(),
    };
    let with = |subnet: Option<Subnet>| EniConfigs {
        subnets: Some(subnet.into_iter().map(|it| (it.id.clone(), it)).collect()),
        ..configs(&[("us-west-2a", "subnet-a")])
    };
    let in_a = node(&[IN_A], &[]);
    let edit = "kubectl edit eniconfig us-west-2a";
    assert_eq!(checked(&in_a, ZONE, &with(Some(subnet("us-west-2a", "usw2-az2")))), None);
    assert_eq!(
        checked(&in_a, ZONE, &with(Some(subnet("us-west-2b", "usw2-az1")))),
        expected(
            Verdict::OtherZone,
            "subnet-a of ENIConfig \"us-west-2a\" is in us-west-2b, but the node is in us-west-2a",
            edit
        )
    );
    let misleading = EniConfigs {
        by_name: pairs(&[("us-west-2b", "subnet-a")]),
        ..with(Some(subnet("us-west-2a", "usw2-az2")))
    };
    let annotated = node(&[IN_A], &[(DEFAULT_LABEL, "us-west-2b")]);
    assert_eq!(checked(&annotated, ZONE, &misleading), None, "the subnet is in the zone");
    let with_id = node(&[IN_A, (super::super::node::ZONE_ID, "usw2-az2")], &[]);
    let shared = subnet("us-west-2b", "usw2-az2");
    assert_eq!(checked(&with_id, ZONE, &with(Some(shared))), None, "names of another account");
    assert_eq!(
        checked(&in_a, ZONE, &with(None)),
        expected(
            Verdict::NoPodSubnet,
            "subnet-a of ENIConfig \"us-west-2a\" not found in this AWS account and region",
            edit
        )
    );
    assert_eq!(
        checked(&in_a, ZONE, &configs(&[("us-west-2a", "")])),
        expected(
            Verdict::NoPodSubnet,
            "ENIConfig \"us-west-2a\" names no subnet, so the CNI cannot create network interfaces",
            edit
        )
    );
}
