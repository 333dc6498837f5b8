//! The error of a command line that clap accepts.

use eni_core::domain::identifier::{InstanceType, InvalidIdentifier};
use eni_core::domain::proxy::InvalidProxy;
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

/// An invalid command line that clap accepts.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// The kubectl plugin has the command.
    #[error("`{command}` is a command of the kubectl plugin")]
    MovedCommand { command: &'static str },
    /// The kubectl plugin has the flag of `max-pods`.
    #[error("{flag} is a flag of the kubectl plugin")]
    MovedFlag { flag: &'static str },
    /// `max-pods` computes one instance type. Contains what the command line has instead.
    #[error("`eni-bootstrap max-pods` does not accept {0}")]
    SeveralTypes(&'static str),
    /// An argument is not the name of an instance type.
    #[error("{error}")]
    InvalidType {
        error: InvalidIdentifier,
        /// The most similar instance type of the table.
        nearest: Option<String>,
    },
    /// EC2 must be called for an instance type, but there is no region.
    #[error(
        "\"{instance_type}\" is not in the embedded table, and no region is set for ec2:DescribeInstanceTypes"
    )]
    NoRegion {
        instance_type: InstanceType,
        /// The most similar instance type of the table.
        nearest: Option<String>,
    },
    /// `wait` has no ENIConfig to wait for.
    #[error("custom networking is off, so there is no ENIConfig to wait for")]
    NothingToWaitFor,
    /// The proxy URL is invalid.
    #[error("invalid proxy in HTTPS_PROXY or --https-proxy")]
    Proxy(#[source] InvalidProxy),
    /// `check` has the flag `--zones`, which the kubectl plugin replaces.
    #[error("--zones is not a flag of eni-bootstrap")]
    ZonesOfCluster {
        /// The value of the flag.
        zones: String,
    },
}

impl Advice for UsageError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::MovedCommand { command } => {
                return format!("run `kubectl eni {command}` on the computer of an operator")
                    .into();
            }
            Self::MovedFlag { .. } => {
                "run `kubectl eni max-pods`, which has this flag, on the computer of an operator"
            }
            Self::SeveralTypes(_) => {
                "run `kubectl eni max-pods`, which accepts several instance types and patterns, on the computer of an operator"
            }
            Self::InvalidType { nearest: None, .. } => {
                "`kubectl eni limits show` lists all known instance types"
            }
            Self::InvalidType { nearest: Some(nearest), .. } => {
                return format!("did you mean `{nearest}`?").into();
            }
            Self::NoRegion { nearest: Some(nearest), .. } => {
                return format!(
                    "did you mean `{nearest}`? Otherwise add the region: `--region us-west-2`"
                )
                .into();
            }
            Self::NoRegion { nearest: None, .. } => "add the region: `--region us-west-2`",
            Self::NothingToWaitFor => {
                "set `cni.custom-networking = true`, or do not run `eni-bootstrap wait`"
            }
            Self::ZonesOfCluster { zones } if zones == "all" => {
                "install the kubectl plugin kubectl-eni, and run `kubectl eni check`"
            }
            Self::ZonesOfCluster { zones } => {
                return format!("install the kubectl plugin kubectl-eni, and run `kubectl eni check --zones {zones}`").into();
            }
            Self::Proxy(_) => {
                "correct the proxy URL, or unset HTTPS_PROXY and https_proxy to connect without a proxy"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Usage
    }
}
