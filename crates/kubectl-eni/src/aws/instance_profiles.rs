//! `ec2:DescribeInstances`: the instance profiles of nodes.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Reservation};
use eni_bootstrap::adapter::aws::call::{CallError, call};
use eni_bootstrap::adapter::{Context, Deadline, aws};
use eni_core::domain::zone::Region;
use std::collections::BTreeSet;

/// The maximum number of values of a filter is 200.
const VALUES: usize = 200;

/// Returns the ARNs of the instance profiles of the instances `ids` that exist.
pub(crate) async fn instance_profiles(
    context: &Context,
    region: &Region,
    ids: &[String],
    deadline: Deadline,
) -> Result<BTreeSet<String>, CallError> {
    let shared = aws::sdk_config(context, region).await?;
    let mut config = aws_sdk_ec2::config::Builder::from(&shared);
    config.set_endpoint_url(aws::endpoint_url(context.ec2_endpoint.as_deref(), &shared));
    let client = Client::from_conf(config.build());
    let mut profiles = BTreeSet::new();
    for ids in ids.chunks(VALUES) {
        // EC2 returns an error for an unknown ID but not for an unmatched filter.
        let filter = Filter::builder().name("instance-id").set_values(Some(ids.to_vec())).build();
        let request = client.describe_instances().filters(filter);
        let response = call("ec2:DescribeInstances", deadline, request.send()).await?;
        let instances = response.reservations().iter().flat_map(Reservation::instances);
        let arns = instances.filter_map(|it| it.iam_instance_profile()?.arn());
        profiles.extend(arns.map(str::to_owned));
    }
    Ok(profiles)
}
