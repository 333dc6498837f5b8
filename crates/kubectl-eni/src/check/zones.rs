//! The zones in which nodes of the cluster may run.

use super::REQUESTS;
use crate::cluster::Cluster;
use eni_bootstrap::adapter::ec2::Ec2;
use eni_bootstrap::adapter::eks::Eks;
use eni_bootstrap::adapter::{Context, Deadline};
use eni_core::domain::eni_config::{EniConfigNameError, Field, NameTemplate};
use eni_core::domain::zone::{Region, Zone};
use eni_core::facts::Subnet;
use eni_core::failure::one_line;
use std::collections::BTreeMap;

/// A zone in which nodes may run. The ID and the VPC are known only if EC2 returned them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NodeZone {
    pub name: String,
    pub id: Option<String>,
    pub vpc: Option<String>,
}

impl NodeZone {
    /// Returns a zone of which only the name is known.
    pub(super) fn by_name(zone: &Zone) -> Self {
        Self { name: zone.to_string(), id: None, vpc: None }
    }

    /// Returns the name of the ENIConfig that a node in this zone uses.
    pub(super) fn eni_config(
        &self,
        template: &NameTemplate,
        region: &Region,
    ) -> Result<String, EniConfigNameError> {
        let name = template.fill(|field| match field {
            Field::Zone => Some(self.name.clone()),
            Field::ZoneId => self.id.clone(),
            Field::Region => Some(region.to_string()),
            Field::VpcId => self.vpc.clone(),
            Field::InstanceType | Field::SubnetId | Field::Tag(_) => None,
        });
        name.map(|name| name.to_string())
    }
}

/// Returns the zones of the subnets of the cluster, or why they are unknown.
pub(super) async fn of_cluster(
    cluster: &Cluster,
    context: &Context,
    region: &Region,
) -> Result<Vec<NodeZone>, String> {
    let name = cluster.identity.name.as_deref();
    let name = name.ok_or("the cluster name is unknown; add `--cluster-name NAME`")?;
    let deadline = Deadline::after(REQUESTS);
    let eks = Eks::new(context, region).await.map_err(|error| one_line(&error))?;
    let described = eks.cluster(name, deadline).await.map_err(|error| one_line(&error))?;
    let ec2 = Ec2::new(context, region).await.map_err(|error| one_line(&error))?;
    let subnets = ec2.subnets(&described.subnets, deadline).await;
    Ok(zones_of(subnets.map_err(|error| one_line(&error))?))
}

/// Returns the zones of `subnets` without duplicates.
fn zones_of(subnets: Vec<Subnet>) -> Vec<NodeZone> {
    let by_zone: BTreeMap<String, Subnet> =
        subnets.into_iter().map(|subnet| (subnet.zone.clone(), subnet)).collect();
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    let zones = by_zone.into_iter().map(|(name, subnet)| NodeZone {
        name,
        id: known(subnet.zone_id),
        vpc: known(subnet.vpc),
    });
    zones.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_can_contain_what_is_known_about_a_zone() {
        let zone = NodeZone {
            name: "us-west-2a".to_owned(),
            id: Some("usw2-az2".to_owned()),
            vpc: Some("vpc-1".to_owned()),
        };
        let region: Region = "us-west-2".parse().unwrap();
        let name = |zone: &NodeZone, template: &str| {
            zone.eni_config(&template.parse().unwrap(), &region).ok()
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(
            name(&zone, "{region}-{zone}-{zone-id}-{vpc-id}"),
            some("us-west-2-us-west-2a-usw2-az2-vpc-1")
        );
        assert_eq!(name(&zone, "{instance-type}"), None);
        let by_name = NodeZone::by_name(&"us-west-2a".parse().unwrap());
        assert_eq!(name(&by_name, "{zone}"), some("us-west-2a"));
        assert_eq!(name(&by_name, "{zone-id}"), None);
    }
}
