//! The errors of `kubectl eni expressions`.

use crate::cluster::{access_help, config_map_help};
use eni_bootstrap::adapter::kubernetes::AwsNodeError;
use eni_core::domain::capacity::NoCapacity;
use eni_core::failure::{Advice, ExitCode};
use eni_core::settings::FileError;
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

/// A failure of `kubectl eni expressions`.
#[derive(Debug, thiserror::Error)]
pub enum ExpressionsError {
    /// The settings file cannot be read.
    #[error("failed to read {}", path.display())]
    ReadSettings {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The settings file contains an error.
    #[error(transparent)]
    Settings(#[from] FileError),
    /// The configuration of the CNI cannot be read.
    #[error("failed to read the configuration of the VPC CNI")]
    AwsNode(#[source] AwsNodeError),
    /// The embedded table does not contain the instance type, or no type that matches the pattern.
    #[error("no instance type in the embedded table matches {name:?}")]
    UnknownType {
        /// The name or the pattern.
        name: String,
        /// The most similar instance type.
        nearest: Option<String>,
    },
    /// The pattern is invalid.
    #[error("pattern {pattern:?} is invalid")]
    InvalidPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        source: glob::PatternError,
    },
    /// Bottlerocket needs a number for each instance type.
    #[error("Bottlerocket needs max-pods as a number, which depends on the instance type")]
    NoInstanceType,
    /// The number of pods follows from the network interfaces of each instance.
    #[error(
        "the VPC CNI uses only the attached network interfaces, so max-pods depends on each instance and not on its type"
    )]
    AttachedInterfacesOnly,
    /// No selected instance type has capacity for pods.
    #[error("no selected instance type has capacity for pods")]
    NoCapacity(#[source] NoCapacity),
}

impl Advice for ExpressionsError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::ReadSettings { .. } => "correct the path of `--settings`".into(),
            Self::Settings(FileError { nearest: Some(nearest), .. })
            | Self::UnknownType { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?").into()
            }
            Self::Settings(_) => "see docs/settings.md for every setting".into(),
            Self::AwsNode(AwsNodeError::Api(error)) => access_help(error).into(),
            Self::AwsNode(AwsNodeError::ConfigMapForbidden { config_map, .. }) => {
                config_map_help(config_map)
            }
            Self::AwsNode(_) => {
                "install the VPC CNI, or describe it in the file of `--settings`, with `cni.source = \"settings\"`".into()
            }
            Self::UnknownType { nearest: None, .. } => {
                "correct the name, or use a pattern such as 'm7g.*'".into()
            }
            Self::InvalidPattern { .. } => "use a pattern such as 'm7g.*'".into(),
            Self::NoInstanceType => "add `--instance-type TYPE`".into(),
            Self::AttachedInterfacesOnly => {
                "remove ENABLE_IMDS_ONLY_MODE and DISABLE_NETWORK_RESOURCE_PROVISIONING from the aws-node DaemonSet, or set `pods.max` in the settings of each node group".into()
            }
            Self::NoCapacity(error) => error.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::ReadSettings { .. }
            | Self::UnknownType { .. }
            | Self::InvalidPattern { .. }
            | Self::NoInstanceType => ExitCode::Usage,
            Self::AwsNode(AwsNodeError::Api(error)) => error.exit_code(),
            Self::AwsNode(AwsNodeError::ConfigMapForbidden { .. }) => ExitCode::PermissionDenied,
            Self::Settings(_)
            | Self::AwsNode(_)
            | Self::AttachedInterfacesOnly
            | Self::NoCapacity(_) => ExitCode::Settings,
        }
    }
}
