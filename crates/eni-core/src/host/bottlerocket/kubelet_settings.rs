//! The kubelet settings that eni-bootstrap changes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The part of `settings.kubernetes` that eni-bootstrap changes, in the form of a PATCH request's body.
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
    /// Returns the full names of all keys, comma-separated and percent-encoded for a request's query.
    #[must_use]
    pub fn keys(&self) -> String {
        let Self { max_pods, kube_reserved, node_labels } = self;
        let max_pods = max_pods.map(|_| "settings.kubernetes.max-pods".to_owned());
        let reserved =
            kube_reserved.keys().map(|key| format!("settings.kubernetes.kube-reserved.{key}"));
        // In quotes, because a label's key may contain dots.
        let labels =
            node_labels.keys().map(|key| format!("settings.kubernetes.node-labels.%22{key}%22"));
        max_pods.into_iter().chain(reserved).chain(labels).collect::<Vec<_>>().join(",")
    }

    /// Returns these settings without the keys that `other` does not have.
    #[must_use]
    pub fn only(&self, other: &Self) -> Self {
        let within = |have: &BTreeMap<String, String>, want: &BTreeMap<String, String>| {
            let both = have.iter().filter(|(key, _)| want.contains_key(*key));
            both.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        Self {
            max_pods: self.max_pods,
            kube_reserved: within(&self.kube_reserved, &other.kube_reserved),
            node_labels: within(&self.node_labels, &other.node_labels),
        }
    }
}
