//! Existing values of `podsPerCore`, with which the kubelet limits max-pods by the number of CPUs.

use super::{ConfigLocation, flags};
use serde_json::Value;
use std::fmt;

/// An existing `podsPerCore` on the node. eni-bootstrap configures none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingPodsPerCore {
    /// Pods for each CPU; 0 means no limit.
    pub pods_per_core: u32,
    pub location: ConfigLocation,
}

impl fmt::Display for ExistingPodsPerCore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} sets podsPerCore to {}", self.location, self.pods_per_core)
    }
}

/// Returns `podsPerCore` of a `KubeletConfiguration`. The kubelet itself rejects another value than a
/// number.
pub(crate) fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|it| u32::try_from(it).ok())
}

/// Returns the value of the last `--pods-per-core` in kubelet flags.
pub(super) fn pods_per_core_in_arguments(
    arguments: &[String],
    location: &ConfigLocation,
) -> Option<ExistingPodsPerCore> {
    let values = flags::values(arguments, "--pods-per-core");
    let pods_per_core = values.last()?.parse().ok()?;
    Some(ExistingPodsPerCore { pods_per_core, location: location.clone() })
}
