//! The CNI configuration of the cluster in the kubeconfig.

use super::MaxPodsArgs;
use super::calculation::CniSource;
use super::max_pods_error::MaxPodsError;
use crate::cluster::{Cluster, ClusterOptions};
use crate::error::Error;
use crate::output::note;
use eni_bootstrap::adapter::kubernetes::ApiServer;

/// Reads the aws-node DaemonSet. Prints the configuration and its problems on stderr.
pub(super) async fn read(options: &ClusterOptions, args: &MaxPodsArgs) -> Result<CniSource, Error> {
    let cluster = Cluster::connect(options).await?;
    let api = ApiServer::with_client(cluster.client);
    let aws_node = api.cluster_cni(&[]).await.map_err(MaxPodsError::from)?.aws_node;
    let cni = args.with_reserved(aws_node.cni);
    note(&format!("cni: {cni} (source: aws-node DaemonSet)"));
    for diagnostic in &aws_node.diagnostics {
        note(&format!("warning: cni: {}", diagnostic.text));
    }
    Ok(CniSource { cni, region: cluster.identity.region })
}
