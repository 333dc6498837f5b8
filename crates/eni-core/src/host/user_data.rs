//! The cluster as the `NodeConfig` in user data names it.
//!
//! Read as nodeadm reads it (`nodeadm/internal/configprovider`): the whole may be base64 or gzip;
//! a MIME document's `application/node.eks.aws` parts are merged in their order; anything else is
//! one `NodeConfig`, or a script that is none of our business.

use crate::error::{Advice, ExitCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use std::borrow::Cow;
use std::io::Read as _;

/// More than user data can hold (16 KiB), compressed well: what a gzip bomb may not pass.
const LARGEST: u64 = 1 << 20;

const MEDIA_TYPE: &str = "application/node.eks.aws";

/// What a `NodeConfig` says of its cluster; each may be left to another source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeConfigCluster {
    /// The cluster's name.
    pub name: Option<String>,
    /// Its API server's URL.
    pub api_server_endpoint: Option<String>,
    /// Its certificate authority: PEM in base64.
    pub certificate_authority: Option<String>,
    /// Its id, which stands for the name in the token of a local cluster on an Outpost.
    pub id: Option<String>,
}

/// What a `NodeConfig` says of the kubelet, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeConfigKubelet {
    /// `kubelet.config.maxPods`.
    pub max_pods: Option<u32>,
    /// `kubelet.maxPodsExpression`.
    pub expression: Option<String>,
    /// `kubelet.flags`.
    pub flags: Vec<String>,
}

/// What a `NodeConfig` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeConfigSaid {
    /// Of its cluster.
    pub cluster: NodeConfigCluster,
    /// Of the kubelet.
    pub kubelet: NodeConfigKubelet,
}

/// User data that holds a `NodeConfig` which cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum UserDataError {
    /// Not a MIME document, though its first line says so.
    #[error("the user data is not the MIME document that it begins as")]
    Mime(#[source] mailparse::MailParseError),
    /// Not a gzip stream, though it begins as one.
    #[error("the user data is not the gzip stream that it begins as")]
    Gzip(#[source] std::io::Error),
    /// Not YAML, or of another form. Where, and not what: the parser's own words quote the lines
    /// around the mistake, and user data may hold secrets.
    #[error(
        "the NodeConfig in user data cannot be read: line {line}, column {column} of it is not as it should be"
    )]
    NodeConfig {
        /// From 1, in the NodeConfig itself.
        line: u64,
        /// From 1.
        column: u64,
    },
}

impl Advice for UserDataError {
    fn help(&self) -> Cow<'static, str> {
        "correct the NodeConfig in user data".into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeConfig {
    kind: String,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    cluster: NodeConfigCluster,
    kubelet: Kubelet,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[serde(rename_all = "camelCase")]
struct Kubelet {
    config: Option<KubeletConfig>,
    max_pods_expression: Option<String>,
    flags: Option<Vec<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct KubeletConfig {
    max_pods: Option<u32>,
}

impl Spec {
    fn said(self) -> NodeConfigSaid {
        let Self { cluster, kubelet: Kubelet { config, max_pods_expression, flags } } = self;
        let kubelet = NodeConfigKubelet {
            max_pods: config.and_then(|config| config.max_pods),
            expression: max_pods_expression.filter(|text| !text.is_empty()),
            flags: flags.unwrap_or_default(),
        };
        NodeConfigSaid { cluster, kubelet }
    }
}

/// The `NodeConfig` in `user_data`; `None` where there is none in it.
pub fn node_config(user_data: &[u8]) -> Result<Option<NodeConfigSaid>, UserDataError> {
    let bytes = decoded(user_data)?;
    if !begins_as_mime(&bytes) {
        // A script, cloud-init's own or another tool's settings: nodeadm would refuse it, but this
        // image may have no nodeadm at all.
        let is_foreign = |text: &str| {
            text.starts_with("#!") || text.starts_with("#cloud-") || !text.contains("node.eks.aws/")
        };
        let config = std::str::from_utf8(&bytes).ok().filter(|text| !is_foreign(text));
        return config.map(one_config).transpose().map(Option::flatten);
    }
    let document = mailparse::parse_mail(&bytes).map_err(UserDataError::Mime)?;
    let mut merged: Option<NodeConfigSaid> = None;
    for part in document.parts().filter(|part| part.ctype.mimetype == MEDIA_TYPE) {
        let body = part.get_body_raw().map_err(UserDataError::Mime)?;
        let body = decoded(&body)?;
        let Some(next) = one_config(&String::from_utf8_lossy(&body))? else { continue };
        merged = Some(merged.unwrap_or_default().then(next));
    }
    Ok(merged)
}

impl NodeConfigSaid {
    /// This one with a later one merged over it, as nodeadm does: flags are appended, the rest is
    /// replaced.
    ///
    /// Source: `nodeadm/internal/api/merge.go`, awslabs/amazon-eks-ami.
    fn then(self, next: Self) -> Self {
        let Self { cluster, kubelet } = self;
        let NodeConfigCluster { name, api_server_endpoint, certificate_authority, id } = cluster;
        let mut flags = kubelet.flags;
        flags.extend(next.kubelet.flags);
        Self {
            cluster: NodeConfigCluster {
                name: next.cluster.name.or(name),
                api_server_endpoint: next.cluster.api_server_endpoint.or(api_server_endpoint),
                certificate_authority: next.cluster.certificate_authority.or(certificate_authority),
                id: next.cluster.id.or(id),
            },
            kubelet: NodeConfigKubelet {
                max_pods: next.kubelet.max_pods.or(kubelet.max_pods),
                expression: next.kubelet.expression.or(kubelet.expression),
                flags,
            },
        }
    }
}

fn one_config(text: &str) -> Result<Option<NodeConfigSaid>, UserDataError> {
    let config: NodeConfig = serde_saphyr::from_str(text).map_err(|error| {
        let at = error.location();
        UserDataError::NodeConfig {
            line: at.map_or(1, |at| at.line()),
            column: at.map_or(1, |at| at.column()),
        }
    })?;
    Ok((config.kind == "NodeConfig").then(|| config.spec.said()))
}

/// A text that is known to be a `NodeConfig`; nodeadm's own copy names no kind.
pub(super) fn spec_of(text: &str) -> Option<NodeConfigSaid> {
    serde_saphyr::from_str::<NodeConfig>(text).ok().map(|config| config.spec.said())
}

fn begins_as_mime(bytes: &[u8]) -> bool {
    let begins = |word: &str| {
        bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    begins("content-type:") || begins("mime-version:")
}

/// Takes base64 and gzip off, in whichever order and as often as nodeadm does: once each.
fn decoded(bytes: &[u8]) -> Result<Cow<'_, [u8]>, UserDataError> {
    let compact: Vec<u8> = bytes.iter().copied().filter(|b| !b.is_ascii_whitespace()).collect();
    let plain = match STANDARD.decode(&compact) {
        Ok(decoded) if !decoded.is_empty() => Cow::Owned(decoded),
        _ => Cow::Borrowed(bytes),
    };
    if !plain.starts_with(&[0x1f, 0x8b]) {
        return Ok(plain);
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(&*plain)
        .take(LARGEST)
        .read_to_end(&mut unpacked)
        .map_err(UserDataError::Gzip)?;
    Ok(Cow::Owned(unpacked))
}

#[cfg(test)]
mod tests;
