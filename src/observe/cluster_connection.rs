//! Which cluster this is, and a connection to it.

use crate::adapter::aws::AwsError;
use crate::adapter::dns::Names;
use crate::adapter::eks::{Eks, EksError};
use crate::adapter::eks_token::TokenSource;
use crate::adapter::kubernetes::{ApiServer, ConnectError};
use crate::adapter::{Deadline, Endpoints, aws, disk};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eni_core::domain::zone::Region;
use eni_core::host::cluster_hints::{
    Authority, ClusterSource, EksKubeconfig, KUBELET_KUBECONFIG, NODEADM_CONFIG, Said, Told,
    kubeconfig, nodeadm_config,
};
use eni_core::host::user_data::NodeConfigCluster;
use eni_core::plan::{ClusterAccess, NamedCluster};
use std::fmt;
use std::path::{Path, PathBuf};
use tracing::{debug, info};

/// The cluster could not be found, or not be talked to.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// EKS did not say where it is.
    #[error("EKS does not say where the cluster is")]
    Eks(#[from] EksError),
    /// No client for it could be made.
    #[error(transparent)]
    Connect(#[from] ConnectError),
}

/// What the sources on the machine say of the cluster, the strongest first.
pub(super) fn told(
    root: &Path,
    user_data: Option<NodeConfigCluster>,
    bottlerocket: Option<Said>,
) -> Vec<Told> {
    let mut told = Vec::new();
    let mut add = |source, said: Option<Said>| {
        if let Some(said) = said {
            told.push(Told { source, said });
        } else {
            debug!("cluster: {source}: not there");
        }
    };
    add(ClusterSource::UserData, user_data.map(Said::Cluster));
    add(
        ClusterSource::Nodeadm,
        text(root, NODEADM_CONFIG).map(|it| it.map_or_else(passed, |text| nodeadm_config(&text))),
    );
    add(
        ClusterSource::Kubeconfig,
        text(root, KUBELET_KUBECONFIG)
            .map(|it| it.map_or_else(passed, |text| of_kubelet(root, &text))),
    );
    add(ClusterSource::Bottlerocket, bottlerocket);
    told
}

fn passed(why: &'static str) -> Said {
    Said::PassedOver(why)
}

/// The file's text; `None` where there is no such file.
fn text(root: &Path, path: &str) -> Option<Result<String, &'static str>> {
    disk::read(&disk::under(root, Path::new(path))).map_err(|_| "it cannot be read").transpose()
}

/// The kubelet's kubeconfig, with the certificate authority that it points to.
fn of_kubelet(root: &Path, text: &str) -> Said {
    let EksKubeconfig { name, server, authority } = match kubeconfig(text) {
        Ok(found) => found,
        Err(said) => return said,
    };
    let certificate_authority = match authority {
        Authority::Inline(data) => data,
        Authority::File(path) => match disk::read(&disk::under(root, &path)) {
            Ok(Some(pem)) => STANDARD.encode(pem),
            _ => return Said::PassedOver("its certificate authority cannot be read"),
        },
    };
    Said::Cluster(NodeConfigCluster {
        name: Some(name),
        api_server_endpoint: Some(server),
        certificate_authority: Some(certificate_authority),
        id: None,
    })
}

/// A cluster that can be asked.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its API server.
    pub api: ApiServer,
    /// Which one it is.
    pub cluster: Reached,
}

/// Which cluster was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// The one of a kubeconfig, its user included.
    Kubeconfig(PathBuf),
    /// The one of this name, as the node itself.
    Named(NamedCluster),
}

impl Reached {
    /// Its name, where it is known.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Kubeconfig(_) => None,
            Self::Named(cluster) => Some(&cluster.name),
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubeconfig(path) => {
                write!(formatter, "as {} says, its user included", path.display())
            }
            Self::Named(NamedCluster { name, endpoint, source, .. }) => {
                write!(formatter, "{name} at {endpoint}, by {source}")
            }
        }
    }
}

/// Makes a connection, asking EKS first where only the cluster's name is known.
pub async fn connect(
    endpoints: &Endpoints,
    names: &Names,
    region: &Region,
    access: &ClusterAccess,
    deadline: Deadline,
) -> Result<Connection, ClusterError> {
    let (region, proxy) = (endpoints.region(region), endpoints.proxy.as_ref());
    let cluster = match access {
        ClusterAccess::Kubeconfig(path) => {
            let api = ApiServer::by_kubeconfig(path, names, proxy).await?;
            return Ok(Connection { api, cluster: Reached::Kubeconfig(path.clone()) });
        }
        ClusterAccess::Node(cluster) => cluster.clone(),
        ClusterAccess::AskEks { name } => by_eks(endpoints, names, region, name, deadline).await?,
    };
    let no_token = |error: AwsError| ConnectError::Token(error.into());
    let config = aws::sdk_config(endpoints, names, region).await.map_err(no_token)?;
    let tokens = TokenSource::new(&config, region.clone(), cluster.name.clone()).await;
    let tokens = tokens.map_err(ConnectError::Token)?;
    let authority = &cluster.certificate_authority;
    let api = ApiServer::as_node(&cluster.endpoint, authority, tokens, names, proxy)?;
    Ok(Connection { api, cluster: Reached::Named(cluster) })
}

async fn by_eks(
    endpoints: &Endpoints,
    names: &Names,
    region: &Region,
    name: &str,
    deadline: Deadline,
) -> Result<NamedCluster, EksError> {
    info!("cluster: {name}: nobody here says where it is; asking EKS");
    let eks = Eks::new(endpoints, names, region).await?;
    let found = eks.cluster(name, deadline).await?;
    Ok(NamedCluster {
        name: found.token_name,
        endpoint: found.endpoint,
        certificate_authority: found.certificate_authority,
        source: ClusterSource::Eks,
    })
}
