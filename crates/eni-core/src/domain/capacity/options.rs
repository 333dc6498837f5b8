//! What the calculation depends on besides the instance type and the CNI.

use serde::{Deserialize, Serialize};

/// Upper limit of max-pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ceiling {
    /// [`recommended_ceiling`] of the instance type.
    #[default]
    Recommended,
    /// No limit.
    Unlimited,
    /// This many pods.
    At(u32),
}

/// A max-pods value that replaces the computed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", from = "OverrideFields")]
pub enum MaxPodsOverride {
    /// The setting `pods.max`.
    Setting {
        /// Number of pods.
        value: u32,
    },
    /// A value that another tool configured on the node and that `pods.policy` keeps.
    Existing {
        /// Number of pods.
        value: u32,
        /// Where the value is configured, such as `user data (Karpenter)`.
        source: String,
    },
}

/// The fields of [`MaxPodsOverride`] in JSON. The code for this type is smaller than that for a tagged enum.
#[derive(Deserialize)]
struct OverrideFields {
    value: u32,
    /// `None` for the setting `pods.max`.
    source: Option<String>,
}

impl From<OverrideFields> for MaxPodsOverride {
    fn from(OverrideFields { value, source }: OverrideFields) -> Self {
        match source {
            Some(source) => Self::Existing { value, source },
            None => Self::Setting { value },
        }
    }
}

impl MaxPodsOverride {
    /// Returns the number of pods.
    #[must_use]
    pub fn value(&self) -> u32 {
        match self {
            Self::Setting { value } | Self::Existing { value, .. } => *value,
        }
    }
}

/// Options of the calculation that are not part of the CNI configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapacityOptions {
    /// Upper limit of the computed value.
    pub ceiling: Ceiling,
    /// Replaces the computed value.
    pub max_pods_override: Option<MaxPodsOverride>,
    /// Host-network pods in addition to [`HOST_NETWORK_PODS`](super::HOST_NETWORK_PODS).
    pub extra: u32,
    /// The state of the instance's network interfaces and subnet.
    pub network: NodeNetwork,
}

/// The part of the calculation that follows from the instance and its subnet, and not from the
/// instance type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeNetwork {
    /// Whether the subnet of the primary network interface serves pods. Without effect under custom
    /// networking, unless the CNI uses only the attached network interfaces.
    pub primary_subnet: PrimarySubnet,
    /// Whether `primary_subnet` and `attached_excluded` follow from tags that an earlier version of the
    /// CNI does not read, and the version is unknown.
    pub exclusion_is_assumed: bool,
    /// Attached network interfaces, without the primary one, whose subnet a tag excludes from pods.
    pub attached_excluded: u32,
    /// Attached network interfaces, without the primary one, that serve pods. Read only if the CNI
    /// creates no others.
    pub attached_for_pods: u32,
    /// The addresses of the attached network interfaces whose subnet serves pods; `None` if IMDS does
    /// not describe them. Only read if the CNI uses only the attached network interfaces.
    pub attached: Option<AttachedAddresses>,
}

/// Whether the subnet of the primary network interface serves pods.
///
/// Source: `IsSubnetExcluded` and `createENI`, `pkg/awsutils/awsutils.go`,
/// aws/amazon-vpc-cni-k8s v1.23.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrimarySubnet {
    /// No tag excludes it.
    #[default]
    Included,
    /// A tag excludes it, and the CNI attaches network interfaces in other subnets.
    Excluded,
    /// A tag excludes it, and subnet discovery finds no other subnet.
    ExcludedWithoutOther,
    /// A tag excludes it and subnet discovery is off: the primary network interface serves pods, and
    /// the CNI creates no others.
    NoNewInterfaces,
}

impl PrimarySubnet {
    /// Returns whether the primary network interface serves no pods.
    pub(crate) fn is_excluded(self) -> bool {
        matches!(self, Self::Excluded | Self::ExcludedWithoutOther)
    }

    /// Returns whether a tag excludes the subnet, such as `excluded from pods`.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Included => "not excluded from pods",
            Self::Excluded | Self::ExcludedWithoutOther | Self::NoNewInterfaces => {
                "excluded from pods"
            }
        }
    }
}

/// The addresses that the CNI can assign to pods without a change to the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachedAddresses {
    /// Those of the primary network interface.
    pub primary: InterfaceAddresses,
    /// Those of each other network interface.
    pub others: Vec<InterfaceAddresses>,
}

/// The addresses of an attached network interface, without its primary address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceAddresses {
    /// Secondary IPv4 addresses.
    pub secondary: u32,
    /// `/28` prefixes.
    pub prefixes: u32,
}

impl InterfaceAddresses {
    /// Returns the addresses for pods: those of the prefixes with prefix delegation, and the secondary
    /// addresses without it. The CNI releases the others.
    ///
    /// Source: `AssignPodIPv4Address`, `pkg/ipamd/datastore/data_store.go`,
    /// aws/amazon-vpc-cni-k8s v1.23.2.
    fn for_pods(self, addresses_per_slot: u32) -> u32 {
        match addresses_per_slot {
            1 => self.secondary,
            many => self.prefixes.saturating_mul(many),
        }
    }
}

impl AttachedAddresses {
    /// Returns the addresses of the primary network interface for pods. Under custom networking the CNI
    /// does not read the prefixes there.
    ///
    /// Source: `getENIMetadata`, `pkg/awsutils/awsutils.go`, aws/amazon-vpc-cni-k8s v1.23.2.
    pub(crate) fn of_primary(&self, custom_networking: bool, addresses_per_slot: u32) -> u32 {
        let prefixes = if custom_networking { 0 } else { self.primary.prefixes };
        InterfaceAddresses { prefixes, ..self.primary }.for_pods(addresses_per_slot)
    }

    /// Returns the addresses of the other network interfaces for pods, without those of `reserved`
    /// network interfaces. Which ones are reserved is unknown: those with the most addresses count
    /// as reserved.
    pub(super) fn of_others(&self, reserved: u32, addresses_per_slot: u32) -> u32 {
        let counts = self.others.iter().map(|it| it.for_pods(addresses_per_slot));
        let mut counts: Vec<u32> = counts.collect();
        counts.sort_unstable();
        let kept = counts.len().saturating_sub(usize::try_from(reserved).unwrap_or(usize::MAX));
        counts[..kept].iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
