//! Names the ENIConfigs.

use super::error::ConfigsError;
use eni_core::domain::eni_config::{EniConfigName, Field, NameTemplate};
use eni_core::domain::zone::Region;
use eni_core::facts::Subnet;

/// An ENIConfig to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlannedConfig {
    pub name: EniConfigName,
    /// The subnet of the pods. Its zone is the zone of the ENIConfig.
    pub subnet: Subnet,
    pub security_groups: Vec<String>,
}

/// Parses `--eni-config-name`. A field of the instance is rejected, because one ENIConfig is for all nodes of a zone.
pub(super) fn name_template(text: &str) -> Result<NameTemplate, String> {
    if text.is_empty() {
        return Err("the template is empty".to_owned());
    }
    let template: NameTemplate = text.parse().map_err(|error| format!("{error}"))?;
    let unsupported = template
        .fields()
        .find(|field| !matches!(field, Field::Zone | Field::ZoneId | Field::Region | Field::VpcId));
    match unsupported {
        Some(field) => Err(format!(
            "{field} differs between the nodes of a zone; valid fields are {{zone}}, {{zone-id}}, {{region}} and {{vpc-id}}"
        )),
        None => Ok(template),
    }
}

/// Returns the ENIConfigs for `subnets`, which are in different zones.
pub(super) fn named(
    template: &NameTemplate,
    region: &Region,
    subnets: Vec<Subnet>,
    security_groups: &[String],
) -> Result<Vec<PlannedConfig>, ConfigsError> {
    let mut planned: Vec<PlannedConfig> = Vec::new();
    for subnet in subnets {
        let name = template.fill(|field| match field {
            Field::Zone => Some(subnet.zone.clone()),
            Field::ZoneId => Some(subnet.zone_id.clone()).filter(|id| !id.is_empty()),
            Field::Region => Some(region.to_string()),
            Field::VpcId => Some(subnet.vpc.clone()),
            Field::InstanceType | Field::SubnetId | Field::Tag(_) => None,
        });
        let name =
            name.map_err(|source| ConfigsError::Name { zone: subnet.zone.clone(), source })?;
        if let Some(other) = planned.iter().find(|it| it.name == name) {
            let zones = format!("{} and {}", other.subnet.zone, subnet.zone);
            return Err(ConfigsError::SameName { name, zones });
        }
        let security_groups = security_groups.to_vec();
        planned.push(PlannedConfig { name, subnet, security_groups });
    }
    Ok(planned)
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::selector::tests::subnet;
    use super::*;
    use eni_core::failure::report;

    /// Returns the ENIConfigs of two zones.
    pub(in super::super) fn planned() -> Vec<PlannedConfig> {
        names("{zone}").unwrap()
    }

    fn names(template: &str) -> Result<Vec<PlannedConfig>, ConfigsError> {
        let subnets = vec![
            subnet(("subnet-0a", "us-west-2a"), "100.64.0.0/19", 8187, &[]),
            subnet(("subnet-0b", "us-west-2b"), "100.64.32.0/19", 8187, &[]),
        ];
        let template = name_template(template).unwrap();
        named(&template, &"us-west-2".parse().unwrap(), subnets, &["sg-0c".to_owned()])
    }

    #[test]
    fn each_zone_gets_its_own_name() {
        let planned = names("pods-{zone}.{zone-id}").unwrap();
        let names: Vec<&str> = planned.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["pods-us-west-2a.id-us-west-2a", "pods-us-west-2b.id-us-west-2b"]);
    }

    #[test]
    fn invalid_templates_and_names_have_their_own_errors() {
        assert_eq!(
            name_template("{instance-type}").unwrap_err(),
            "{instance-type} differs between the nodes of a zone; valid fields are {zone}, {zone-id}, {region} and {vpc-id}"
        );
        assert_eq!(name_template("").unwrap_err(), "the template is empty");
        assert_eq!(
            report(&names("pods").unwrap_err()),
            "error: us-west-2a and us-west-2b have the same ENIConfig name \"pods\"\n  help: add a field that differs between the zones: `--eni-config-name '{zone}'`"
        );
        assert_eq!(
            report(&names("Pods-{zone}").unwrap_err()),
            "error: failed to name the ENIConfig of us-west-2a\n  caused by: \"Pods-us-west-2a\" is not an ENIConfig name (at most 63 lowercase letters, digits, dots and dashes)\n  help: correct `--eni-config-name`"
        );
    }
}
