//! The error of a command line that clap accepts.

use eni_core::domain::identifier::{InstanceType, InvalidIdentifier};
use eni_core::domain::proxy::InvalidProxy;
use eni_core::failure::{Advice, ExitCode};
use glob::PatternError;
use std::borrow::Cow;
use std::io;

/// An invalid command line that clap accepts.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// `max-pods` has no instance type.
    #[error("no instance type specified")]
    NoInstanceType,
    /// The instance types on standard input cannot be read.
    #[error("failed to read standard input")]
    StandardInput(#[source] io::Error),
    /// An argument is not the name of an instance type.
    #[error("{error}")]
    InvalidType {
        error: InvalidIdentifier,
        /// The most similar instance type of the table.
        nearest: Option<String>,
    },
    /// An argument with `*`, `?` or `[` is not a pattern.
    #[error("invalid pattern {pattern:?}")]
    InvalidPattern {
        pattern: String,
        /// The position and the reason.
        source: PatternError,
    },
    /// A pattern matches no instance type.
    #[error("no known instance type matches {0:?}")]
    NoMatch(String),
    /// The table has no instance type that `limits show` is to print.
    #[error("\"{instance_type}\" is not in the instance type table")]
    UnknownType {
        instance_type: InstanceType,
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
            Self::NoInstanceType => {
                "add `--instance-type m5.large`, or on an EC2 instance `--instance-type-from-imds`"
            }
            Self::StandardInput(_) => "pass instance types as UTF-8 text, separated by white space",
            Self::InvalidType { nearest: None, .. }
            | Self::InvalidPattern { .. }
            | Self::NoMatch(_)
            | Self::UnknownType { nearest: None, .. } => {
                "run `eni-bootstrap limits show` to list all known instance types; quote patterns: `--instance-type 'm7g.*'`"
            }
            Self::InvalidType { nearest: Some(nearest), .. }
            | Self::UnknownType { nearest: Some(nearest), .. } => {
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
