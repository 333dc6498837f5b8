//! The `NodeConfig` in an instance's user data.
//!
//! Parses user data as nodeadm does (`nodeadm/internal/configprovider`): it may be base64-encoded
//! or gzip-compressed. The `application/node.eks.aws` parts of a MIME document are merged in order.
//! Anything else is either a single `NodeConfig` or, for example, a shell script, which is ignored.

use super::existing_config::{ConfigOwner, owner_by_node_config, pods_per_core_number, quantities};
use crate::domain::cluster::ClusterConfig;
use crate::failure::{Advice, ExitCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::Read as _;

/// The maximum size after decompression, in bytes. User data is at most 16 KiB, so only a gzip bomb
/// exceeds this limit.
const MAX_DECOMPRESSED_BYTES: usize = 1 << 20;

const MEDIA_TYPE: &str = "application/node.eks.aws";

/// The fields of a `NodeConfig` that configure the kubelet's capacity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeConfigKubelet {
    /// `spec.kubelet.config.maxPods`.
    pub max_pods: Option<u32>,
    /// `spec.kubelet.config.podsPerCore`.
    pub pods_per_core: Option<u32>,
    /// `spec.kubelet.maxPodsExpression`, if not empty.
    pub expression: Option<String>,
    /// `spec.kubelet.flags`.
    pub flags: Vec<String>,
    /// The maps of resources in `spec.kubelet.config` by their key, such as `kubeReserved`.
    pub resources: BTreeMap<&'static str, Value>,
    /// `spec.kubelet.config.registerWithTaints`; null if it is not set.
    pub taints: Value,
    /// `kubeReserved` of the `EC2NodeClass`, from the `NodeConfig` that Karpenter wrote. `None` without
    /// such a `NodeConfig`.
    pub karpenter_reserved: Option<BTreeMap<String, String>>,
}

/// The fields of a `NodeConfig` that eni-bootstrap reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeConfig {
    /// `spec.cluster`.
    pub cluster: ClusterConfig,
    /// `spec.kubelet`.
    pub kubelet: NodeConfigKubelet,
    /// Whether `spec.hybrid` is set: the node is an EKS hybrid node.
    pub is_hybrid: bool,
}

