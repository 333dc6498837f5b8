//! The error of the collection of facts.

use crate::adapter::aws::call::CallError;
use crate::adapter::bottlerocket_api::BottlerocketError;
use crate::adapter::disk::DiskError;
use crate::adapter::ec2::Ec2Error;
use crate::adapter::hardware::HardwareError;
use crate::adapter::image_files::ImageError;
use crate::adapter::imds::ImdsError;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::LimitsTable;
use eni_core::failure::{Advice, ExitCode};
use eni_core::host::user_data::UserDataError;
use eni_core::host::{HostError, OutOfScope};
use std::borrow::Cow;

/// A failure to collect the facts about the instance.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// IMDS is unreachable or returned invalid data.
    #[error("failed to read instance metadata")]
    Imds(#[from] ImdsError),
    /// The family of the image is unknown or not supported.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The Amazon VPC CNI does not run on this type of node.
    #[error(transparent)]
    OutOfScope(#[from] OutOfScope),
    /// The settings API of Bottlerocket failed.
    #[error("failed to read Bottlerocket's settings")]
    Bottlerocket(#[from] BottlerocketError),
    /// A file of the node image cannot be read.
    #[error("failed to detect the image family of this node")]
    Image(#[from] ImageError),
    /// The number of CPUs or the memory size cannot be read.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
    /// User data contains an invalid `NodeConfig`.
    #[error(transparent)]
    UserData(#[from] UserDataError),
    /// The instance type is not in the table, and EC2 did not return its limits.
    #[error("failed to look up the limits of instance type {instance_type}")]
    Limits {
        instance_type: InstanceType,
        source: Box<Ec2Error>,
        /// The most similar instance type of the table, if a person entered the instance type.
        nearest: Option<String>,
    },
}

impl ObserveError {
    /// Adds the most similar instance type of `table` to the help.
    pub(crate) fn with_nearest(mut self, table: &LimitsTable) -> Self {
        if let Self::Limits { instance_type, nearest, .. } = &mut self {
            *nearest = table.nearest(instance_type.as_str());
        }
        self
    }
}

impl From<DiskError> for ObserveError {
    fn from(error: DiskError) -> Self {
        Self::Image(error.into())
    }
}

impl Advice for ObserveError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Imds(error) => error.help(),
            Self::Host(error) => error.help(),
            Self::OutOfScope(error) => error.help(),
            Self::Bottlerocket(error) => error.help(),
            Self::Image(error) => error.help(),
            Self::Hardware(error) => error.help(),
            Self::UserData(error) => error.help(),
            Self::Limits { source, nearest: None, .. } => limits_help(source),
            Self::Limits { source, nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`? Otherwise {}", limits_help(source)).into()
            }
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Imds(error) => error.exit_code(),
            Self::Host(error) => error.exit_code(),
            Self::OutOfScope(error) => error.exit_code(),
            Self::Bottlerocket(error) => error.exit_code(),
            Self::Image(error) => error.exit_code(),
            Self::Hardware(error) => error.exit_code(),
            Self::UserData(error) => error.exit_code(),
            Self::Limits { source, .. } => source.exit_code(),
        }
    }
}

/// Returns the help for an instance type whose limits EC2 did not return.
fn limits_help(error: &Ec2Error) -> Cow<'static, str> {
    match error {
        Ec2Error::Call(CallError::AccessDenied { .. }) => {
            "allow ec2:DescribeInstanceTypes in the node's IAM role, or install an eni-bootstrap version whose table contains the instance type".into()
        }
        Ec2Error::Call(CallError::NoCredentials { .. }) => {
            "attach an instance profile that allows ec2:DescribeInstanceTypes, or install an eni-bootstrap version whose table contains the instance type".into()
        }
        Ec2Error::Call(CallError::Clock { .. }) | Ec2Error::UnknownType(_) => error.help(),
        Ec2Error::Call(call)
            if matches!(call, CallError::InvalidResponse { .. })
                || call.rejected_certificate().is_some() =>
        {
            format!("{}; or install a newer eni-bootstrap version, whose table may contain the instance type", call.help()).into()
        }
        _ => {
            "check that the EC2 API is reachable from this node, or install a newer eni-bootstrap version, whose table may contain the instance type".into()
        }
    }
}
