//! The connection to the cluster of the kubeconfig, its name and its region.

mod api_error;
mod identity;
mod kubeconfig_entry;

pub use api_error::{ApiError, RequestError};
pub use identity::ClusterIdentity;

use clap::Args;
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice, ExitCode};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

/// The time limit of one request to the API server.
const REQUEST: Duration = Duration::from_secs(30);

/// The flags that select the cluster. kubectl has the same flags.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub struct ClusterOptions {
    /// Kubeconfig file [default: the files in KUBECONFIG, then `~/.kube/config`, then the service account of the pod]
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig [default: its current context]
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Cluster of the kubeconfig, instead of the cluster of the context
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// User of the kubeconfig, instead of the user of the context
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// AWS region of the cluster [default: from the kubeconfig, then `AWS_REGION`]
    #[arg(long, global = true, env = "AWS_REGION", value_name = "REGION")]
    pub region: Option<Region>,
    /// Name of the EKS cluster [default: from the kubeconfig]
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster_name: Option<String>,
}

/// A failure to find or connect to the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The kubeconfig is missing or invalid.
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

impl Advice for ClusterError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Kubeconfig(_) => "check the kubeconfig: `kubectl config view`",
            Self::NoEntry { kind, .. } => {
                return format!("list the existing names: `kubectl config get-{kind}s`").into();
            }
            Self::NoKubeconfig(_) => {
                "create a kubeconfig: `aws eks update-kubeconfig --name CLUSTER`"
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
            Self::Kubeconfig(_) | Self::Client(_) => ExitCode::InvalidData,
            Self::NoEntry { .. } | Self::NoKubeconfig(_) | Self::NoRegion | Self::NoName => {
                ExitCode::Usage
            }
        }
    }
}

/// A cluster and a client of its API server.
#[derive(Clone)]
pub struct Cluster {
    /// The client. Its requests have a time limit of 30 seconds.
    pub client: Client,
    /// The name and the region, as far as they are known.
    pub identity: ClusterIdentity,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cluster").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Connects to the cluster that `options` select, like kubectl. In a pod without a kubeconfig, connects to
    /// the cluster of the pod.
    ///
    /// # Errors
    /// Returns an error if the kubeconfig is missing or invalid.
    pub async fn connect(options: &ClusterOptions) -> Result<Self, ClusterError> {
        let selected = KubeConfigOptions {
            context: options.context.clone(),
            cluster: options.cluster.clone(),
            user: options.user.clone(),
        };
        let kubeconfig = match &options.kubeconfig {
            Some(path) => Kubeconfig::read_from(path),
            None => Kubeconfig::read(),
        };
        let (mut config, identity) = match kubeconfig {
            Ok(kubeconfig) => {
                kubeconfig_entry::check(options, &kubeconfig)?;
                let identity = ClusterIdentity::of(&kubeconfig, &selected);
                let config = Config::from_custom_kubeconfig(kubeconfig, &selected).await;
                (config.map_err(ClusterError::Kubeconfig)?, identity)
            }
            // Without KUBECONFIG and ~/.kube/config.
            Err(KubeconfigError::ReadConfig(..) | KubeconfigError::FindPath)
                if options.kubeconfig.is_none() =>
            {
                let config = Config::incluster().map_err(ClusterError::NoKubeconfig)?;
                (config, ClusterIdentity::default())
            }
            Err(error) => return Err(ClusterError::Kubeconfig(error)),
        };
        config.read_timeout = Some(REQUEST);
        let client = Client::try_from(config).map_err(ClusterError::Client)?;
        let identity = ClusterIdentity {
            name: options.cluster_name.clone().or(identity.name),
            region: options.region.clone().or(identity.region),
        };
        Ok(Self { client, identity })
    }

    /// Returns the region.
    ///
    /// # Errors
    /// Returns an error if neither the flags nor the kubeconfig contain it.
    pub fn region(&self) -> Result<&Region, ClusterError> {
        self.identity.region.as_ref().ok_or(ClusterError::NoRegion)
    }

    /// Returns the name of the EKS cluster.
    ///
    /// # Errors
    /// Returns an error if neither the flags nor the kubeconfig contain it.
    pub fn name(&self) -> Result<&str, ClusterError> {
        self.identity.name.as_deref().ok_or(ClusterError::NoName)
    }
}
