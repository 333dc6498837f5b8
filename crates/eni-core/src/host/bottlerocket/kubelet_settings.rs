//! The kubelet settings that eni-bootstrap changes.

use crate::domain::eni_config::EXTERNAL_LABEL;
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

/// A live value that differs from the value of eni-bootstrap.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{key} is {current} instead of {expected}")]
pub struct NotLive {
    /// The full name of the key.
    pub key: String,
    /// The live value, or "not set".
    pub current: String,
    /// The value that eni-bootstrap set.
    pub expected: String,
}

impl KubeletSettings {
    /// Returns the full names of the keys that are set, comma-separated and percent-encoded for a
    /// query.
    #[must_use]
    pub fn keys(&self) -> String {
        self.names().join(",").replace('"', "%22")
    }

    /// Returns the full names of the keys that are set, as the API returns them.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.entries().into_iter().map(|(name, _)| name).collect()
    }

    /// Returns each value with the full name of its key.
    fn entries(&self) -> Vec<(String, String)> {
        let Self { max_pods, kube_reserved, node_labels } = self;
        let entry =
            |key: &str, value: &str| (format!("settings.kubernetes.{key}"), value.to_owned());
        let max_pods = max_pods.map(|it| entry("max-pods", &it.to_string()));
        let reserved =
            kube_reserved.iter().map(|(key, value)| entry(&format!("kube-reserved.{key}"), value));
        // Quoted, because a label key may contain dots.
        let labels =
            node_labels.iter().map(|(key, value)| entry(&format!("node-labels.\"{key}\""), value));
        max_pods.into_iter().chain(reserved).chain(labels).collect()
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

    /// Returns the values that `other` has, too.
    #[must_use]
    pub fn common(&self, other: &Self) -> Self {
        self.filter(|own, other| other == Some(own), other)
    }

    /// Returns the values that `other` does not have, or has with another value.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.filter(|own, other| other != Some(own), other)
    }

    /// Checks that `live` contains every value.
    ///
    /// # Errors
    ///
    /// [`NotLive`] with the first value that differs.
    pub fn check_live(&self, live: &Self) -> Result<(), NotLive> {
        let Some((key, expected)) = self.difference(live).entries().into_iter().next() else {
            return Ok(());
        };
        let current = live.entries().into_iter().find(|(name, _)| *name == key);
        let current = current.map_or_else(|| "not set".to_owned(), |(_, value)| value);
        Err(NotLive { key, current, expected })
    }

    /// Returns the value in `live` of the label that the CNI reads first; `None` if these settings
    /// contain the label.
    #[must_use]
    pub fn external_label(&self, live: &Self) -> Option<String> {
        let is_own = self.node_labels.contains_key(EXTERNAL_LABEL);
        live.node_labels.get(EXTERNAL_LABEL).filter(|_| !is_own).cloned()
    }

    /// Checks that the label that the CNI reads first still has the value `planned` in `live`.
    ///
    /// # Errors
    ///
    /// [`NotLive`] if another program has set it since.
    pub fn check_external_label(&self, live: &Self, planned: Option<&str>) -> Result<(), NotLive> {
        let current = self.external_label(live);
        if current.as_deref() == planned {
            return Ok(());
        }
        let text = |value: Option<&str>| value.unwrap_or("not set").to_owned();
        Err(NotLive {
            key: format!("settings.kubernetes.node-labels.\"{EXTERNAL_LABEL}\""),
            current: text(current.as_deref()),
            expected: text(planned),
        })
    }

    /// Adds the values of `other` for the keys that are not set.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        let Self { max_pods, kube_reserved, node_labels } = other;
        self.max_pods = self.max_pods.or(max_pods);
        for (all, others) in
            [(&mut self.kube_reserved, kube_reserved), (&mut self.node_labels, node_labels)]
        {
            for (key, value) in others {
                all.entry(key).or_insert(value);
            }
        }
        self
    }

    /// Returns the values for which `keeps` is true. It gets the value, and that of `other`.
    fn filter(&self, keeps: impl Fn(&str, Option<&str>) -> bool, other: &Self) -> Self {
        let max_pods = |settings: &Self| settings.max_pods.map(|it| it.to_string());
        let map = |all: &BTreeMap<String, String>, others: &BTreeMap<String, String>| {
            let kept =
                all.iter().filter(|(key, own)| keeps(own, others.get(*key).map(String::as_str)));
            kept.map(|(key, value)| (key.clone(), value.clone())).collect()
        };
        Self {
            max_pods: self
                .max_pods
                .filter(|own| keeps(&own.to_string(), max_pods(other).as_deref())),
            kube_reserved: map(&self.kube_reserved, &other.kube_reserved),
            node_labels: map(&self.node_labels, &other.node_labels),
        }
    }
}
