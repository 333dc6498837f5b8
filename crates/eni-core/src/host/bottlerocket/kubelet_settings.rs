//! The kubelet settings that eni-bootstrap changes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The part of `settings.kubernetes` that eni-bootstrap changes. Serializes to the body of a PATCH
/// request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct KubeletSettings {
    /// A JSON number. The API rejects a string.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pods: Option<u32>,
    /// Quantities by resource, such as `memory`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kube_reserved: BTreeMap<String, String>,
    /// Merged key by key by the API, which can overwrite a label but not remove it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_labels: BTreeMap<String, String>,
}

impl KubeletSettings {
    /// Returns the full names of the keys that are set, comma-separated and percent-encoded for a
    /// query.
    #[must_use]
    pub fn keys(&self) -> String {
        let Self { max_pods, kube_reserved, node_labels } = self;
        let max_pods = max_pods.map(|_| "settings.kubernetes.max-pods".to_owned());
        let reserved =
            kube_reserved.keys().map(|key| format!("settings.kubernetes.kube-reserved.{key}"));
        // Quoted, because a label key may contain dots.
        let labels =
            node_labels.keys().map(|key| format!("settings.kubernetes.node-labels.%22{key}%22"));
        max_pods.into_iter().chain(reserved).chain(labels).collect::<Vec<_>>().join(",")
    }

    /// Returns these settings with only those resources and labels that `other` contains.
    #[must_use]
    pub fn only(&self, other: &Self) -> Self {
        let only = |all: &BTreeMap<String, String>, keys: &BTreeMap<String, String>| {
            let common = all.iter().filter(|(key, _)| keys.contains_key(*key));
            common.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        Self {
            max_pods: self.max_pods,
            kube_reserved: only(&self.kube_reserved, &other.kube_reserved),
            node_labels: only(&self.node_labels, &other.node_labels),
        }
    }
}
