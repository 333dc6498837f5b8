//! The subnets in the zone of the node, from EC2.

use crate::adapter::aws::call::CallError;
use crate::adapter::ec2::Ec2;
use crate::adapter::{Context, Deadline};
use eni_core::facts::{Instance, ZoneSubnets};
use eni_core::failure::one_line;
use std::time::Duration;

/// The time limit of the request, so that a node without access to EC2 is not delayed for long.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the subnets in the zone and the VPC of `instance`, as the CNI reads them.
pub(crate) async fn zone_subnets(context: &Context, instance: &Instance) -> ZoneSubnets {
    let unknown = |reason: String| ZoneSubnets::Unknown { reason, is_denied: false };
    let Some(vpc) = &instance.vpc_id else {
        return unknown("the VPC of the node is unknown".to_owned());
    };
    let ec2 = match Ec2::new(context, &instance.region).await {
        Ok(ec2) => ec2,
        Err(error) => return unknown(one_line(&error)),
    };
    let deadline = Deadline::after(TIMEOUT);
    match ec2.subnets_in_zone(vpc.as_str(), instance.zone.as_str(), deadline).await {
        Ok(subnets) => ZoneSubnets::Read(subnets),
        Err(error) => {
            let is_denied = matches!(error, CallError::AccessDenied { .. });
            ZoneSubnets::Unknown { reason: one_line(&error), is_denied }
        }
    }
}
