//! Bottlerocket's live settings, parsed from the API's responses.

use super::KubeletSettings;
use crate::domain::cluster::{ClusterConfig, ClusterSource};
use crate::host::cluster_hints::ClusterHint;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The live settings that eni-bootstrap uses. Other settings, such as a bootstrap token, are
/// dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveSettings {
    /// The kubelet settings that eni-bootstrap changes.
    pub kubelet: KubeletSettings,
    /// The cluster in `settings.kubernetes`.
    pub cluster: ClusterConfig,
    /// `settings.kubernetes.authentication-mode`: `aws`, or `tls` for a bootstrap token.
    pub authentication_mode: Option<String>,
    /// `settings.kubernetes.standalone-mode`: the kubelet joins no cluster.
    pub standalone_mode: Option<bool>,
    /// `settings.kubernetes.node-taints`: values and effects by key.
    pub node_taints: BTreeMap<String, Value>,
    /// `settings.aws.region`.
    pub region: Option<String>,
    /// `settings.network.https-proxy`, which may contain a password.
    pub https_proxy: Option<SecretUrl>,
    /// `settings.network.no-proxy`: hosts that eni-bootstrap connects to directly.
    pub no_proxy: Vec<String>,
}

/// A URL that may contain a password, not validated.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct SecretUrl(SecretString);

impl SecretUrl {
    /// Returns the URL with its user and password.
    #[must_use]
    pub fn secret(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for SecretUrl {
    fn eq(&self, other: &Self) -> bool {
        self.secret() == other.secret()
    }
}

impl Eq for SecretUrl {}

/// An invalid response of the settings API. The error contains the position but not the text,
/// because settings contain secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid JSON or an unexpected type at line {line}, column {column}")]
pub struct InvalidSettings {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
}

impl LiveSettings {
    /// Parses the API's responses for `settings.kubernetes` and [`OTHER_KEYS`].
    pub fn read(kubernetes: &str, others: &str) -> Result<Self, InvalidSettings> {
        let Response { kubernetes, .. } = parse(kubernetes)?;
        let Response { aws, network, .. } = parse(others)?;
        let Kubernetes {
            cluster_name,
            api_server,
            cluster_certificate,
            authentication_mode,
            standalone_mode,
            node_taints,
            kubelet,
        } = kubernetes;
        Ok(Self {
            kubelet,
            cluster: ClusterConfig {
                name: cluster_name,
                endpoint: api_server,
                certificate_authority: cluster_certificate,
                id: None,
            },
            authentication_mode,
            standalone_mode,
            node_taints,
            region: aws.region,
            https_proxy: network.https_proxy.filter(|proxy| !proxy.secret().is_empty()),
            no_proxy: network.no_proxy,
        })
    }

    /// Returns the description of the cluster in `settings.kubernetes`.
    #[must_use]
    pub fn cluster_hint(&self) -> ClusterHint {
        let source = ClusterSource::Bottlerocket;
        let has_no_cluster = self.cluster == ClusterConfig::default();
        let reason = match (self.authentication_mode.as_deref(), self.standalone_mode) {
            (_, Some(true)) if has_no_cluster => {
                "standalone-mode is true, and they contain no cluster"
            }
            (Some("tls"), _) => {
                "authentication-mode is \"tls\", and the node has no certificate yet"
            }
            _ if has_no_cluster => "they contain no cluster",
            _ => return ClusterHint::Config { source, config: self.cluster.clone() },
        };
        ClusterHint::Skipped { source, reason }
    }

    /// Returns the hosts that eni-bootstrap connects to without the proxy, including the API
    /// server's.
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

/// The settings outside `settings.kubernetes` that eni-bootstrap reads, comma-separated for a
/// query.
pub const OTHER_KEYS: &str =
    "settings.aws.region,settings.network.https-proxy,settings.network.no-proxy";

#[derive(Default, Deserialize)]
#[serde(default)]
struct Response {
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
    standalone_mode: Option<bool>,
    node_taints: BTreeMap<String, Value>,
    #[serde(flatten)]
    kubelet: KubeletSettings,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Aws {
    region: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Network {
    https_proxy: Option<SecretUrl>,
    no_proxy: Vec<String>,
}

fn parse(response: &str) -> Result<Response, InvalidSettings> {
    serde_json::from_str(response)
        .map_err(|error| InvalidSettings { line: error.line(), column: error.column() })
}
