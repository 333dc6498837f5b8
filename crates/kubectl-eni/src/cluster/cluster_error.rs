//! The errors of the connection to a cluster. The messages of kube can contain secrets: the lines beside an error in
//! a kubeconfig, the environment and the output of an exec plugin, and the password of a proxy.

use eni_bootstrap::adapter::kubernetes::{KubernetesError, PluginError};
use eni_core::failure::{Advice, ExitCode};
use kube::config::KubeconfigError;
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};

/// A failure to find or connect to the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// A kubeconfig cannot be read.
    #[error("failed to read kubeconfig {}", path.display())]
    ReadKubeconfig {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A kubeconfig is not valid YAML, or a field has a wrong type. Contains no text of the file.
    #[error("kubeconfig {} is invalid at line {line}", path.display())]
    KubeconfigText {
        /// The file.
        path: PathBuf,
        /// The number of the line.
        line: u64,
    },
    /// No file in `KUBECONFIG` exists.
    #[error("no file in KUBECONFIG exists: {0}")]
    NoFile(String),
    /// The kubeconfig has no usable context, or kubeconfigs contradict each other.
    #[error("failed to load the kubeconfig")]
    Kubeconfig(#[source] KubeconfigError),
    /// A flag selects an entry that the kubeconfig does not contain.
    #[error("{kind} {name:?} does not exist in the kubeconfig")]
    NoEntry {
        /// `context`, `cluster` or `user`.
        kind: &'static str,
        /// The value of the flag.
        name: String,
    },
    /// There is no kubeconfig, and the program does not run in a pod.
    #[error("no kubeconfig found")]
    NoKubeconfig(#[source] kube::config::InClusterError),
    /// The exec plugin of the kubeconfig returned no credentials.
    #[error("failed to get credentials from the exec plugin of the kubeconfig")]
    Plugin(#[source] PluginError),
    /// The client supports no proxies with this protocol.
    #[error("the client of the API server does not support {scheme} proxies")]
    Proxy {
        /// The scheme of the URL, such as `socks5`.
        scheme: String,
    },
    /// The client cannot be created, for example because of an invalid certificate.
    #[error("failed to create a client for the API server")]
    Client(#[source] kube::Error),
    /// The command needs the region.
    #[error("the AWS region of the cluster is unknown")]
    NoRegion,
    /// The command needs the name of the EKS cluster.
    #[error("the name of the EKS cluster is unknown")]
    NoName,
}

impl ClusterError {
    /// Returns the failure to load the kubeconfig `path`, without text of the file.
    pub(super) fn of_kubeconfig(error: KubeconfigError, path: &Path) -> Self {
        match error {
            KubeconfigError::ReadConfig(source, path) => Self::ReadKubeconfig { path, source },
            KubeconfigError::Parse(error) => Self::KubeconfigText {
                path: path.to_owned(),
                line: error.location().map_or(1, |at| at.line()),
            },
            other => Self::Kubeconfig(other),
        }
    }

    /// Returns the failure to create a client, without the password of the proxy and without the environment and
    /// the output of the exec plugin `command`.
    pub(super) fn of_client(error: kube::Error, command: Option<&str>) -> Self {
        if let Some(error) = PluginError::of_client(&error, command.unwrap_or("the command")) {
            return Self::Plugin(error);
        }
        match error {
            kube::Error::ProxyProtocolUnsupported { proxy_url }
            | kube::Error::ProxyProtocolDisabled { proxy_url, .. } => {
                Self::Proxy { scheme: proxy_url.scheme_str().unwrap_or("these").to_owned() }
            }
            other => Self::Client(other),
        }
    }
}

impl Advice for ClusterError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::ReadKubeconfig { .. } => "correct `--kubeconfig` or KUBECONFIG",
            Self::KubeconfigText { .. } => "correct the YAML in this line",
            Self::NoFile(_) => "correct KUBECONFIG, or unset it to use `~/.kube/config`",
            Self::Kubeconfig(_) => "check the kubeconfig: `kubectl config view`",
            Self::NoEntry { kind, .. } => {
                return format!("list the existing names: `kubectl config get-{kind}s`").into();
            }
            Self::NoKubeconfig(_) => {
                "create a kubeconfig: `aws eks update-kubeconfig --name CLUSTER`"
            }
            Self::Plugin(error) => return KubernetesError::Plugin(error.clone()).help(),
            Self::Proxy { .. } => {
                "use an http:// proxy: correct `proxy-url` of the cluster in the kubeconfig, or HTTPS_PROXY"
            }
            Self::Client(_) => {
                "check the certificates and the proxy of the cluster in the kubeconfig"
            }
            Self::NoRegion => "add `--region REGION`",
            Self::NoName => "add `--cluster-name NAME`",
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::KubeconfigText { .. }
            | Self::Kubeconfig(_)
            | Self::Proxy { .. }
            | Self::Client(_) => ExitCode::InvalidData,
            Self::Plugin(_) => ExitCode::PermissionDenied,
            Self::ReadKubeconfig { .. }
            | Self::NoFile(_)
            | Self::NoEntry { .. }
            | Self::NoKubeconfig(_)
            | Self::NoRegion
            | Self::NoName => ExitCode::Usage,
        }
    }
}
