use super::*;
use crate::facts::fixture::facts;
use crate::facts::{Subnet, ZoneSubnets};
use std::time::{Duration, UNIX_EPOCH};

const AUTHORITY: &str = "Q0E=";

fn settings(toml: &str) -> Settings {
    Settings::from_toml(std::path::Path::new("test.toml"), toml).unwrap()
}

const PROD: &str =
    "[cluster]\nname = \"prod\"\nendpoint = \"https://k\"\ncertificate-authority = \"Q0E=\"\n";

fn record() -> RunRecord {
    let facts = facts("m5.large");
    let variables = [("AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG", "true"), ("IGNORED", "x")];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let aws_node = AwsNode::read(
        &variables.into_iter().map(owned).collect(),
        "example.com/amazon-k8s-cni:v1.23.2",
    );
    let cluster = access(&facts, &settings(PROD)).unwrap();
    let plan = plan(&facts, &settings(PROD), Some(&aws_node)).unwrap();
    let hardware = Hardware {
        asset_tag: Some("i-0123456789abcdef0".to_owned()),
        product_name: Some("m5.large".to_owned()),
    };
    let eni_config = RecordedEniConfig {
        name: "us-west-2a".to_owned(),
        subnet: "subnet-0a".to_owned(),
        security_groups: vec!["sg-0b".to_owned()],
    };
    let result = SuccessfulRun {
        facts: &facts,
        hardware,
        cluster: Some(&cluster),
        aws_node: Some(&aws_node),
        plan: &plan,
        eni_config: Some(eni_config),
    };
    RunRecord::new(result, UNIX_EPOCH + Duration::from_hours(24 * 365))
}

#[test]
fn the_record_has_a_versioned_format() {
    const VERSION: &str = env!("CARGO_PKG_VERSION");
    let expected = format!(
        r#"{{
  "aws-node": {{
    "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "true"
  }},
  "aws-node-image": "example.com/amazon-k8s-cni:v1.23.2",
  "cluster": {{
    "certificate-authority": "{AUTHORITY}",
    "endpoint": "https://k",
    "id": null,
    "name": "prod"
  }},
  "eni-bootstrap-version": "{VERSION}",
  "eni-config": {{
    "name": "us-west-2a",
    "security-groups": [
      "sg-0b"
    ],
    "subnet": "subnet-0a"
  }},
  "format-version": 1,
  "instance": {{
    "hardware": {{
      "asset-tag": "i-0123456789abcdef0",
      "product-name": "m5.large"
    }},
    "instance-id": "i-0123456789abcdef0",
    "instance-type": "m5.large"
  }},
  "limits": {{
    "row": "m5.large,3,0,10,nitro,false,2",
    "source": "embedded-table"
  }},
  "max-pods": 20,
  "primary-subnet": null,
  "time": "1971-01-01T00:00:00Z"
}}
"#
    );
    let text = record().to_text().unwrap();
    assert_eq!(text, expected);
    assert_eq!(RunRecord::parse(&text).unwrap(), record());
}

#[test]
fn a_record_of_another_format_version_is_rejected() {
    let error = |text: &str| RunRecord::parse(text).unwrap_err().to_string();
    let text = record().to_text().unwrap();
    let newer = text.replace("\"format-version\": 1", "\"format-version\": 2");
    assert_eq!(error(&newer), "format version 2 is not supported");
    assert_eq!(error("{}"), "format version null is not supported");
    assert_eq!(error("{"), "the file is invalid");
    assert_eq!(error("{\"format-version\": 1}"), "the file is invalid");
}

#[test]
fn the_recorded_values_are_those_of_the_run() {
    let record = record();
    let facts = facts("m5.large");
    assert_eq!(record.limits(&facts.instance.instance_type), Some(facts.limits));
    assert_eq!(record.limits(&"m5.xlarge".parse().unwrap()), None);
    let aws_node = record.aws_node().unwrap();
    assert!(aws_node.is_recorded && aws_node.cni.custom_networking);
    let access = record.cluster().unwrap();
    assert_eq!(access.to_string(), "prod at https://k (source: record of the last successful run)");
    let name = "us-west-2a".parse().unwrap();
    assert_eq!(record.eni_config(&name).unwrap().subnet, "subnet-0a");
    assert_eq!(record.eni_config(&"other".parse().unwrap()), None);
}

