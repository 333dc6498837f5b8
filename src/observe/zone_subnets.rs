//! The subnets in the zone of the node, from EC2.

use crate::adapter::aws::call::CallError;
use crate::adapter::ec2::Ec2;
use crate::adapter::{Context, Deadline};
use eni_core::facts::{Instance, ZoneSubnets};
use eni_core::failure::one_line;

/// Returns the subnets in the zone and the VPC of `instance`, as the CNI reads them, if EC2 returns them
/// before `deadline`.
pub(crate) async fn zone_subnets(
    context: &Context,
    instance: &Instance,
    deadline: Deadline,
) -> ZoneSubnets {
    let unknown = |reason: String| ZoneSubnets::Unknown { reason, is_denied: false };
    let Some(vpc) = &instance.vpc_id else {
        return unknown("the VPC of the node is unknown".to_owned());
    };
    let ec2 = match Ec2::new(context, &instance.region).await {
        Ok(ec2) => ec2,
        Err(error) => return unknown(one_line(&error)),
    };
    match ec2.subnets_in_zone(vpc.as_str(), instance.zone.as_str(), deadline).await {
        Ok(subnets) => ZoneSubnets::Read(subnets),
        Err(error) => {
            let is_denied = matches!(error, CallError::AccessDenied { .. });
            ZoneSubnets::Unknown { reason: one_line(&error), is_denied }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::facts::fixture::facts;
    use std::time::Duration;
    use tokio::net::TcpListener;

    /// Returns the instance, with or without its VPC, and a context with this endpoint of EC2 and IMDS.
    fn node(vpc: Option<&str>, endpoint: &str) -> (Context, Instance) {
        let vpc_id = vpc.map(|id| id.parse().unwrap());
        let instance = Instance { vpc_id, ..facts("m5.large").instance };
        let context = Context {
            imds_endpoint: endpoint.to_owned(),
            ec2_endpoint: Some(endpoint.to_owned()),
            ..Context::default()
        };
        (context, instance)
    }

    #[tokio::test]
    async fn an_endpoint_that_does_not_respond_ends_at_the_deadline() {
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", silent.local_addr().unwrap());
        let (context, instance) = node(Some("vpc-0a"), &endpoint);
        let deadline = Deadline::after(Duration::from_millis(100));
        let ZoneSubnets::Unknown { reason, is_denied } =
            zone_subnets(&context, &instance, deadline).await
        else {
            panic!("expected no subnets")
        };
        assert!(!is_denied);
        assert_eq!(
            reason,
            "no successful response for ec2:DescribeSubnets: no response within 0.1 s"
        );
    }

    #[tokio::test]
    async fn without_a_vpc_there_is_no_request() {
        let (context, instance) = node(None, "http://127.0.0.1:9");
        let deadline = Deadline::after(Duration::from_mins(1));
        let unknown = ZoneSubnets::Unknown {
            reason: "the VPC of the node is unknown".to_owned(),
            is_denied: false,
        };
        assert_eq!(zone_subnets(&context, &instance, deadline).await, unknown);
    }
}
