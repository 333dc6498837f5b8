//! The error of every command.

use crate::aws::ProxyError;
use crate::capacity::CapacityError;
use crate::cluster::{ApiError, ClusterError};
use crate::configs::ConfigsError;
use crate::expressions::ExpressionsError;
use crate::instance_types::InstanceTypeError;
use crate::limits::LimitsError;
use crate::max_pods::MaxPodsError;
use crate::nodes::NodesError;
use crate::report::ReportError;
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::io;

/// A failed command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no connection to the cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The URL of the proxy for AWS APIs is invalid.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A request to the API server failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// `kubectl eni nodes` failed.
    #[error(transparent)]
    Nodes(#[from] NodesError),
    /// The subnets, security groups or names of ENIConfigs cannot be found.
    #[error(transparent)]
    Configs(#[from] ConfigsError),
    /// `expressions` failed.
    #[error(transparent)]
    Expressions(#[from] ExpressionsError),
    /// `kubectl eni capacity` failed.
    #[error(transparent)]
    Capacity(#[from] CapacityError),
    /// `kubectl eni report` failed.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The result cannot be formatted as JSON.
    #[error("failed to format the result as JSON")]
    Json(#[source] serde_json::Error),
    /// The instance types of the command line are invalid.
    #[error(transparent)]
    InstanceType(#[from] InstanceTypeError),
    /// The table of instance types cannot be built.
    #[error(transparent)]
    Limits(#[from] LimitsError),
    /// max-pods cannot be computed.
    #[error(transparent)]
    MaxPods(#[from] MaxPodsError),
    /// The operating system refused to create the event loop.
    #[error("failed to start the event loop")]
    Runtime(#[source] io::Error),
    /// Standard output is closed or full.
    #[error("failed to write to standard output")]
    Output(#[source] io::Error),
}

impl Error {
    /// Returns the wrapped error, which has its own help and exit code.
    fn wrapped(&self) -> Option<&dyn Advice> {
        Some(match self {
            Self::Cluster(error) => error,
            Self::Proxy(error) => error,
            Self::Api(error) => error,
            Self::Nodes(error) => error,
            Self::Configs(error) => error,
            Self::Expressions(error) => error,
            Self::Capacity(error) => error,
            Self::Report(error) => error,
            Self::InstanceType(error) => error,
            Self::Limits(error) => error,
            Self::MaxPods(error) => error,
            Self::Json(_) | Self::Runtime(_) | Self::Output(_) => return None,
        })
    }
}

impl Advice for Error {
    fn help(&self) -> Cow<'static, str> {
        match (self, self.wrapped()) {
            (_, Some(error)) => error.help(),
            (Self::Runtime(_), _) => {
                "increase the limits of processes and files: `ulimit -a`".into()
            }
            _ => "check the program or the file that receives the output".into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match (self, self.wrapped()) {
            (_, Some(error)) => error.exit_code(),
            (Self::Runtime(_), _) => ExitCode::Unavailable,
            _ => ExitCode::CannotWrite,
        }
    }
}
