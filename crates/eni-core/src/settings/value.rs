//! Types of settings that have a syntax of their own.

use super::time_limit::{FallbackWait, RetryLimit, Timeout};
use crate::domain::capacity::Ceiling;
use crate::domain::cni::IpFamily;
use crate::domain::cni_version::CniVersion;
use crate::domain::eni_config::NameTemplate;
use crate::domain::label::{self, InvalidLabel, LabelKey, Labels};
use crate::domain::named_values::named_values;
use crate::domain::quantity::Quantity;
use crate::host::HostKind;
use crate::host::existing_config::{EniConfigPolicy, Policy};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

named_values! {
    /// Source of the CNI configuration.
    CniSource {
        /// Read the aws-node DaemonSet; the other CNI settings override individual values
        #[default]
        Cluster = "cluster",
        /// Use only the other CNI settings
        Settings = "settings",
    }
}

/// Node label that holds the ENIConfig name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EniConfigLabel {
    /// The label that the CNI reads (`ENI_CONFIG_LABEL_DEF` of aws-node).
    #[default]
    OfTheCni,
    /// No label.
    Nothing,
    /// This label.
    Key(LabelKey),
}

impl FromStr for EniConfigLabel {
    type Err = <LabelKey as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() { Ok(Self::Nothing) } else { text.parse().map(Self::Key) }
    }
}

named_values! {
    /// Action if the ENIConfig is missing or invalid after the timeout.
    OnTimeout {
        /// Fail, so that the kubelet does not start
        #[default]
        Fail = "fail",
        /// Log a warning and let the kubelet start
        Continue = "continue",
    }
}

named_values! {
    /// Action if the subnet of the ENIConfig has no free address for a node without pod addresses.
    OnFullSubnet {
        /// Fail at once on a Karpenter node, and wait on all other nodes
        #[default]
        Auto = "auto",
        /// Fail at once
        Fail = "fail",
        /// Wait until the timeout
        Wait = "wait",
    }
}

/// A length of time, such as `90s` or `2m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeSpan(pub(super) Duration);

impl From<TimeSpan> for Duration {
    fn from(span: TimeSpan) -> Self {
        span.0
    }
}

/// Text that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration (such as 90s or 10m)")]
pub struct InvalidDuration(pub(super) String);

impl FromStr for TimeSpan {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        let parsed = humantime::parse_duration(text);
        parsed.map(Self).map_err(|_| InvalidDuration(text.to_owned()))
    }
}

impl Display for TimeSpan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(formatter)
    }
}

/// Timeout of a wait for the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Try once.
    Once,
    /// Retry until this much time has passed.
    For(Duration),
    /// Retry without a timeout.
    Forever,
}

impl FromStr for Wait {
    type Err = InvalidDuration;

    fn from_str(text: &str) -> Result<Self, InvalidDuration> {
        match text {
            "0" => Ok(Self::Once),
            "forever" => Ok(Self::Forever),
            _ => match text.parse()? {
                TimeSpan(Duration::ZERO) => Ok(Self::Once),
                TimeSpan(time) => Ok(Self::For(time)),
            },
        }
    }
}

impl Display for Wait {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Once => formatter.write_str("0"),
            Self::For(time) => TimeSpan(*time).fmt(formatter),
            Self::Forever => formatter.write_str("forever"),
        }
    }
}

/// Text that is not a ceiling.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid ceiling {0:?}: use \"recommended\", \"none\" or a number greater than 0")]
pub struct InvalidCeiling(String);

impl FromStr for Ceiling {
    type Err = InvalidCeiling;

    fn from_str(text: &str) -> Result<Self, InvalidCeiling> {
        match text {
            "recommended" => Ok(Self::Recommended),
            "none" => Ok(Self::Unlimited),
            _ => match text.parse() {
                Ok(limit) if limit > 0 => Ok(Self::At(limit)),
                _ => Err(InvalidCeiling(text.to_owned())),
            },
        }
    }
}

impl Display for Ceiling {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Recommended => formatter.write_str("recommended"),
            Self::Unlimited => formatter.write_str("none"),
            Self::At(limit) => limit.fmt(formatter),
        }
    }
}

/// Also accepts a number: `ceiling = 58`.
impl<'de> Deserialize<'de> for Ceiling {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "\"recommended\", \"none\" or a number greater than 0")]
        enum Scalar {
            Number(u32),
            Text(String),
        }
        let text = match Scalar::deserialize(deserializer)? {
            Scalar::Number(number) => number.to_string(),
            Scalar::Text(text) => text,
        };
        text.parse().map_err(de::Error::custom)
    }
}

