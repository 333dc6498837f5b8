//! Bottlerocket's live settings, parsed from the API's responses.

use super::KubeletSettings;
use crate::domain::cluster::{ClusterConfig, ClusterSource};
use crate::host::cluster_hints::ClusterHint;
use serde::Deserialize;
use std::fmt;

/// The live settings that eni-bootstrap uses. Others in `settings.kubernetes`, such as a bootstrap token, are
/// dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// The kubelet settings that eni-bootstrap changes.
    pub kubelet: KubeletSettings,
    /// The cluster.
    pub cluster: ClusterConfig,
    /// `aws`, or `tls` for a bootstrap token.
    pub authentication_mode: Option<String>,
    /// The region of the AWS APIs.
    pub region: Option<String>,
    /// The proxy's URL.
    pub https_proxy: Option<Secret>,
    /// The hosts that are reached without the proxy.
    pub no_proxy: Vec<String>,
}

/// Text that may contain a password. Its `Debug` output does not.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret")
    }
}

/// A response of the API that is not valid. The error names the position but not the text, because settings
/// contain secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON or an unexpected type at line {line}, column {column}")]
pub struct InvalidSettings {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

impl Live {
    /// Parses the API's responses for `settings.kubernetes` and for [`OTHER_KEYS`].
    pub fn read(kubernetes: &str, others: &str) -> Result<Self, InvalidSettings> {
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

    /// Returns the hosts that are reached without the proxy. The host of the API server is always one of them.
    ///
    /// Source: "Network settings", `README.md`, bottlerocket-os/bottlerocket.
    #[must_use]
    pub fn without_proxy(&self) -> Vec<String> {
        let server = self.cluster.endpoint.as_ref();
        let server =
            server.and_then(|url| url.parse::<http::Uri>().ok()?.host().map(str::to_owned));
        self.no_proxy.iter().cloned().chain(server).collect()
    }
}

/// The full names of the settings outside of `settings.kubernetes` that eni-bootstrap reads.
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

fn parse(answer: &str) -> Result<Answer, InvalidSettings> {
    serde_json::from_str(answer)
        .map_err(|error| InvalidSettings { line: error.line(), column: error.column() })
}
