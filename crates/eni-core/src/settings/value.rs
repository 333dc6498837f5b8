//! Values of single settings that have a form of their own.

use crate::domain::label::LabelKey;
use crate::domain::max_pods::Ceiling;
use clap::ValueEnum;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

/// Where the CNI's settings are taken from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum CniSource {
    /// The environment of the aws-node DaemonSet; a key of `[cni]` overrides one value.
    #[default]
    Cluster,
    /// The keys of `[cni]` alone.
    Settings,
}

/// The node label that carries the ENIConfig's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EniConfigLabel {
    /// The one that the CNI reads.
    #[default]
    OfTheCni,
    /// None of ours.
    Nothing,
    /// This one.
    Key(LabelKey),
}

/// What a wait in vain comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum OnTimeout {
    /// The run fails, and the kubelet does not start.
    #[default]
    Fail,
    /// The kubelet starts, with a warning.
    Continue,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Ask once.
    Once,
    /// This long.
    For(Duration),
    /// For ever.
    Forever,
}

impl FromStr for Wait {
    type Err = humantime::DurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "0" => Ok(Self::Once),
            "forever" => Ok(Self::Forever),
            _ => humantime::parse_duration(text)
                .map(|time| if time.is_zero() { Self::Once } else { Self::For(time) }),
        }
    }
}

/// `recommended`, `none` or a number of pods.
pub fn ceiling(text: &str) -> Result<Ceiling, String> {
    match text {
        "recommended" => Ok(Ceiling::Recommended),
        "none" => Ok(Ceiling::Unlimited),
        _ => match text.parse() {
            Ok(most) if most > 0 => Ok(Ceiling::At(most)),
            _ => Err(format!("{text:?} is neither recommended, none nor a number above 0")),
        },
    }
}

pub(super) fn ceiling_from_toml<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Ceiling>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number above 0, \"recommended\" or \"none\"")]
    enum Written {
        Number(u32),
        Word(String),
    }
    let text = match Written::deserialize(deserializer)? {
        Written::Number(number) => number.to_string(),
        Written::Word(word) => word,
    };
    ceiling(&text).map(Some).map_err(de::Error::custom)
}

/// A value that is written as text and checked by its own type.
pub(super) fn from_text<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(|error| de::Error::custom(format!("{text:?}: {error}")))
}

/// Labels as they were written, not yet checked: `[labels]`, or `KEY=VALUE,KEY=VALUE`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct LabelMap(pub BTreeMap<String, String>);

impl FromStr for LabelMap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pair = |pair: &str| {
            pair.split_once('=')
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .ok_or_else(|| format!("{pair:?} is not KEY=VALUE"))
        };
        text.split(',')
            .filter(|part| !part.is_empty())
            .map(pair)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}
