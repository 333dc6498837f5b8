//! Reads the zones, the VPC and the security group of the cluster, and the candidate subnets.

use super::error::ConfigsError;
use super::selector::SubnetSelector;
use crate::cluster::Cluster;
use eni_bootstrap::adapter::ec2::Ec2;
use eni_bootstrap::adapter::eks::{Eks, EksError};
use eni_bootstrap::adapter::{Context, Deadline};
use eni_core::domain::identifier::SubnetId;
use eni_core::domain::zone::Region;
use eni_core::facts::Subnet;
use std::collections::BTreeSet;
use std::time::Duration;

/// The time limit of the requests to EKS and EC2 for the subnets of the cluster.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The network of the cluster, from the subnets that EKS lists for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Network {
    pub vpc: String,
    /// The zones of the cluster's subnets.
    pub zones: BTreeSet<String>,
    /// The security group that EKS created for the control plane and the nodes.
    pub security_group: Option<String>,
}

/// Reads the network of the cluster.
pub(super) async fn read(
    context: &Context,
    ec2: &Ec2,
    cluster: &Cluster,
) -> Result<Network, ConfigsError> {
    let (name, region) = (cluster.name()?, cluster.region()?);
    let deadline = Deadline::after(TIMEOUT);
    let eks = Eks::new(context, region).await.map_err(EksError::from).map_err(ConfigsError::Eks)?;
    let described = eks.cluster(name, deadline).await.map_err(ConfigsError::Eks)?;
    let subnets = ec2.subnets(&described.subnets, deadline).await.map_err(ConfigsError::Subnets)?;
    let Some(vpc) = subnets.first().map(|subnet| subnet.vpc.clone()) else {
        return Err(ConfigsError::NoClusterSubnet(name.to_owned()));
    };
    let zones = subnets.into_iter().map(|subnet| subnet.zone).collect();
    Ok(Network { vpc, zones, security_group: described.security_group })
}

/// Returns the subnets of the cluster's VPC that the flags select.
pub(super) async fn in_vpc(
    ec2: &Ec2,
    network: &Network,
    selector: &SubnetSelector,
) -> Result<Vec<Subnet>, ConfigsError> {
    let deadline = Deadline::after(TIMEOUT);
    let mut subnets =
        ec2.subnets_in_vpc(&network.vpc, deadline).await.map_err(ConfigsError::Subnets)?;
    subnets.retain(|subnet| selector.selects(subnet));
    if subnets.is_empty() {
        let (vpc, selector) = (network.vpc.clone(), selector.to_string());
        return Err(ConfigsError::NoCandidate { vpc, selector });
    }
    Ok(subnets)
}

/// Returns the subnets with these IDs.
pub(super) async fn by_ids(
    ec2: &Ec2,
    ids: &[SubnetId],
    region: &Region,
) -> Result<Vec<Subnet>, ConfigsError> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let deadline = Deadline::after(TIMEOUT);
    let subnets = ec2.subnets(&ids, deadline).await.map_err(ConfigsError::Subnets)?;
    let is_missing = |id: &&String| !subnets.iter().any(|subnet| subnet.id == **id);
    let missing: Vec<&str> = ids.iter().filter(is_missing).map(String::as_str).collect();
    if !missing.is_empty() {
        let (ids, region) = (missing.join(", "), region.to_string());
        return Err(ConfigsError::UnknownSubnets { ids, region });
    }
    Ok(subnets)
}