/// Additional node labels: the table `[labels]`, or `KEY=VALUE,KEY=VALUE`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelMap(pub Labels);

impl LabelMap {
    /// Returns the labels of both, where `self` overrides `below` key by key.
    #[must_use]
    pub(super) fn over(self, below: Self) -> Self {
        let mut labels = below.0;
        for (key, value) in self.0.iter() {
            labels.insert(key.clone(), value.clone());
        }
        Self(labels)
    }

    fn from_pairs<'a>(
        pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, InvalidLabel> {
        let mut labels = Labels::default();
        for (key, value) in pairs {
            let key: LabelKey = key.parse()?;
            if label::is_set_by_the_kubelet(&key) {
                return Err(InvalidLabel::SetByTheKubelet(key.to_string()));
            }
            labels.insert(key, value.parse()?);
        }
        Ok(Self(labels))
    }
}

/// Text that is not a list of labels.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLabels {
    /// An entry without `=`.
    #[error("{0:?} does not have the form KEY=VALUE")]
    Pair(String),
    /// A key or a value is not valid.
    #[error(transparent)]
    Label(#[from] InvalidLabel),
}

impl FromStr for LabelMap {
    type Err = InvalidLabels;

    fn from_str(text: &str) -> Result<Self, InvalidLabels> {
        let parts = text.split(',').filter(|part| !part.is_empty());
        let pairs = parts
            .map(|part| part.split_once('=').ok_or_else(|| InvalidLabels::Pair(part.to_owned())));
        Ok(Self::from_pairs(pairs.collect::<Result<Vec<_>, _>>()?)?)
    }
}

impl<'de> Deserialize<'de> for LabelMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = BTreeMap::<String, String>::deserialize(deserializer)?;
        let pairs = map.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Self::from_pairs(pairs).map_err(de::Error::custom)
    }
}

/// Implements `Deserialize` through `FromStr`.
macro_rules! deserialize_from_text {
    ($($type:ty),+) => { $(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+ };
}
deserialize_from_text!(
    EniConfigLabel,
    FallbackWait,
    NameTemplate,
    Quantity,
    RetryLimit,
    TimeSpan,
    Timeout,
    Wait
);

/// Implements `Serialize` through `Display`.
macro_rules! serialize_as_text {
    ($($type:ty),+) => { $(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )+ };
}
serialize_as_text!(Ceiling, FallbackWait, NameTemplate, RetryLimit, TimeSpan, Timeout, Wait);

/// The type of a setting.
pub(super) trait SettingType {
    /// Description of the values that the type accepts. Empty for a fixed set of values, which the
    /// reference lists, and for plain text, which the summary of the setting describes.
    const VALUES: &'static str = "";
}

/// Implements [`SettingType`] with one text for each type.
macro_rules! values {
    ($($type:ty: $values:literal,)+) => { $(
        impl SettingType for $type {
            const VALUES: &'static str = $values;
        }
    )+ };
}
values! {
    bool: "true or false",
    CniVersion: "a version, such as 1.20.4 or v1.20.4-eksbuild.1",
    u32: "a whole number",
    PathBuf: "an absolute path",
    Quantity: "a Kubernetes quantity",
    TimeSpan: "a duration, such as \"30s\" or \"2m\"",
    Timeout: "a duration longer than 0s, such as \"30s\" or \"2m\"",
    RetryLimit: "a duration, such as \"15m\"; \"forever\" (no limit); or \"off\" (no attempt)",
    FallbackWait: "a duration, such as \"30s\"; \"0\" (after the first failed attempt); or \"off\" (never use recorded values)",
    Wait: "a duration, such as \"90s\" or \"10m\"; \"0\" (try once); or \"forever\" (no timeout)",
    Ceiling: "\"recommended\" (110, or 250 above 30 vCPUs), \"none\" (no limit), or a number greater than 0",
    NameTemplate: "text that can contain these fields: {zone} (such as us-west-2a), {zone-id} (such as usw2-az1), {region}, {instance-type}, {vpc-id}, {subnet-id} (of the primary network interface), {tag:KEY} (the value of an instance tag)",
    EniConfigLabel: "a label key, or \"\" in a settings file (set no label)",
    LabelMap: "labels that a kubelet is allowed to set on its own node",
}
macro_rules! without_description {
    ($($type:ty),+) => { $(impl SettingType for $type {})+ };
}
without_description!(
    String,
    CniSource,
    EniConfigPolicy,
    HostKind,
    IpFamily,
    OnFullSubnet,
    OnTimeout,
    Policy
);
