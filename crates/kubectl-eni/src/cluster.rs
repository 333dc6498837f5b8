//! The connection to the cluster of the kubeconfig, its name and its region.

mod access;
mod api_error;
mod cluster_error;
mod identity;
mod kubeconfig;
mod kubeconfig_entry;

pub(crate) use access::{access_help, config_map_help};
pub use api_error::{ApiError, RequestError};
pub use cluster_error::ClusterError;
pub use identity::ClusterIdentity;

use clap::Args;
use eni_core::domain::zone::Region;
use kube::config::KubeConfigOptions;
use kube::{Client, Config};
use std::ffi::OsString;
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
    /// Kubeconfig files, of which the first takes precedence
    #[arg(long, global = true, hide = true, env = "KUBECONFIG", value_name = "KUBECONFIG")]
    pub kubeconfig_list: Option<OsString>,
    /// Context of the kubeconfig [default: its current context]
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Cluster of the kubeconfig, instead of the cluster of the context
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
    /// User of the kubeconfig, instead of the user of the context
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// AWS region of the cluster [default: from the kubeconfig, then `AWS_REGION`, then `AWS_DEFAULT_REGION`]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<Region>,
    /// AWS region if neither `--region` nor the kubeconfig contains it
    #[arg(long, global = true, hide = true, env = "AWS_REGION", value_name = "AWS_REGION")]
    pub aws_region: Option<Region>,
    /// AWS region if `AWS_REGION` is unset, too
    #[arg(
        long,
        global = true,
        hide = true,
        env = "AWS_DEFAULT_REGION",
        value_name = "AWS_DEFAULT_REGION"
    )]
    pub aws_default_region: Option<Region>,
    /// Name of the EKS cluster [default: from the kubeconfig]
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster_name: Option<String>,
}

impl ClusterOptions {
    /// Returns the region: of `--region`, or else `of_kubeconfig`, or else of the environment. A variable of the
    /// shell must not replace the region of the cluster.
    #[must_use]
    pub fn region(&self, of_kubeconfig: Option<Region>) -> Option<Region> {
        let flag = self.region.clone().or(of_kubeconfig);
        flag.or_else(|| self.aws_region.clone()).or_else(|| self.aws_default_region.clone())
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
        let (mut config, identity) = if let Some(kubeconfig) = kubeconfig::load(options)? {
            kubeconfig_entry::check(options, &kubeconfig)?;
            let identity = ClusterIdentity::of(&kubeconfig, &selected);
            let config = Config::from_custom_kubeconfig(kubeconfig, &selected).await;
            (config.map_err(ClusterError::Kubeconfig)?, identity)
        } else {
            let config = Config::incluster().map_err(ClusterError::NoKubeconfig)?;
            (config, ClusterIdentity::default())
        };
        config.read_timeout = Some(REQUEST);
        let plugin = config.auth_info.exec.as_ref().and_then(|it| it.command.clone());
        let client = Client::try_from(config)
            .map_err(|error| ClusterError::of_client(error, plugin.as_deref()))?;
        let identity = ClusterIdentity {
            name: options.cluster_name.clone().or(identity.name),
            region: options.region(identity.region),
        };
        Ok(Self { client, identity })
    }

    /// Returns the region.
    ///
    /// # Errors
    /// Returns an error if neither the flags, the kubeconfig nor the environment contain it.
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
