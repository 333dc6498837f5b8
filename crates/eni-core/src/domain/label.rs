//! Node labels: which keys and values are valid, and which keys a kubelet may set on its own node.

use crate::domain::identifier::text_type;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The label of the zone name. The kubelet may set it, and the AWS cloud controller manager writes
/// the same value after registration.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// The label of the region. The same rules apply as to [`ZONE`].
pub const REGION: &str = "topology.kubernetes.io/region";

/// The labels in the namespaces of Kubernetes that a kubelet may set on its own node.
///
/// Source: `staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go`, kubernetes/kubernetes.
const SETTABLE: [&str; 11] = [
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    INSTANCE_TYPE,
    ZONE,
    REGION,
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// The label of the instance type. The same rules apply as to [`ZONE`].
pub const INSTANCE_TYPE: &str = "node.kubernetes.io/instance-type";

/// A label that Kubernetes rejects, or that a kubelet may not set on its own node.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    #[error("{0:?} is not a valid label key")]
    Key(String),
    #[error("{0:?} is not a valid label value")]
    Value(String),
    /// A key in a reserved namespace: a kubelet with such a label exits with "unknown labels".
    #[error("a kubelet is not allowed to set label {0:?} on its own node")]
    NotSettable(String),
    /// A key that the kubelet sets itself. Another value would not last, or would break the
    /// scheduling of pods that select by operating system, architecture or host name.
    #[error("label {0:?} is rejected, {SET_BY_THE_KUBELET}")]
    SetByTheKubelet(String),
}

/// The reason in [`InvalidLabel::SetByTheKubelet`].
pub(crate) const SET_BY_THE_KUBELET: &str = "because the kubelet sets it itself";

/// Returns whether the kubelet sets this label on its own node: host name, operating system,
/// architecture, and every label in `beta.kubernetes.io`.
///
/// Source: `initialNode` and `updateDefaultLabels`, `pkg/kubelet/kubelet_node_status.go`,
/// kubernetes/kubernetes.
pub(crate) fn is_set_by_the_kubelet(key: &LabelKey) -> bool {
    matches!(key.as_str(), "kubernetes.io/hostname" | "kubernetes.io/os" | "kubernetes.io/arch")
        || key.as_str().starts_with("beta.kubernetes.io/")
}

text_type! {
    /// A label key: `name` or `prefix/name`.
    LabelKey
}

text_type! {
    /// A label value: empty, or at most 63 letters, digits, `-`, `_` and `.`.
    LabelValue
}

