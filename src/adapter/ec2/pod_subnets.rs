//! The subnets and security groups that an ENIConfig refers to.
//!
//! Requests use filters, because EC2 returns an error for an unknown ID but not for an unmatched filter.

use super::Ec2;
use crate::adapter::aws::call::{CallError, call};
use crate::adapter::aws::error_response::ErrorResponse;
use crate::adapter::{Deadline, retry};
use aws_sdk_ec2::types::Filter;
use eni_core::facts::{SecurityGroup, Subnet};
use ipnet::IpNet;
use std::collections::BTreeMap;

const SUBNETS: &str = "ec2:DescribeSubnets";

impl Ec2 {
    /// Returns the subnets of `ids` that exist.
    pub async fn subnets(
        &self,
        ids: &[String],
        deadline: Deadline,
    ) -> Result<Vec<Subnet>, CallError> {
        self.filtered_subnets(&[filter("subnet-id", ids)], deadline).await
    }

    /// Returns all subnets of a VPC.
    pub async fn subnets_in_vpc(
        &self,
        vpc: &str,
        deadline: Deadline,
    ) -> Result<Vec<Subnet>, CallError> {
        self.filtered_subnets(&[filter("vpc-id", &[vpc.to_owned()])], deadline).await
    }

    /// Returns the subnets of a VPC in the zone with the name `zone`.
    pub(crate) async fn subnets_in_zone(
        &self,
        vpc: &str,
        zone: &str,
        deadline: Deadline,
    ) -> Result<Vec<Subnet>, CallError> {
        let filters = [("vpc-id", vpc), ("availability-zone", zone)]
            .map(|(name, value)| filter(name, &[value.to_owned()]));
        self.filtered_subnets(&filters, deadline).await
    }

    async fn filtered_subnets(
        &self,
        filters: &[Filter],
        deadline: Deadline,
    ) -> Result<Vec<Subnet>, CallError> {
        let response = with_credentials(deadline, async || {
            let request = self.client.describe_subnets().set_filters(Some(filters.to_vec()));
            call(SUBNETS, deadline, request.send()).await
        })
        .await?;
        let subnets: Option<_> = response.subnets().iter().map(subnet).collect();
        subnets.ok_or_else(|| {
            let message = "a subnet without its ID, zone, VPC or number of free addresses";
            CallError::InvalidResponse {
                action: SUBNETS,
                source: ErrorResponse {
                    status: 200,
                    code: None,
                    message: Some(message.to_owned()),
                },
            }
        })
    }

    /// Returns the security groups of `ids` that exist.
    pub(crate) async fn security_groups(
        &self,
        ids: &[String],
        deadline: Deadline,
    ) -> Result<Vec<SecurityGroup>, CallError> {
        let response = with_credentials(deadline, async || {
            let request = self.client.describe_security_groups().filters(filter("group-id", ids));
            call("ec2:DescribeSecurityGroups", deadline, request.send()).await
        })
        .await?;
        let group = |group: &aws_sdk_ec2::types::SecurityGroup| SecurityGroup {
            id: text(group.group_id()),
            vpc: text(group.vpc_id()),
        };
        Ok(response.security_groups().iter().map(group).collect())
    }
}

/// Runs `request` again until `deadline` while the role credentials are not available yet. The SDK
/// itself retries other temporary failures a few times. A check with a failed request is skipped.
async fn with_credentials<T>(
    deadline: Deadline,
    mut request: impl AsyncFnMut() -> Result<T, CallError>,
) -> Result<T, CallError> {
    retry("wait", deadline, async || match request().await {
        Err(error @ CallError::NoCredentials { .. }) => Err(error),
        result => Ok(result),
    })
    .await?
}

pub(super) fn filter(name: &str, values: &[String]) -> Filter {
    Filter::builder().name(name).set_values(Some(values.to_vec())).build()
}

/// Returns a field as owned text; empty if it is missing.
fn text(field: Option<&str>) -> String {
    field.unwrap_or_default().to_owned()
}

/// Returns the subnet; `None` if a field is missing that each subnet has.
fn subnet(subnet: &aws_sdk_ec2::types::Subnet) -> Option<Subnet> {
    let required = |field: Option<&str>| field.filter(|it| !it.is_empty()).map(str::to_owned);
    let tags = subnet.tags().iter().map(|tag| (text(tag.key()), text(tag.value())));
    let cidr = match subnet.cidr_block().and_then(|cidr| cidr.parse().ok()) {
        Some(IpNet::V4(cidr)) => Some(cidr),
        _ => None,
    };
    Some(Subnet {
        id: required(subnet.subnet_id())?,
        zone: required(subnet.availability_zone())?,
        zone_id: text(subnet.availability_zone_id()),
        vpc: required(subnet.vpc_id())?,
        cidr,
        free_addresses: subnet
            .available_ip_address_count()
            .and_then(|count| u32::try_from(count).ok())?,
        tags: tags.collect::<BTreeMap<_, _>>(),
    })
}