/// User data that nodeadm would reject.
#[derive(Debug, thiserror::Error)]
pub enum UserDataError {
    /// The user data starts like a MIME document but is not a valid one.
    #[error("the MIME document in user data is invalid")]
    Mime(#[source] mailparse::MailParseError),
    /// The user data starts like a gzip stream but is not a valid one.
    #[error("the gzip stream in user data is invalid")]
    Gzip(#[source] std::io::Error),
    /// The decompressed user data exceeds [`MAX_DECOMPRESSED_BYTES`].
    #[error("the user data exceeds {} MiB after decompression", MAX_DECOMPRESSED_BYTES >> 20)]
    TooLarge,
    /// Not YAML, or a field has the wrong type. Only the position is kept: the parser's message
    /// quotes the lines around the error, and user data may contain secrets.
    #[error("the NodeConfig in user data is invalid at line {line}, column {column}")]
    NodeConfig {
        /// The line in the `NodeConfig`, starting at 1.
        line: u64,
        /// The column, starting at 1.
        column: u64,
    },
}

impl Advice for UserDataError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::Mime(_) => "correct the MIME document in the launch template's user data",
            Self::TooLarge => "shorten the user data in the launch template",
            Self::Gzip(_) => "compress the launch template's user data again",
            Self::NodeConfig { .. } => "correct the NodeConfig in the launch template's user data",
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::InvalidData
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Document {
    kind: String,
    spec: Spec,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Spec {
    cluster: ClusterSpec,
    kubelet: Kubelet,
    hybrid: Option<IgnoredAny>,
}

/// `spec.cluster`, before the parts are merged.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClusterSpec {
    name: Option<String>,
    api_server_endpoint: Option<String>,
    certificate_authority: Option<String>,
    id: Option<String>,
    enable_outpost: Option<bool>,
}

impl ClusterSpec {
    /// Returns the cluster. `id` identifies it only with `enableOutpost: true`.
    ///
    /// Source: `nodeadm/internal/kubelet/kubeconfig.go`, awslabs/amazon-eks-ami.
    fn config(self, is_on_outpost: bool) -> ClusterConfig {
        ClusterConfig {
            name: self.name,
            endpoint: self.api_server_endpoint,
            certificate_authority: self.certificate_authority,
            id: self.id.filter(|_| is_on_outpost),
        }
        .without_empty_fields()
    }
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
    pods_per_core: Value,
    kube_reserved: Value,
    system_reserved: Value,
    eviction_hard: Value,
    register_with_taints: Value,
}

impl KubeletConfig {
    /// Returns the maps of resources by their key in the file.
    fn resources(self) -> BTreeMap<&'static str, Value> {
        let maps = [
            ("kubeReserved", self.kube_reserved),
            ("systemReserved", self.system_reserved),
            ("evictionHard", self.eviction_hard),
        ];
        maps.into_iter().filter(|(_, map)| map.is_object()).collect()
    }
}

impl NodeConfig {
    fn new(spec: Spec, is_on_outpost: bool) -> Self {
        let Spec { cluster, kubelet, hybrid } = spec;
        let Kubelet { config, max_pods_expression, flags } = kubelet;
        let mut config = config.unwrap_or_default();
        let flags = flags.unwrap_or_default();
        let is_of_karpenter = owner_by_node_config(&flags) == ConfigOwner::Karpenter;
        let kubelet = NodeConfigKubelet {
            max_pods: config.max_pods,
            pods_per_core: pods_per_core_number(&config.pods_per_core),
            expression: max_pods_expression.filter(|text| !text.is_empty()),
            karpenter_reserved: is_of_karpenter.then(|| quantities(&config.kube_reserved)),
            flags,
            taints: config.register_with_taints.take(),
            resources: config.resources(),
        };
        Self { cluster: cluster.config(is_on_outpost), kubelet, is_hybrid: hybrid.is_some() }
    }
}

/// Parses user data. Returns `None` if it contains no `NodeConfig`.
pub fn node_config(user_data: &[u8]) -> Result<Option<NodeConfig>, UserDataError> {
    let bytes = decoded(user_data)?;
    if !begins_as_mime(&bytes) {
        // A shell script, cloud-config or settings of another tool. nodeadm would reject it, but
        // this image may not use nodeadm.
        let is_foreign = |text: &str| {
            text.starts_with("#!") || text.starts_with("#cloud-") || !text.contains("node.eks.aws/")
        };
        let config = std::str::from_utf8(&bytes).ok().filter(|text| !is_foreign(text));
        let spec = config.map(parse_document).transpose()?.flatten();
        return Ok(spec.map(|spec| merge(vec![spec])));
    }
    let document = mailparse::parse_mail(&bytes).map_err(UserDataError::Mime)?;
    let mut specs = Vec::new();
    for part in document.parts().filter(|part| part.ctype.mimetype == MEDIA_TYPE) {
        let body = part.get_body_raw().map_err(UserDataError::Mime)?;
        let body = decoded(&body)?;
        specs.extend(parse_document(&String::from_utf8_lossy(&body))?);
    }
    Ok((!specs.is_empty()).then(|| merge(specs)))
}

/// Returns the parts merged in order. In nodeadm's merge, `enableOutpost: false` does not override
/// `true`.
fn merge(specs: Vec<Spec>) -> NodeConfig {
    let is_on_outpost = specs.iter().any(|spec| spec.cluster.enable_outpost == Some(true));
    let configs = specs.into_iter().map(|spec| NodeConfig::new(spec, is_on_outpost));
    configs.fold(NodeConfig::default(), NodeConfig::merge)
}

impl NodeConfig {
    /// Returns `self` with `next` merged over it: flags are appended, maps of resources are merged,
    /// and all other fields are replaced.
    ///
    /// Source: `nodeadm/internal/api/merge.go`, awslabs/amazon-eks-ami.
    fn merge(self, next: Self) -> Self {
        let Self { cluster, kubelet, is_hybrid } = self;
        let is_empty = next.kubelet.taints.as_array().is_none_or(Vec::is_empty);
        let mut flags = kubelet.flags;
        flags.extend(next.kubelet.flags);
        let mut resources = kubelet.resources;
        for (key, map) in next.kubelet.resources {
            match (resources.get_mut(key), map) {
                (Some(Value::Object(merged)), Value::Object(map)) => merged.extend(map),
                (_, map) => {
                    resources.insert(key, map);
                }
            }
        }
        Self {
            cluster: next.cluster.or(cluster),
            kubelet: NodeConfigKubelet {
                max_pods: next.kubelet.max_pods.or(kubelet.max_pods),
                pods_per_core: next.kubelet.pods_per_core.or(kubelet.pods_per_core),
                expression: next.kubelet.expression.or(kubelet.expression),
                flags,
                resources,
                taints: if is_empty { kubelet.taints } else { next.kubelet.taints },
                karpenter_reserved: next.kubelet.karpenter_reserved.or(kubelet.karpenter_reserved),
            },
            is_hybrid: is_hybrid || next.is_hybrid,
        }
    }
}

fn parse_document(text: &str) -> Result<Option<Spec>, UserDataError> {
    let document: Document = serde_saphyr::from_str(text).map_err(|error| {
        let at = error.location();
        UserDataError::NodeConfig {
            line: at.map_or(1, |at| at.line()),
            column: at.map_or(1, |at| at.column()),
        }
    })?;
    Ok((document.kind == "NodeConfig").then_some(document.spec))
}

/// Parses a `NodeConfig` without checking its kind, which nodeadm's merged configuration lacks.
pub(super) fn parse_spec(text: &str) -> Option<NodeConfig> {
    // nodeadm writes JSON, for which the parser of JSON is 30 times as fast as that of YAML.
    let document = serde_json::from_str(text).ok().or_else(|| serde_saphyr::from_str(text).ok());
    document.map(|document: Document| merge(vec![document.spec]))
}

fn begins_as_mime(bytes: &[u8]) -> bool {
    let begins = |word: &str| {
        bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
    };
    begins("content-type:") || begins("mime-version:")
}

/// Decodes base64 and decompresses gzip, at most once each, as nodeadm does.
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
        .take(MAX_DECOMPRESSED_BYTES as u64 + 1)
        .read_to_end(&mut unpacked)
        .map_err(UserDataError::Gzip)?;
    if unpacked.len() > MAX_DECOMPRESSED_BYTES {
        return Err(UserDataError::TooLarge);
    }
    Ok(Cow::Owned(unpacked))
}

#[cfg(test)]
mod tests;
