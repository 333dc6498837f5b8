//! EC2's API, as far as a node needs it.

mod instance_types;
mod pod_subnets;

use crate::adapter::Context;
use crate::adapter::aws::{self, call::CallError};
use aws_sdk_ec2::Client;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::zone::Region;
use eni_core::error::{Advice, ExitCode};
use std::borrow::Cow;

/// EC2 did not say what a type's limits are.
#[derive(Debug, thiserror::Error)]
pub enum Ec2Error {
    /// There is no such type in this region.
    #[error("EC2 knows no instance type {0}")]
    UnknownType(InstanceType),
    /// Its answer lacks something that every type has.
    #[error("EC2's answer on {instance_type} lacks {what}")]
    Incomplete {
        /// The type.
        instance_type: String,
        /// What is missing.
        what: &'static str,
    },
    /// The call did not succeed.
    #[error(transparent)]
    Call(#[from] CallError),
}

impl Advice for Ec2Error {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Call(
                error @ (CallError::NotPermitted { .. } | CallError::NoCredentials { .. }),
            ) => error.help(),
            _ => "check the region, the credentials and the endpoint of EC2".into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Call(error) => error.exit_code(),
            Self::UnknownType(_) | Self::Incomplete { .. } => ExitCode::InvalidData,
        }
    }
}

/// A client of EC2's API.
#[derive(Clone, Debug)]
pub struct Ec2 {
    client: Client,
}

impl Ec2 {
    /// For `region`, at the injected endpoint or the region's own.
    pub async fn new(context: &Context, region: &Region) -> Result<Self, Ec2Error> {
        let shared = aws::sdk_config(context, region).await.map_err(CallError::from)?;
        let mut config = aws_sdk_ec2::config::Builder::from(&shared);
        config.set_endpoint_url(
            context.ec2_endpoint.clone().or_else(|| shared.endpoint_url().map(str::to_owned)),
        );
        Ok(Self { client: Client::from_conf(config.build()) })
    }
}
