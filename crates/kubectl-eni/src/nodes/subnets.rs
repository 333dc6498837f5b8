//! The subnets of the ENIConfigs, from EC2.

use eni_bootstrap::adapter::ec2::{Ec2, Ec2Error};
use eni_bootstrap::adapter::{Context, Deadline};
use eni_core::domain::zone::Region;
use eni_core::facts::Subnet;
use eni_core::failure::one_line;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The time limit of all requests to EC2.
const TIME: Duration = Duration::from_secs(30);
/// The maximum number of values of a filter.
///
/// Source: "Filter your resources", Amazon EC2 User Guide.
const FILTER_VALUES: usize = 200;

/// Returns the subnets that exist, by ID; the reason if EC2 does not return them.
pub(super) async fn read(
    context: &Context,
    region: &Region,
    ids: impl IntoIterator<Item = &String>,
) -> Result<BTreeMap<String, Subnet>, String> {
    let ids: BTreeSet<&String> = ids.into_iter().filter(|id| !id.is_empty()).collect();
    let ids: Vec<String> = ids.into_iter().cloned().collect();
    subnets(context, region, &ids).await.map_err(|error| one_line(&error))
}

async fn subnets(
    context: &Context,
    region: &Region,
    ids: &[String],
) -> Result<BTreeMap<String, Subnet>, Ec2Error> {
    let deadline = Deadline::after(TIME);
    let ec2 = Ec2::new(context, region).await?;
    let mut found = BTreeMap::new();
    for some in ids.chunks(FILTER_VALUES) {
        let subnets = ec2.subnets(some, deadline).await?;
        found.extend(subnets.into_iter().map(|subnet| (subnet.id.clone(), subnet)));
    }
    Ok(found)
}
