//! Renders ENIConfigs: YAML for `kubectl apply`, values for a Helm chart, and JSON.

use super::error::ConfigsError;
use super::naming::PlannedConfig;
use eni_core::domain::zone::Region;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The API version of an ENIConfig.
const API_VERSION: &str = "crd.k8s.amazonaws.com/v1alpha1";

/// An ENIConfig object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata<'a>,
    spec: Spec<'a>,
}

#[derive(Debug, Serialize)]
struct Metadata<'a> {
    name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec<'a> {
    security_groups: &'a [String],
    subnet: &'a str,
}

/// Returns the ENIConfig object.
pub(super) fn object(config: &PlannedConfig) -> Object<'_> {
    let PlannedConfig { name, subnet, security_groups } = config;
    Object {
        api_version: API_VERSION,
        kind: "ENIConfig",
        metadata: Metadata { name: name.as_str() },
        spec: Spec { security_groups, subnet: &subnet.id },
    }
}

/// Returns one YAML document for each ENIConfig.
pub(super) fn yaml(planned: &[PlannedConfig]) -> Result<String, ConfigsError> {
    let documents = planned
        .iter()
        .map(|config| serde_saphyr::to_string(&object(config)).map_err(ConfigsError::Yaml));
    Ok(documents.collect::<Result<Vec<_>, _>>()?.join("---\n"))
}

/// The values of the Helm chart of the VPC CNI, and of that of eni-bootstrap.
///
/// The keys of `subnets` are the names of the ENIConfigs. Source: `templates/eniconfig.yaml`,
/// charts/aws-vpc-cni, aws/amazon-vpc-cni-k8s v1.23.1. Charts before 1.1.16 (CNI v1.11.0) put the region before the
/// key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Values<'a> {
    eni_config: EniConfigValues<'a>,
}

#[derive(Debug, Serialize)]
struct EniConfigValues<'a> {
    create: bool,
    region: &'a str,
    subnets: BTreeMap<&'a str, SubnetValues<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SubnetValues<'a> {
    id: &'a str,
    security_groups: &'a [String],
}

/// Returns the values of a Helm chart.
pub(super) fn helm_values(
    planned: &[PlannedConfig],
    region: &Region,
) -> Result<String, ConfigsError> {
    let subnets = planned.iter().map(|PlannedConfig { name, subnet, security_groups }| {
        (name.as_str(), SubnetValues { id: &subnet.id, security_groups })
    });
    let eni_config =
        EniConfigValues { create: true, region: region.as_str(), subnets: subnets.collect() };
    serde_saphyr::to_string(&Values { eni_config }).map_err(ConfigsError::Yaml)
}

/// Returns the ENIConfig and its subnet as JSON.
pub(super) fn json(config: &PlannedConfig) -> Value {
    let PlannedConfig { name, subnet, security_groups } = config;
    json!({
        "name": name,
        "zone": subnet.zone,
        "zoneId": subnet.zone_id,
        "subnet": subnet.id,
        "cidr": subnet.cidr.map(|cidr| cidr.to_string()),
        "freeAddresses": subnet.free_addresses,
        "securityGroups": security_groups,
    })
}

#[cfg(test)]
mod tests {
    use super::super::naming::tests::planned;
    use super::*;

    #[test]
    fn yaml_has_a_document_for_each_zone() {
        assert_eq!(
            yaml(&planned()).unwrap(),
            "apiVersion: crd.k8s.amazonaws.com/v1alpha1
kind: ENIConfig
metadata:
  name: us-west-2a
spec:
  securityGroups:
  - sg-0c
  subnet: subnet-0a
---
apiVersion: crd.k8s.amazonaws.com/v1alpha1
kind: ENIConfig
metadata:
  name: us-west-2b
spec:
  securityGroups:
  - sg-0c
  subnet: subnet-0b
"
        );
    }

    #[test]
    fn helm_values_have_a_key_for_each_name() {
        let region = "us-west-2".parse().unwrap();
        assert_eq!(
            helm_values(&planned(), &region).unwrap(),
            "eniConfig:
  create: true
  region: us-west-2
  subnets:
    us-west-2a:
      id: subnet-0a
      securityGroups:
      - sg-0c
    us-west-2b:
      id: subnet-0b
      securityGroups:
      - sg-0c
"
        );
    }

    #[test]
    fn a_name_that_looks_like_another_type_is_a_string() {
        let mut planned = planned();
        planned[0].name = "1e3".parse().unwrap();
        planned[1].name = "true".parse().unwrap();
        let read: Vec<Value> = serde_saphyr::from_multiple(&yaml(&planned).unwrap()).unwrap();
        let names: Vec<&Value> = read.iter().map(|it| &it["metadata"]["name"]).collect();
        assert_eq!(names, ["1e3", "true"]);
    }
}