#[test]
fn the_record_contains_the_effect_of_the_tags_if_they_were_read() {
    let subnet = |id: &str, role: &str| Subnet {
        id: id.to_owned(),
        zone: "us-west-2a".to_owned(),
        zone_id: String::new(),
        vpc: "vpc-0a".to_owned(),
        cidr: None,
        free_addresses: 100,
        tags: BTreeMap::from([("kubernetes.io/role/cni".to_owned(), role.to_owned())]),
    };
    let mut facts = facts("m5.large");
    facts.instance.subnet_id = Some("subnet-0a".parse().unwrap());
    facts.zone_subnets =
        ZoneSubnets::Read(vec![subnet("subnet-0a", "0"), subnet("subnet-0b", "1")]);
    let aws_node = AwsNode::read(&BTreeMap::new(), "example.com/amazon-k8s-cni:v1.23.2");
    let plan = plan(&facts, &settings(PROD), Some(&aws_node)).unwrap();
    let result = SuccessfulRun {
        facts: &facts,
        hardware: Hardware::default(),
        cluster: None,
        aws_node: Some(&aws_node),
        plan: &plan,
        eni_config: None,
    };
    let record = RunRecord::new(result, UNIX_EPOCH);
    assert_eq!(record.primary_subnet(), Some(PrimarySubnet::Excluded));
    let text = record.to_text().unwrap();
    assert!(text.contains("\"primary-subnet\": \"excluded\""), "{text}");
    assert_eq!(RunRecord::parse(&text).unwrap(), record);
    let earlier = text.replace("  \"primary-subnet\": \"excluded\",\n", "");
    assert_ne!(earlier, text);
    assert_eq!(RunRecord::parse(&earlier).unwrap().primary_subnet(), None);
}

#[test]
fn a_record_does_not_apply_to_another_cluster_or_eniconfig() {
    let facts = facts("m5.large");
    let mismatch = |toml: &str| record().mismatch(&facts, &settings(toml));
    assert_eq!(mismatch(PROD), None);
    let uppercase = PROD.replace("https://k", "https://K/");
    assert_eq!(mismatch(&uppercase), None);
    let other = || Some("it belongs to another cluster".to_owned());
    assert_eq!(mismatch(&PROD.replace("prod", "dev")), other());
    assert_eq!(mismatch(&PROD.replace("https://k", "https://l")), other());
    assert_eq!(
        mismatch(&format!("{PROD}[eni-config]\nname = \"x-{{zone}}\"\n")),
        Some("it does not contain ENIConfig x-us-west-2a".to_owned())
    );
    assert_eq!(
        mismatch(&format!("{PROD}[cni]\ncustom-networking = false\n")),
        Some("it is from a run with custom networking".to_owned())
    );
    let without_cni = RunRecord { aws_node: None, ..record() };
    assert_eq!(
        without_cni.mismatch(&facts, &settings(PROD)),
        Some("it does not contain the CNI configuration".to_owned())
    );
}

#[test]
fn the_marker_identifies_instance_and_hardware() {
    let marker = record().instance().clone();
    assert_eq!(Identity::from_marker(&marker.to_marker().unwrap()).unwrap(), marker);
    assert!(marker.is_of("i-0123456789abcdef0", "m5.large"));
    assert!(!marker.is_of("i-0123456789abcdef0", "m5.xlarge"));
    assert!(!marker.is_of("i-0", "m5.large"));
    let unknown = Hardware::default();
    assert!(!marker.hardware.differs(&unknown));
    let product_name = Some("m5.xlarge".to_owned());
    assert!(marker.hardware.differs(&Hardware { product_name, ..unknown }));
}
