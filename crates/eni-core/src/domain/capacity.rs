//! Computes max-pods, the number of pods that the kubelet of a node accepts.
//!
//! ```text
//! usable     interfaces of the default network card, at most MAX_ENI
//! for pods   usable − reserved − trunk − primary interface under custom networking
//!            + interfaces of the other network cards with ENABLE_MULTI_NIC
//! addresses  for pods × (IPv4 addresses per interface − 1) × addresses per slot
//!            at most MINIMUM_IP_TARGET if WARM_IP_TARGET is unset
//! max-pods   addresses + host-network pods, at most the ceiling
//! ```
//!
//! Source: `pkg/ipamd/ipamd.go` and `scripts/gen_vpc_ip_limits.go` (aws/amazon-vpc-cni-k8s), and
//! <https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html>.

mod calculation;
mod no_capacity;

pub use no_capacity::NoCapacity;

use crate::diagnostic::{Code, Diagnostic};
use crate::domain::cni::{Addressing, Cni, IpFamily};
use crate::domain::instance_limits::{InstanceLimits, Platform};
use crate::domain::prefixes;
use serde::Serialize;

/// Host-network pods on every node, which use no IP address of the CNI: `aws-node` and
/// `kube-proxy`.
///
/// Source: header of `misc/eni-max-pods.txt`, aws/amazon-vpc-cni-k8s.
pub(crate) const HOST_NETWORK_PODS: u32 = 2;

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
    /// Host-network pods in addition to [`HOST_NETWORK_PODS`].
    pub extra: u32,
}

/// max-pods with every term of the calculation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Network interfaces of the default network card.
    pub interfaces: u32,
    /// `MAX_ENI`, if it is lower than `interfaces`.
    pub max_eni: Option<u32>,
    /// Network interfaces that the CNI does not manage.
    pub reserved: u32,
    /// Network interfaces that the trunk for security groups for pods uses: 0 or 1.
    pub trunk: u32,
    /// Network interfaces that custom networking excludes: 1, the primary one, or 0.
    pub primary_set_aside: u32,
    /// Network interfaces of the other network cards that serve pods.
    pub other_cards: u32,
    /// Network interfaces that serve pods, on all cards.
    pub interfaces_for_pods: u32,
    /// Secondary IPv4 addresses, or prefixes, on each of these interfaces.
    pub slots_per_interface: u32,
    /// Addresses in each slot: 1, or [`prefixes::ADDRESSES`] with prefix delegation.
    pub addresses_per_slot: u32,
    /// IPv4 addresses for pods: the product of the three fields above. `None` with IPv6, where one
    /// /80 prefix serves every pod.
    pub addresses: Option<u32>,
    /// Maximum number of addresses that the CNI allocates, if `MINIMUM_IP_TARGET` limits it.
    pub address_target: Option<u32>,
    /// Host-network pods, which use no IP address of the CNI.
    pub host_network_pods: u32,
    /// Addresses plus host-network pods, before the ceiling. `None` with IPv6.
    pub uncapped: Option<u32>,
    /// Upper limit of the computed value; `None` if there is no limit.
    pub ceiling: Option<u32>,
    /// The value that replaces the computed one; `None` if max-pods is computed.
    pub max_pods_override: Option<MaxPodsOverride>,
    /// The value for the kubelet.
    pub max_pods: u32,
    /// Notes to the operator about the calculation.
    #[serde(skip)]
    pub diagnostics: Vec<Diagnostic>,
}

/// Returns the number of pods that EKS recommends as the maximum: 110 up to 30 vCPUs, 250 above.
///
/// Source: `max-pods-calculator.sh`, awslabs/amazon-eks-ami.
#[must_use]
pub(crate) fn recommended_ceiling(vcpus: u32) -> u32 {
    if vcpus > 30 { 250 } else { 110 }
}

/// Returns the number of trunk interfaces and the addresses per slot, with notes on features that
/// the instance type does not support.
fn features(limits: &InstanceLimits, cni: Cni) -> (u32, u32, Vec<Diagnostic>) {
    let mut diagnostics = Vec::new();
    if cni.pod_eni && !limits.trunking {
        diagnostics.push(Diagnostic::warning(
            Code::NoTrunkInterface,
            "this instance type supports no trunk interface, so pods with a SecurityGroupPolicy cannot start on this node",
            "schedule these pods on instance types that support trunk interfaces",
        ));
    }
    let addresses_per_slot = match (cni.addressing, limits.platform) {
        (Addressing::SecondaryAddresses, _) => 1,
        (Addressing::Prefixes, Platform::Nitro | Platform::BareMetal) => prefixes::ADDRESSES,
        (Addressing::Prefixes, Platform::Xen) => {
            diagnostics.push(Diagnostic::warning(
                Code::PrefixesNeedNitro,
                "prefix delegation requires a Nitro or bare metal instance type; on this Xen instance type the CNI falls back to secondary IPv4 addresses",
                "choose a Nitro instance type if the node needs more pods",
            ));
            1
        }
    };
    (u32::from(cni.pod_eni && limits.trunking), addresses_per_slot, diagnostics)
}