impl FromStr for LabelKey {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        let (prefix, name) = text.split_once('/').map_or((None, text), |(p, n)| (Some(p), n));
        if !is_name(name) || !prefix.is_none_or(is_subdomain) {
            return Err(InvalidLabel::Key(text.to_owned()));
        }
        if prefix.is_some_and(is_reserved) && !SETTABLE.contains(&text) {
            return Err(InvalidLabel::NotSettable(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for LabelValue {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        if text.is_empty() || is_name(text) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidLabel::Value(text.to_owned()))
        }
    }
}

/// Returns whether `text` has at most 63 characters and starts and ends with a letter or digit.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Returns whether `text` is a DNS-1123 subdomain: words of lowercase letters, digits and inner
/// dashes, separated by dots.
pub(crate) fn is_subdomain(text: &str) -> bool {
    let word = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        word.bytes().next().is_some_and(plain)
            && word.bytes().last().is_some_and(plain)
            && word.bytes().all(|byte| plain(byte) || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(word)
}

/// Returns whether a label prefix is in a reserved namespace. A kubelet may use prefixes under
/// `kubelet.kubernetes.io` and `node.kubernetes.io`.
fn is_reserved(prefix: &str) -> bool {
    let within = |domain: &str| {
        prefix.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    (within("kubernetes.io") || within("k8s.io"))
        && !within("kubelet.kubernetes.io")
        && !within("node.kubernetes.io")
}

/// The labels that a node registers with, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<LabelKey, LabelValue>);

impl Labels {
    /// Sets `key` to `value` and returns the previous value.
    pub fn insert(&mut self, key: LabelKey, value: LabelValue) -> Option<LabelValue> {
        self.0.insert(key, value)
    }

    /// Returns the value of `key`.
    #[must_use]
    pub fn get(&self, key: &LabelKey) -> Option<&LabelValue> {
        self.0.get(key)
    }

    /// Returns the labels sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&LabelKey, &LabelValue)> {
        self.0.iter()
    }
}

/// `key=value,key=value`, as in the kubelet flag `--node-labels`.
impl fmt::Display for Labels {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (key, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(formatter, "{comma}{key}={value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_some_keys_are_settable_by_a_kubelet() {
        for good in [
            ZONE,
            REGION,
            "k8s.amazonaws.com/eniConfig",
            "vpc.amazonaws.com/externalEniConfig",
            "team",
            "node.kubernetes.io/pool",
            "x.kubelet.kubernetes.io/pool",
        ] {
            assert_eq!(good.parse::<LabelKey>().map(|key| key.to_string()), Ok(good.to_owned()));
        }
        for bad in
            ["node-role.kubernetes.io/worker", "node-restriction.kubernetes.io/x", "k8s.io/x"]
        {
            assert_eq!(bad.parse::<LabelKey>(), Err(InvalidLabel::NotSettable(bad.to_owned())));
        }
        for bad in
            ["", "a b", "-a", "Upper.example/x", "-a.b/x", "a-.b/x", "a/b/c", "a=b", "a,b", "/x"]
        {
            assert_eq!(bad.parse::<LabelKey>(), Err(InvalidLabel::Key(bad.to_owned())));
        }
    }

    #[test]
    fn labels_of_the_kubelet_are_recognized() {
        let is_own = |key: &str| is_set_by_the_kubelet(&key.parse().unwrap());
        for key in [
            "kubernetes.io/os",
            "kubernetes.io/arch",
            "kubernetes.io/hostname",
            "beta.kubernetes.io/os",
            "beta.kubernetes.io/arch",
            "beta.kubernetes.io/instance-type",
        ] {
            assert!(is_own(key), "{key}");
        }
        for key in [INSTANCE_TYPE, ZONE, "node.kubernetes.io/pool", "example.com/os", "os"] {
            assert!(!is_own(key), "{key}");
        }
    }

    #[test]
    fn a_value_cannot_contain_a_second_label_or_argument() {
        assert_eq!("us-west-2a".parse::<LabelValue>().unwrap().as_str(), "us-west-2a");
        assert_eq!("".parse::<LabelValue>().unwrap().as_str(), "");
        for bad in ["a,b=c", "a b", "a\nb", "\"", "a=", "-a", &"x".repeat(64)] {
            assert_eq!(bad.parse::<LabelValue>(), Err(InvalidLabel::Value(bad.to_owned())));
        }
    }

    #[test]
    fn a_prefix_has_at_most_253_characters() {
        let key = |length: usize| format!("{}/x", vec!["abc"; length].join("."));
        assert_eq!(key(63).parse::<LabelKey>().unwrap().as_str(), key(63));
        assert_eq!(key(64).parse::<LabelKey>(), Err(InvalidLabel::Key(key(64))));
    }

    #[test]
    fn labels_print_as_in_the_flag() {
        let mut labels = Labels::default();
        labels.insert(ZONE.parse().unwrap(), "us-west-2a".parse().unwrap());
        labels.insert("a".parse().unwrap(), "1".parse().unwrap());
        assert_eq!(labels.get(&"a".parse().unwrap()), Some(&"1".parse().unwrap()));
        assert_eq!(labels.get(&"b".parse().unwrap()), None);
        assert_eq!(labels.to_string(), "a=1,topology.kubernetes.io/zone=us-west-2a");
    }
}
