//! Node labels: what Kubernetes takes for one, and which of them a kubelet may give itself.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// The zone, by its name. The kubelet may set it itself, and the AWS cloud controller manager
/// writes the same value after registration.
pub const ZONE: &str = "topology.kubernetes.io/zone";
/// The region.
pub const REGION: &str = "topology.kubernetes.io/region";

/// The labels in Kubernetes' own namespaces that a kubelet may set on itself.
///
/// Source: `staging/src/k8s.io/kubelet/pkg/apis/well_known_labels.go`, kubernetes/kubernetes.
const SETTABLE: [&str; 11] = [
    "kubernetes.io/hostname",
    "kubernetes.io/os",
    "kubernetes.io/arch",
    "beta.kubernetes.io/os",
    "beta.kubernetes.io/arch",
    "beta.kubernetes.io/instance-type",
    "node.kubernetes.io/instance-type",
    ZONE,
    REGION,
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
];

/// A label that Kubernetes, or a kubelet for itself, would not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabel {
    /// Not of a key's form.
    #[error("{0:?} is not a label key")]
    Key(String),
    /// Not of a value's form.
    #[error("{0:?} is not a label value")]
    Value(String),
    /// In a namespace that belongs to Kubernetes: the kubelet would exit with "unknown labels".
    #[error("the kubelet may not give itself the label {0:?}")]
    NotSettable(String),
}

/// A label's key: `name` or `prefix/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct LabelKey(String);

/// A label's value: empty, or at most 63 letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct LabelValue(String);

impl LabelKey {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl LabelValue {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LabelKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for LabelValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for LabelKey {
    type Err = InvalidLabel;

    fn from_str(text: &str) -> Result<Self, InvalidLabel> {
        let (prefix, name) = text.split_once('/').map_or((None, text), |(p, n)| (Some(p), n));
        if !is_name(name) || !prefix.is_none_or(is_subdomain) {
            return Err(InvalidLabel::Key(text.to_owned()));
        }
        if prefix.is_some_and(is_kubernetes_own) && !SETTABLE.contains(&text) {
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

/// At most 63 characters, a letter or digit at both ends.
fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() <= 63
        && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// A DNS-1123 subdomain: dot-joined words of lower-case letters, digits and inner dashes.
pub(crate) fn is_subdomain(text: &str) -> bool {
    let word = |word: &str| {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        word.bytes().next().is_some_and(plain)
            && word.bytes().last().is_some_and(plain)
            && word.bytes().all(|byte| plain(byte) || byte == b'-')
    };
    text.len() <= 253 && text.split('.').all(word)
}

/// Whether a label prefix is in a namespace where the kubelet is not free. Those under
/// `kubelet.kubernetes.io` and `node.kubernetes.io` are its own.
fn is_kubernetes_own(prefix: &str) -> bool {
    let within = |domain: &str| {
        prefix.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    (within("kubernetes.io") || within("k8s.io"))
        && !within("kubelet.kubernetes.io")
        && !within("node.kubernetes.io")
}

/// The labels a node registers with, in the order of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Labels(BTreeMap<LabelKey, LabelValue>);

impl Labels {
    /// Sets `key` to `value`, and gives back what stood there.
    pub fn insert(&mut self, key: LabelKey, value: LabelValue) -> Option<LabelValue> {
        self.0.insert(key, value)
    }

    /// The value of `key`.
    #[must_use]
    pub fn get(&self, key: &LabelKey) -> Option<&LabelValue> {
        self.0.get(key)
    }

    /// Key by key, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&LabelKey, &LabelValue)> {
        self.0.iter()
    }
}

/// `key=value,key=value`: what the kubelet's `--node-labels` takes.
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
    fn keys_that_a_kubelet_may_set_itself() {
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
    fn values_cannot_carry_a_second_label_or_argument() {
        assert_eq!("us-west-2a".parse::<LabelValue>().unwrap().as_str(), "us-west-2a");
        assert_eq!("".parse::<LabelValue>().unwrap().as_str(), "");
        for bad in ["a,b=c", "a b", "a\nb", "\"", "a=", "-a", &"x".repeat(64)] {
            assert_eq!(bad.parse::<LabelValue>(), Err(InvalidLabel::Value(bad.to_owned())));
        }
    }

    #[test]
    fn a_prefix_has_an_end() {
        let key = |length: usize| format!("{}/x", vec!["abc"; length].join("."));
        assert_eq!(key(63).parse::<LabelKey>().unwrap().as_str(), key(63));
        assert_eq!(key(64).parse::<LabelKey>(), Err(InvalidLabel::Key(key(64))));
    }

    #[test]
    fn labels_print_as_the_flag_takes_them() {
        let mut labels = Labels::default();
        labels.insert(ZONE.parse().unwrap(), "us-west-2a".parse().unwrap());
        labels.insert("a".parse().unwrap(), "1".parse().unwrap());
        assert_eq!(labels.get(&"a".parse().unwrap()), Some(&"1".parse().unwrap()));
        assert_eq!(labels.get(&"b".parse().unwrap()), None);
        assert_eq!(labels.to_string(), "a=1,topology.kubernetes.io/zone=us-west-2a");
    }
}
