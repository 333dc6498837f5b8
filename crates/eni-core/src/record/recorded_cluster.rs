//! The cluster in a record.

use crate::domain::cluster::{Cluster, ClusterSource};
use crate::plan::ClusterAccess;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The cluster, or the kubeconfig that replaces it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", untagged)]
pub(super) enum RecordedCluster {
    #[serde(rename_all = "kebab-case")]
    Node {
        name: String,
        endpoint: String,
        certificate_authority: String,
        id: Option<String>,
    },
    Kubeconfig {
        kubeconfig: PathBuf,
    },
}

impl RecordedCluster {
    pub(super) fn new(access: &ClusterAccess) -> Option<Self> {
        match access {
            ClusterAccess::Kubeconfig(path) => Some(Self::Kubeconfig { kubeconfig: path.clone() }),
            ClusterAccess::Node(Cluster { name, endpoint, certificate_authority, id, .. }) => {
                Some(Self::Node {
                    name: name.clone(),
                    endpoint: endpoint.clone(),
                    certificate_authority: certificate_authority.clone(),
                    id: id.clone(),
                })
            }
            ClusterAccess::DescribeCluster { .. } => None,
        }
    }

    /// Returns whether `access` leads to this cluster.
    pub(super) fn is_reached_by(&self, access: &ClusterAccess) -> bool {
        let url = |url: &str| url.trim_end_matches('/').to_ascii_lowercase();
        match (self, access) {
            (Self::Kubeconfig { kubeconfig }, ClusterAccess::Kubeconfig(path)) => {
                kubeconfig == path
            }
            (Self::Node { name, endpoint, .. }, ClusterAccess::Node(cluster)) => {
                *name == cluster.name && url(endpoint) == url(&cluster.endpoint)
            }
            (Self::Node { name, .. }, ClusterAccess::DescribeCluster { name: current }) => {
                name == current
            }
            _ => false,
        }
    }

    /// Returns how to connect to the cluster; `None` for a kubeconfig, which needs no other source.
    pub(super) fn access(self) -> Option<ClusterAccess> {
        match self {
            Self::Kubeconfig { .. } => None,
            Self::Node { name, endpoint, certificate_authority, id } => {
                let source = ClusterSource::LastRun;
                let cluster = Cluster { name, endpoint, certificate_authority, id, source };
                Some(ClusterAccess::Node(cluster))
            }
        }
    }
}