impl Capacity {
    /// Returns max-pods for an instance type with these limits and this CNI configuration.
    ///
    /// # Errors
    ///
    /// [`NoCapacity`] if no pod can get an address, or if the CNI rejects the configuration.
    pub fn compute(
        limits: &InstanceLimits,
        cni: Cni,
        options: CapacityOptions,
    ) -> Result<Self, NoCapacity> {
        let InstanceLimits { interfaces, ipv4_per_interface, .. } = *limits;
        if interfaces == 0 || ipv4_per_interface < 2 {
            return Err(NoCapacity::InvalidLimits { interfaces, ipv4_per_interface });
        }
        let (trunk, addresses_per_slot, diagnostics) = features(limits, cni);
        let CapacityOptions { ceiling, max_pods_override, extra } = options;
        let ceiling = match ceiling {
            Ceiling::Recommended => Some(recommended_ceiling(limits.vcpus)),
            Ceiling::Unlimited => None,
            Ceiling::At(limit) => Some(limit),
        };
        let max_eni = cni.max_eni.filter(|limit| (1..interfaces).contains(limit));
        // The CNI applies MAX_ENI to each card, and the table has only the total of the other
        // cards. With an effective MAX_ENI they are not counted: the result may be too low, but
        // never too high.
        let counts_other_cards = cni.multi_nic && max_eni.is_none();
        let mut capacity = Self {
            interfaces,
            max_eni,
            reserved: cni.reserved_enis,
            trunk,
            primary_set_aside: u32::from(cni.custom_networking),
            other_cards: if counts_other_cards { limits.interfaces_of_other_cards } else { 0 },
            interfaces_for_pods: 0,
            slots_per_interface: ipv4_per_interface - 1,
            addresses_per_slot,
            addresses: None,
            address_target: None,
            host_network_pods: HOST_NETWORK_PODS.saturating_add(extra),
            uncapped: None,
            ceiling,
            max_pods_override,
            max_pods: 0,
            diagnostics,
        };
        match cni.ip_family {
            IpFamily::Ipv4 => capacity.count_ipv4(cni)?,
            IpFamily::Ipv6 => capacity.check_ipv6(cni)?,
        }
        capacity.decide()?;
        Ok(capacity)
    }

    /// Counts the network interfaces for pods and their addresses. The limits may come from an
    /// endpoint that is not AWS, so no operation may overflow.
    fn count_ipv4(&mut self, cni: Cni) -> Result<(), NoCapacity> {
        let usable = self.max_eni.unwrap_or(self.interfaces);
        let excluded =
            self.reserved.saturating_add(self.trunk).saturating_add(self.primary_set_aside);
        let on_default_card = usable.saturating_sub(excluded);
        if on_default_card == 0 {
            return Err(self.no_interface_left());
        }
        self.interfaces_for_pods = on_default_card.saturating_add(self.other_cards);
        let addresses = self
            .interfaces_for_pods
            .saturating_mul(self.slots_per_interface)
            .saturating_mul(self.addresses_per_slot);
        self.addresses = Some(addresses);
        self.address_target =
            cni.address_target(self.addresses_per_slot).filter(|target| *target < addresses);
        if let Some(target) = self.address_target {
            self.diagnostics.push(Diagnostic::warning(
                Code::MinimumIpTargetCaps,
                format!("MINIMUM_IP_TARGET without WARM_IP_TARGET limits the CNI to {target} IP addresses on this node"),
                "set WARM_IP_TARGET on the aws-node DaemonSet to allow more: `kubectl -n kube-system set env daemonset aws-node WARM_IP_TARGET=1`",
            ));
        }
        let available = self.address_target.unwrap_or(addresses);
        self.uncapped = Some(available.saturating_add(self.host_network_pods));
        Ok(())
    }

    fn no_interface_left(&self) -> NoCapacity {
        let Self { interfaces, max_eni, reserved, trunk, primary_set_aside, .. } = *self;
        let set_aside = primary_set_aside;
        match max_eni {
            Some(max_eni) => NoCapacity::MaxEniTooLow { max_eni, set_aside, trunk, reserved },
            None if interfaces == 1 && set_aside == 1 => NoCapacity::OnlyThePrimaryInterface,
            None => NoCapacity::NoInterfaceLeft { interfaces, set_aside, trunk, reserved },
        }
    }

    /// Rejects what the CNI rejects in an IPv6 cluster.
    fn check_ipv6(&mut self, cni: Cni) -> Result<(), NoCapacity> {
        if cni.custom_networking {
            return Err(NoCapacity::CustomNetworkingWithIpv6);
        }
        if cni.addressing != Addressing::Prefixes {
            return Err(NoCapacity::Ipv6WithoutPrefixes);
        }
        if self.addresses_per_slot == 1 {
            return Err(NoCapacity::Ipv6OnXen);
        }
        self.interfaces_for_pods = 1;
        Ok(())
    }

    /// Sets max-pods: the override, or the computed value up to the ceiling.
    fn decide(&mut self) -> Result<(), NoCapacity> {
        let replaced_by = self.max_pods_override.as_ref().map(MaxPodsOverride::value);
        if let Some((uncapped, value)) = self.uncapped.zip(replaced_by)
            && value > uncapped
        {
            self.diagnostics.push(Diagnostic::warning(
                Code::MaxPodsAboveCapacity,
                format!("max-pods {value} exceeds the capacity of this node, which is {uncapped} pods; additional pods stay in ContainerCreating without an IP address"),
                format!("set max-pods to {uncapped} or less"),
            ));
        }
        let computed = match (self.uncapped, self.ceiling) {
            (Some(uncapped), Some(limit)) => Some(uncapped.min(limit)),
            (uncapped, ceiling) => uncapped.or(ceiling),
        };
        self.max_pods = replaced_by.or(computed).ok_or(NoCapacity::Ipv6WithoutCeiling)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
