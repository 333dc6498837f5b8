//! Finds the cluster of this node and connects to it.

use crate::adapter::aws::{self, AwsError};
use crate::adapter::eks::{Eks, EksError};
use crate::adapter::eks_token::TokenSource;
use crate::adapter::kubernetes::{ApiServer, ConnectError};
use crate::adapter::{Context, Deadline, disk};
use eni_core::domain::cluster::{
    Cluster, ClusterConfig, ClusterSource, KUBELET_KUBECONFIG, NODEADM_CONFIG,
};
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice, ExitCode};
use eni_core::host::cluster_hints::{ClusterHint, kubeconfig_hint, nodeadm_hint};
use eni_core::plan::ClusterAccess;
use std::borrow::Cow;
use std::path::Path;
use tracing::{debug, info};

/// A failure to connect to the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// EKS did not return the endpoint.
    #[error("failed to get the cluster endpoint from EKS")]
    Eks(#[from] EksError),
    /// The client cannot be created.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

impl Advice for ClusterError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Eks(error) => error.help(),
            Self::Connect(error) => error.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Eks(error) => error.exit_code(),
            Self::Connect(error) => error.exit_code(),
        }
    }
}

/// Returns what each source on the instance contains about the cluster, in order of precedence. `user_data` is
/// the cluster of the `NodeConfig` in user data.
pub(super) fn hints(
    root: &Path,
    user_data: Option<ClusterConfig>,
    bottlerocket: Option<ClusterHint>,
) -> Vec<ClusterHint> {
    let read = |path: &Path| disk::read(&disk::under(root, path));
    let file = |source, path: &str, parse: &dyn Fn(&str) -> ClusterHint| match read(Path::new(path))
    {
        Ok(Some(text)) => Some(parse(&text)),
        Ok(None) => None,
        Err(_) => Some(ClusterHint::Skipped { source, reason: "unreadable" }),
    };
    let user_data =
        user_data.map(|config| ClusterHint::Config { source: ClusterSource::UserData, config });
    let kubeconfig = |text: &str| kubeconfig_hint(text, |path| read(path).ok().flatten());
    let all = [
        (ClusterSource::UserData, user_data),
        (ClusterSource::Nodeadm, file(ClusterSource::Nodeadm, NODEADM_CONFIG, &nodeadm_hint)),
        (
            ClusterSource::Kubeconfig,
            file(ClusterSource::Kubeconfig, KUBELET_KUBECONFIG, &kubeconfig),
        ),
        (ClusterSource::Bottlerocket, bottlerocket),
    ];
    let present = all.into_iter().filter_map(|(source, hint)| {
        if hint.is_none() {
            debug!("cluster: {source} not found");
        }
        hint
    });
    present.collect()
}

/// A connection to the cluster's API server.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub api: ApiServer,
    /// The cluster, or the kubeconfig that replaces it.
    pub cluster: ClusterAccess,
}

/// Connects to the cluster. If only its name is known, calls `eks:DescribeCluster` first and
/// retries until `deadline`. `region` is the region of the instance.
pub(crate) async fn connect(
    context: &Context,
    region: &Region,
    access: &ClusterAccess,
    deadline: Deadline,
) -> Result<Connection, ClusterError> {
    let cluster = match access {
        ClusterAccess::Kubeconfig(path) => {
            let api = ApiServer::by_kubeconfig(path, context).await?;
            return Ok(Connection { api, cluster: access.clone() });
        }
        ClusterAccess::Node(cluster) => cluster.clone(),
        ClusterAccess::DescribeCluster { name } => {
            describe_cluster(context, region, name, deadline).await?
        }
    };
    let no_token = |error: AwsError| ConnectError::Token(error.into());
    let config = aws::sdk_config(context, region).await.map_err(no_token)?;
    let token_name = cluster.token_name().to_owned();
    let tokens = TokenSource::new(&config, context.region(region).clone(), token_name).await;
    let api = ApiServer::as_node(&cluster, tokens.map_err(ConnectError::Token)?, context)?;
    Ok(Connection { api, cluster: ClusterAccess::Node(cluster) })
}

async fn describe_cluster(
    context: &Context,
    region: &Region,
    name: &str,
    deadline: Deadline,
) -> Result<Cluster, EksError> {
    info!("cluster: {name}: no local cluster endpoint; calling eks:DescribeCluster");
    let eks = Eks::new(context, context.region(region)).await?;
    Ok(eks.cluster(name, deadline).await?.cluster)
}
