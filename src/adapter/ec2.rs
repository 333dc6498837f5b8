//! The client of the EC2 API.

mod instance_types;
mod pod_subnets;
mod subnet_usage;

pub use subnet_usage::{Reservation, SubnetUsage};

pub use crate::adapter::aws::call::CallError;

use crate::adapter::Context;
use crate::adapter::aws;
use aws_config::SdkConfig;
use aws_sdk_ec2::Client;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

/// A failure to get the limits of an instance type from EC2.
#[derive(Debug, thiserror::Error)]
pub enum Ec2Error {
    /// The region does not offer the instance type.
    #[error("EC2 does not offer instance type \"{0}\" in this region")]
    UnknownType(InstanceType),
    /// The response has no value for a field that every instance type has.
    #[error("ec2:DescribeInstanceTypes returned no {field} for {instance_type:?}")]
    Incomplete {
        /// Such as `m5.large`.
        instance_type: String,
        /// The missing field.
        field: &'static str,
    },
    /// The call failed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Advice for Ec2Error {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::UnknownType(_) => "check the instance type and the AWS region, or install a newer eni-bootstrap version, whose table may contain the instance type",
            Self::Incomplete { .. } => {
                "add the instance type to /etc/eni-bootstrap/instance-types.csv in the format of `kubectl eni limits show`"
            }
            Self::Call(error) => return error.help(),
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Call(error) => error.exit_code(),
            Self::UnknownType(_) | Self::Incomplete { .. } => ExitCode::InvalidData,
        }
    }
}

/// Returns the token of the next page; `None` after the last page.
fn next_page(token: Option<&str>) -> Option<String> {
    token.filter(|token| !token.is_empty()).map(str::to_owned)
}

/// A client of the EC2 API.
#[derive(Clone, Debug)]
pub struct Ec2 {
    client: Client,
}

impl Ec2 {
    /// Creates a client for `region`, with the configured endpoint URL or the default of the region.
    pub async fn new(context: &Context, region: &Region) -> Result<Self, Ec2Error> {
        let shared = aws::sdk_config(context, region).await.map_err(CallError::from)?;
        Ok(Self::from_config(context, &shared))
    }

    /// Creates a client with `shared` and the configured endpoint URL.
    pub(crate) fn from_config(context: &Context, shared: &SdkConfig) -> Self {
        let mut config = aws_sdk_ec2::config::Builder::from(shared);
        config.set_endpoint_url(aws::endpoint_url(context.ec2_endpoint.as_deref(), shared));
        Self { client: Client::from_conf(config.build()) }
    }
}
