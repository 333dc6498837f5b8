//! What the calculation depends on besides the instance type and the CNI.

use serde::Serialize;

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
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
    /// networking.
    pub primary_subnet: PrimarySubnet,
    /// The addresses of the attached network interfaces; `None` if IMDS does not describe them.
    pub attached: Option<AttachedAddresses>,
}

/// Whether the subnet of the primary network interface serves pods.
///
/// Source: `IsSubnetExcluded` and `createENI`, `pkg/awsutils/awsutils.go`,
/// aws/amazon-vpc-cni-k8s v1.23.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    pub(super) fn is_excluded(self) -> bool {
        matches!(self, Self::Excluded | Self::ExcludedWithoutOther)
    }
}

/// The addresses that the CNI can assign to pods without a change to the instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachedAddresses {
    /// Those of the primary network interface, without its primary address.
    pub primary: u32,
    /// Those of each other network interface, without its primary address.
    pub others: Vec<u32>,
}

impl AttachedAddresses {
    /// Returns their number without `reserved` network interfaces, which are not identified: those
    /// with the most addresses count as reserved.
    pub(super) fn count(&self, with_primary: bool, reserved: u32) -> u32 {
        let mut others = self.others.clone();
        others.sort_unstable();
        let kept = others.len().saturating_sub(usize::try_from(reserved).unwrap_or(usize::MAX));
        let primary = if with_primary { self.primary } else { 0 };
        others[..kept].iter().fold(primary, |sum, count| sum.saturating_add(*count))
    }
}
