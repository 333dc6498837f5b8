//! Finds the cluster of this node and connects to it.

use crate::adapter::aws::{self, AwsError};
use crate::adapter::eks::{Eks, EksError};
use crate::adapter::eks_token::TokenSource;
use crate::adapter::kubernetes::{ApiServer, ConnectError, EarlyConnections};
use crate::adapter::{Context, Deadline, disk};
use eni_core::domain::cluster::{
    Cluster, ClusterConfig, ClusterSource, KUBELET_KUBECONFIG, NODEADM_CONFIG,
};
use eni_core::domain::zone::Region;
use eni_core::failure::{Advice, ExitCode};
use eni_core::host::cluster_hints::{ClusterHint, kubeconfig_hint, nodeadm_hint};
use eni_core::plan::{ClusterAccess, known_cluster};
use eni_core::settings::Settings;
use std::borrow::Cow;
use std::path::Path;
use std::time::{Duration, Instant};
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

/// The time for which hints from the disk are current.
const AGE: Duration = Duration::from_secs(1);

/// What the disk contains about the cluster, as it was before the requests to IMDS.
#[derive(Debug)]
pub(crate) struct EarlyHints {
    read: Instant,
    nodeadm: Option<ClusterHint>,
    kubeconfig: Kubeconfig,
}

/// The kubeconfig of the kubelet.
#[derive(Debug)]
enum Kubeconfig {
    /// It was not needed.
    NotRead,
    /// What it contains; `None` if it does not exist.
    Read(Option<ClusterHint>),
}

/// Returns what each source on the instance contains about the cluster, in order of precedence. `user_data` is
/// the cluster of the `NodeConfig` in user data. Reads the files of `early` again unless they are current.
pub(super) fn hints(
    root: &Path,
    user_data: Option<ClusterConfig>,
    bottlerocket: Option<ClusterHint>,
    early: EarlyHints,
) -> Vec<ClusterHint> {
    let user_data =
        user_data.map(|config| ClusterHint::Config { source: ClusterSource::UserData, config });
    let (nodeadm, kubeconfig) = if early.read.elapsed() < AGE {
        (early.nodeadm, early.kubeconfig)
    } else {
        (nodeadm(root), Kubeconfig::NotRead)
    };
    let kubeconfig = match kubeconfig {
        Kubeconfig::NotRead => kubelet_kubeconfig(root),
        Kubeconfig::Read(hint) => hint,
    };
    let all = [
        (ClusterSource::UserData, user_data),
        (ClusterSource::Nodeadm, nodeadm),
        (ClusterSource::Kubeconfig, kubeconfig),
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

/// Returns what nodeadm's merged configuration contains about the cluster.
fn nodeadm(root: &Path) -> Option<ClusterHint> {
    hint(root, ClusterSource::Nodeadm, NODEADM_CONFIG, nodeadm_hint)
}

/// Returns what the kubeconfig of the kubelet contains about the cluster.
fn kubelet_kubeconfig(root: &Path) -> Option<ClusterHint> {
    let read = |path: &Path| disk::read(&disk::under(root, path)).ok().flatten();
    hint(root, ClusterSource::Kubeconfig, KUBELET_KUBECONFIG, |text| kubeconfig_hint(text, read))
}

fn hint(
    root: &Path,
    source: ClusterSource,
    path: &str,
    parse: impl FnOnce(&str) -> ClusterHint,
) -> Option<ClusterHint> {
    match disk::read(&disk::under(root, Path::new(path))) {
        Ok(text) => text.map(|text| parse(&text)),
        Err(_) => Some(ClusterHint::Skipped { source, reason: "unreadable" }),
    }
}

/// Starts to connect to the API server, if the settings, the disk or the Bottlerocket settings contain its endpoint.
/// User data, which has precedence, is not known yet. Also returns what the disk contains.
pub(crate) fn connect_early(
    context: &Context,
    settings: &Settings,
    bottlerocket: Option<ClusterHint>,
    connections: usize,
) -> (Option<EarlyConnections>, EarlyHints) {
    let root = &context.root;
    let (read, nodeadm) = (Instant::now(), nodeadm(root));
    let mut hints = EarlyHints { read, nodeadm, kubeconfig: Kubeconfig::NotRead };
    let mut known: Vec<ClusterHint> = hints.nodeadm.iter().cloned().collect();
    let cluster = known_cluster(settings, &known).or_else(|| {
        let kubeconfig = kubelet_kubeconfig(root);
        known.extend(kubeconfig.iter().cloned().chain(bottlerocket));
        hints.kubeconfig = Kubeconfig::Read(kubeconfig);
        known_cluster(settings, &known)
    });
    let early = cluster.and_then(|it| EarlyConnections::open(&it, context, connections));
    (early, hints)
}

/// A connection to the cluster's API server.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    pub api: ApiServer,
    /// The cluster, or the kubeconfig that replaces it.
    pub cluster: ClusterAccess,
}

/// Connects to the cluster. If only its name is known, calls `eks:DescribeCluster` first and
/// retries until `deadline`. `region` is the region of the instance. Opens `connections` to the API server before the
/// first request, unless `early` has them.
pub(crate) async fn connect(
    context: &Context,
    region: &Region,
    access: &ClusterAccess,
    deadline: Deadline,
    (early, connections): (Option<&EarlyConnections>, usize),
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
    let early = early.filter(|early| early.are_to(&cluster)).cloned();
    // The API server responds while the credentials are read.
    let early = early.or_else(|| EarlyConnections::open(&cluster, context, connections));
    let no_token = |error: AwsError| ConnectError::Token(error.into());
    let config = aws::sdk_config(context, region).await.map_err(no_token)?;
    let token_name = cluster.token_name().to_owned();
    let tokens = TokenSource::new(&config, context.region(region).clone(), token_name).await;
    let tokens = tokens.map_err(ConnectError::Token)?;
    let api = ApiServer::as_node(&cluster, tokens, context, early.as_ref())?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_from_the_disk_are_used_for_a_second() {
        let root = tempfile::tempdir().unwrap();
        let path = disk::under(root.path(), Path::new(NODEADM_CONFIG));
        let text = |name: &str| format!(r#"{{"spec":{{"cluster":{{"name":"{name}"}}}}}}"#);
        let configure = |name: &str| disk::write_atomic(&path, text(name).as_bytes()).unwrap();
        let hint = |name: &str| nodeadm_hint(&text(name));
        let kubeconfig = || Kubeconfig::NotRead;
        let early =
            |read| EarlyHints { read, nodeadm: nodeadm(root.path()), kubeconfig: kubeconfig() };
        configure("first");
        let now = Instant::now();
        let (current, old) = (early(now + 60 * AGE), early(now.checked_sub(AGE).unwrap()));
        configure("second");
        let hints = |early| hints(root.path(), None, None, early);
        assert_eq!(hints(current), [hint("first")]);
        assert_eq!(hints(old), [hint("second")]);
    }
}
