//! The result for a node: a verdict, its severity, and the findings behind it.

use serde::{Serialize, Serializer};

/// The result for a node. The first one in this order that applies is the verdict of the node.
///
/// The names are part of the JSON and Prometheus output. They do not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// The ENIConfig that the CNI selects does not exist.
    NoEniConfig,
    /// The ENIConfig has no subnet, or its subnet does not exist.
    NoPodSubnet,
    /// The ENIConfig, or its subnet, is for another zone.
    OtherZone,
    /// The CNI reads the zone label, and the node has none.
    NoZoneLabel,
    /// The CNI reads another label, and the node has none.
    NoEniConfigLabel,
    /// No network interface is left for pods, or the CNI rejects its configuration.
    NoCapacity,
    /// The kubelet accepts more pods than the CNI has addresses for.
    MaxPodsTooHigh,
    /// The reserved memory is below 255 MiB + 11 MiB × pods.
    ReserveTooSmall,
    /// The instance type is not in the embedded table.
    UnknownType,
    /// The capacity of the node cannot be computed from what the cluster contains.
    UnknownCapacity,
    /// The kubelet accepts more pods than EKS recommends, but each has an address.
    AboveRecommended,
    /// Not the reserve that Karpenter plans with by default.
    ReserveDiffers,
    /// The kubelet accepts fewer pods than the node has capacity for.
    MaxPodsTooLow,
    /// No finding.
    Right,
    /// The Amazon VPC CNI does not run on the node.
    OutOfScope,
}

/// How a verdict influences the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// The node must be corrected: exit code 1.
    Wrong,
    /// The node was not checked completely: exit code 2.
    Skipped,
    /// Maybe not as intended: no influence.
    Warning,
    Right,
    /// The node was not checked, because it does not use the CNI: no influence.
    OutOfScope,
}

impl Verdict {
    /// Every verdict in the order of precedence.
    pub(crate) const ALL: [Self; 15] = [
        Self::NoEniConfig,
        Self::NoPodSubnet,
        Self::OtherZone,
        Self::NoZoneLabel,
        Self::NoEniConfigLabel,
        Self::NoCapacity,
        Self::MaxPodsTooHigh,
        Self::ReserveTooSmall,
        Self::UnknownType,
        Self::UnknownCapacity,
        Self::AboveRecommended,
        Self::ReserveDiffers,
        Self::MaxPodsTooLow,
        Self::Right,
        Self::OutOfScope,
    ];

    /// Returns the stable name for JSON and Prometheus.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NoEniConfig => "no-eni-config",
            Self::NoPodSubnet => "no-pod-subnet",
            Self::OtherZone => "other-zone",
            Self::NoZoneLabel => "no-zone-label",
            Self::NoEniConfigLabel => "no-eni-config-label",
            Self::NoCapacity => "no-capacity",
            Self::MaxPodsTooHigh => "max-pods-too-high",
            Self::ReserveTooSmall => "reserve-too-small",
            Self::UnknownType => "unknown-type",
            Self::UnknownCapacity => "unknown-capacity",
            Self::AboveRecommended => "above-recommended",
            Self::ReserveDiffers => "reserve-differs",
            Self::MaxPodsTooLow => "max-pods-too-low",
            Self::Right => "right",
            Self::OutOfScope => "out-of-scope",
        }
    }

    pub(crate) fn severity(self) -> Severity {
        match self {
            Self::NoEniConfig
            | Self::NoPodSubnet
            | Self::OtherZone
            | Self::NoZoneLabel
            | Self::NoEniConfigLabel
            | Self::NoCapacity
            | Self::MaxPodsTooHigh
            | Self::ReserveTooSmall => Severity::Wrong,
            Self::UnknownType | Self::UnknownCapacity => Severity::Skipped,
            Self::AboveRecommended | Self::ReserveDiffers | Self::MaxPodsTooLow => {
                Severity::Warning
            }
            Self::Right => Severity::Right,
            Self::OutOfScope => Severity::OutOfScope,
        }
    }

    /// Returns what the verdict means, in a few words.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::NoEniConfig => "the ENIConfig that the CNI selects does not exist",
            Self::NoPodSubnet => "the ENIConfig names no existing subnet",
            Self::OtherZone => "the ENIConfig is for another zone",
            Self::NoZoneLabel => "the zone label, which selects the ENIConfig, is missing",
            Self::NoEniConfigLabel => "the label that selects the ENIConfig is missing",
            Self::NoCapacity => "no pod can get an address",
            Self::MaxPodsTooHigh => "the kubelet accepts more pods than can get an address",
            Self::ReserveTooSmall => "the reserved memory is too small for the pods",
            Self::UnknownType => "the instance type is not in the embedded table",
            Self::UnknownCapacity => "the cluster does not show the capacity",
            Self::AboveRecommended => "more pods than EKS recommends, all with an address",
            Self::ReserveDiffers => "not the reserve that Karpenter plans with by default",
            Self::MaxPodsTooLow => "the node has capacity for more pods",
            Self::Right => "as eni-bootstrap configures a node",
            Self::OutOfScope => "the Amazon VPC CNI does not run on the node",
        }
    }
}

impl Severity {
    /// Returns the word for the summary.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Skipped => "skipped",
            Self::Warning => "warning",
            Self::Right => "right",
            Self::OutOfScope => "out of scope",
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// One problem of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Finding {
    pub verdict: Verdict,
    /// The condition: one sentence without a full stop.
    pub text: String,
    /// What to do: an imperative sentence without a full stop; `None` if no action is necessary.
    pub fix: Option<String>,
    /// A command that is part of the fix, ready to paste.
    pub command: Option<String>,
}

impl Finding {
    pub(crate) fn new(verdict: Verdict, text: impl Into<String>) -> Self {
        Self { verdict, text: text.into(), fix: None, command: None }
    }

    pub(crate) fn fix(self, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..self }
    }

    pub(crate) fn command(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_verdict_has_a_unique_name_and_wrong_ones_come_first() {
        let names: BTreeSet<&str> = Verdict::ALL.iter().map(|it| it.name()).collect();
        assert_eq!(names.len(), Verdict::ALL.len());
        assert!(Verdict::ALL.is_sorted(), "in the order of the definition");
        assert!(Verdict::ALL.iter().map(|it| it.severity()).is_sorted(), "by severity");
        assert!(names.iter().all(|name| name.len() <= 19), "the width of a column");
    }
}
