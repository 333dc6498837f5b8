//! The settings of the kubelet that are ours to set.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The settings of `settings.kubernetes` that are ours to set; the body of a PATCH.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct KubeletSettings {
    /// A number on the wire: a text is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_pods: Option<u32>,
    /// Quantities by resource.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub kube_reserved: BTreeMap<String, String>,
    /// Merged key by key: a label can be overwritten, and never taken away.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub node_labels: BTreeMap<String, String>,
}

impl KubeletSettings {
    /// Every key by its full name, for a request's query.
    #[must_use]
    pub fn keys(&self) -> String {
        let Self { max_pods, kube_reserved, node_labels } = self;
        let max_pods = max_pods.map(|_| "settings.kubernetes.max-pods".to_owned());
        let reserved =
            kube_reserved.keys().map(|key| format!("settings.kubernetes.kube-reserved.{key}"));
        // In quotes, for a label's key has dots.
        let labels =
            node_labels.keys().map(|key| format!("settings.kubernetes.node-labels.%22{key}%22"));
        max_pods.into_iter().chain(reserved).chain(labels).collect::<Vec<_>>().join(",")
    }

    /// Of these settings the keys that `wanted` has, too.
    #[must_use]
    pub fn only(&self, wanted: &Self) -> Self {
        let within = |have: &BTreeMap<String, String>, want: &BTreeMap<String, String>| {
            let both = have.iter().filter(|(key, _)| want.contains_key(*key));
            both.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        Self {
            max_pods: self.max_pods,
            kube_reserved: within(&self.kube_reserved, &wanted.kube_reserved),
            node_labels: within(&self.node_labels, &wanted.node_labels),
        }
    }
}
