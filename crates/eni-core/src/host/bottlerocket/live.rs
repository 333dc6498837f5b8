//! What Bottlerocket's settings say, read from the API's answers.

use super::KubeletSettings;
use crate::domain::cluster::{ClusterConfig, ClusterSource};
use crate::host::cluster_hints::ClusterHint;
use serde::Deserialize;
use std::fmt;

/// What Bottlerocket's settings say, as far as it matters here. What else `settings.kubernetes` holds
/// (a bootstrap token, keys) is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// Ours to set.
    pub kubelet: KubeletSettings,
    /// The cluster.
    pub cluster: ClusterConfig,
    /// `aws`, or `tls`: by a bootstrap token.
    pub authentication_mode: Option<String>,
    /// Where AWS's APIs are asked.
    pub region: Option<String>,
    /// The proxy, as it was written.
    pub https_proxy: Option<Secret>,
    /// What is reached without it.
    pub no_proxy: Vec<String>,
}

/// Text that may hold a password.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// An answer of the API's that is no settings. Where, and not what: they hold secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not settings at line {line}, column {column}")]
pub struct NotSettings {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl Live {
    /// From the API's answers on `settings.kubernetes`, and on the keys of [`OTHER_KEYS`].
    pub fn read(kubernetes: &str, others: &str) -> Result<Self, NotSettings> {
        let Answer { kubernetes, .. } = parse(kubernetes)?;
        let Answer { aws, network, .. } = parse(others)?;
        let Kubernetes { cluster_name, api_server, cluster_certificate, authentication_mode, ours } =
            kubernetes;
        Ok(Self {
            kubelet: ours,
            cluster: ClusterConfig {
                name: cluster_name,
                endpoint: api_server,
                certificate_authority: cluster_certificate,
                id: None,
            },
            authentication_mode,
            region: aws.region,
            https_proxy: network.https_proxy.filter(|proxy| !proxy.0.is_empty()),
            no_proxy: network.no_proxy,
        })
    }

    /// Returns the description of the cluster in `settings.kubernetes`.
    #[must_use]
    pub fn cluster_hint(&self) -> ClusterHint {
        let source = ClusterSource::Bottlerocket;
        match self.authentication_mode.as_deref() {
            Some("tls") => ClusterHint::Skipped {
                source,
                reason: "authentication-mode is \"tls\", and the node has no certificate yet",
            },
            _ => ClusterHint::Config { source, config: self.cluster.clone() },
        }
    }

    /// What is reached without the proxy: the API server's own host always is.
    ///
    /// Source: "Network settings", `README.md`, bottlerocket-os/bottlerocket, of its own services.
    #[must_use]
    pub fn without_proxy(&self) -> Vec<String> {
        let server = self.cluster.endpoint.as_ref();
        let server =
            server.and_then(|url| url.parse::<http::Uri>().ok()?.host().map(str::to_owned));
        self.no_proxy.iter().cloned().chain(server).collect()
    }
}

/// The further settings that are read, by their full names.
pub const OTHER_KEYS: &str =
    "settings.aws.region,settings.network.https-proxy,settings.network.no-proxy";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    kubernetes: Kubernetes,
    aws: Aws,
    network: Network,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Kubernetes {
    cluster_name: Option<String>,
    api_server: Option<String>,
    cluster_certificate: Option<String>,
    authentication_mode: Option<String>,
    #[serde(flatten)]
    ours: KubeletSettings,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Aws {
    region: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Network {
    https_proxy: Option<Secret>,
    no_proxy: Vec<String>,
}

fn parse(answer: &str) -> Result<Answer, NotSettings> {
    serde_json::from_str(answer)
        .map_err(|error| NotSettings { line: error.line(), column: error.column() })
}
