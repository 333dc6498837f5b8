//! The fields of an ENIConfig.

use kube::api::DynamicObject;

/// The fields of an ENIConfig that eni-bootstrap reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EniConfig {
    /// `spec.subnet`: the subnet of the pods. Empty if the field is missing.
    pub subnet: String,
    /// `spec.securityGroups`. If empty, the CNI uses the security groups of the primary network
    /// interface.
    pub security_groups: Vec<String>,
}

/// An ENIConfig and its resource version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedEniConfig {
    pub eni_config: EniConfig,
    /// The resource version, at which a watch can start.
    pub version: Option<String>,
}

/// Parses an ENIConfig. A field of the wrong type counts as missing, as it does for the CNI.
pub(super) fn eni_config(object: &DynamicObject) -> EniConfig {
    let spec = object.data.get("spec");
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let groups = spec.and_then(|spec| spec.get("securityGroups")).and_then(|list| list.as_array());
    EniConfig {
        subnet: spec.and_then(|spec| spec.get("subnet")).and_then(text).unwrap_or_default(),
        security_groups: groups.into_iter().flatten().filter_map(text).collect(),
    }
}
