//! An EKS cluster: partial while its fields are collected from several sources, complete when it is
//! used.

use serde::Serialize;
use std::fmt;

/// nodeadm's merged configuration: user data and all drop-ins. It is deleted at reboot.
///
/// Source: `nodeadm-config.service`, awslabs/amazon-eks-ami.
pub const NODEADM_CONFIG: &str = "/run/eks/nodeadm/config.json";
/// The kubelet's kubeconfig on every EKS image.
pub const KUBELET_KUBECONFIG: &str = "/var/lib/kubelet/kubeconfig";

/// Where the description of a cluster comes from, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClusterSource {
    /// `[cluster]` in the settings.
    Settings,
    /// The `NodeConfig` in user data.
    UserData,
    /// [`NODEADM_CONFIG`].
    Nodeadm,
    /// [`KUBELET_KUBECONFIG`].
    Kubeconfig,
    /// Bottlerocket's settings API.
    Bottlerocket,
    /// `eks:DescribeCluster`.
    Eks,
    /// The record of the last successful run.
    LastRun,
}

impl fmt::Display for ClusterSource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Settings => "eni-bootstrap settings",
            Self::UserData => "NodeConfig in user data",
            Self::Nodeadm => NODEADM_CONFIG,
            Self::Kubeconfig => KUBELET_KUBECONFIG,
            Self::Bottlerocket => "Bottlerocket settings",
            Self::Eks => "eks:DescribeCluster",
            Self::LastRun => "record of the last successful run",
        })
    }
}

/// The fields of a cluster that one source provides. `None` leaves a field to another source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterConfig {
    pub name: Option<String>,
    /// The URL of the API server.
    pub endpoint: Option<String>,
    /// The API server's certificate authority: base64-encoded PEM.
    pub certificate_authority: Option<String>,
    /// The id of a local cluster on an Outpost. Authentication tokens contain it instead of the
    /// name.
    pub id: Option<String>,
}

impl ClusterConfig {
    /// Returns `self` with the fields that it lacks taken from `fallback`.
    #[must_use]
    pub fn or(self, fallback: Self) -> Self {
        let Self { name, endpoint, certificate_authority, id } = fallback;
        Self {
            name: self.name.or(name),
            endpoint: self.endpoint.or(endpoint),
            certificate_authority: self.certificate_authority.or(certificate_authority),
            id: self.id.or(id),
        }
    }

    /// Returns `self` without its empty fields: templates leave unset fields empty.
    #[must_use]
    pub(crate) fn without_empty_fields(self) -> Self {
        let given = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            name: given(self.name),
            endpoint: given(self.endpoint),
            certificate_authority: given(self.certificate_authority),
            id: given(self.id),
        }
    }

    /// Returns what identifies the cluster in a token: its id if it has one, or else its name.
    #[must_use]
    pub fn token_name(&self) -> Option<&str> {
        self.id.as_deref().or(self.name.as_deref())
    }

    /// Returns the cluster if the name (or id), the endpoint and the certificate authority are
    /// known.
    #[must_use]
    pub fn complete(self, source: ClusterSource) -> Option<Cluster> {
        let name = self.token_name()?.to_owned();
        Some(Cluster {
            name: self.name.unwrap_or(name),
            endpoint: self.endpoint?,
            certificate_authority: self.certificate_authority?,
            id: self.id,
            source,
        })
    }
}

/// A cluster with everything that a connection to it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// The cluster's name, or its id if no source provides the name.
    pub name: String,
    /// The URL of the API server.
    pub endpoint: String,
    /// The API server's certificate authority: base64-encoded PEM.
    pub certificate_authority: String,
    /// The id of a local cluster on an Outpost.
    pub id: Option<String>,
    /// Where the endpoint comes from.
    pub source: ClusterSource,
}

impl Cluster {
    /// Returns what identifies the cluster in a token: its id if it has one, or else its name.
    #[must_use]
    pub fn token_name(&self) -> &str {
        self.id.as_deref().unwrap_or(&self.name)
    }
}

impl fmt::Display for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, endpoint, source, .. } = self;
        write!(formatter, "{name} at {endpoint} (source: {source})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outpost() -> ClusterConfig {
        ClusterConfig {
            name: None,
            endpoint: Some("https://k".to_owned()),
            certificate_authority: Some("Q0E=".to_owned()),
            id: Some("0a1b".to_owned()),
        }
    }

    #[test]
    fn a_cluster_is_complete_with_an_id_instead_of_a_name() {
        let cluster = outpost().complete(ClusterSource::UserData).unwrap();
        assert_eq!((cluster.name.as_str(), cluster.token_name()), ("0a1b", "0a1b"));
        assert_eq!(cluster.to_string(), "0a1b at https://k (source: NodeConfig in user data)");
        let named = ClusterConfig { name: Some("prod".to_owned()), ..outpost() };
        let cluster = named.complete(ClusterSource::UserData).unwrap();
        assert_eq!((cluster.name.as_str(), cluster.token_name()), ("prod", "0a1b"));
    }

    #[test]
    fn a_cluster_without_an_endpoint_is_incomplete() {
        let partial = ClusterConfig { endpoint: Some(String::new()), ..outpost() };
        assert_eq!(partial.without_empty_fields().complete(ClusterSource::UserData), None);
    }

    #[test]
    fn present_fields_take_precedence_over_the_fallback() {
        let settings = ClusterConfig { name: Some("prod".to_owned()), ..ClusterConfig::default() };
        let merged = settings.or(ClusterConfig { name: Some("dev".to_owned()), ..outpost() });
        assert_eq!(merged, ClusterConfig { name: Some("prod".to_owned()), ..outpost() });
    }
}
