//! Computes max-pods, the number of pods that the kubelet of a node accepts.
//!
//! ```text
//! usable     interfaces of the default network card, at most MAX_ENI
//! for pods   usable − reserved − trunk − primary interface under custom networking, or if a tag
//!            excludes its subnet − attached interfaces in excluded subnets
//!            + interfaces of the other network cards with ENABLE_MULTI_NIC
//! addresses  for pods × (IPv4 addresses per interface − 1) × addresses per slot
//!            at most MINIMUM_IP_TARGET if WARM_IP_TARGET is unset
//!            or those of the attached interfaces, if the CNI adds none
//! max-pods   addresses + host-network pods, at most the ceiling
//! ```
//!
//! Source: `pkg/ipamd/ipamd.go` and `scripts/gen_vpc_ip_limits.go` (aws/amazon-vpc-cni-k8s), and
//! <https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html>.

mod assumed_version;
mod calculation;
mod features;
mod ipv6;
mod no_capacity;
mod options;
mod picture;
mod rows;

pub use no_capacity::{Excluded, NoCapacity};
pub use options::{
    AttachedAddresses, CapacityOptions, Ceiling, InterfaceAddresses, MaxPodsOverride, NodeNetwork,
    PrimarySubnet,
};
pub use picture::picture;
pub use rows::{InterfaceRow, InterfaceUse, Term};

use crate::diagnostic::{Code, Diagnostic};
use crate::domain::cni::{Cni, IpFamily};
use crate::domain::instance_limits::InstanceLimits;
use features::{Features, features};
pub(crate) use features::{addresses_per_slot, counts_interfaces};
use serde::{Deserialize, Serialize};

/// Host-network pods on every node, which use no IP address of the CNI: `aws-node` and
/// `kube-proxy`.
///
/// Source: header of `misc/eni-max-pods.txt`, aws/amazon-vpc-cni-k8s.
pub const HOST_NETWORK_PODS: u32 = 2;

/// max-pods with every term of the calculation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Network interfaces whose subnet a tag excludes from pods: 1, the primary one, or 0.
    pub primary_excluded: u32,
    /// Attached network interfaces, without the primary one, whose subnet a tag excludes from pods.
    pub attached_excluded: u32,
    /// Network interfaces that the CNI cannot create, because a tag excludes the only subnet that it
    /// would use.
    pub not_created: u32,
    /// Network interfaces of the other network cards that serve pods.
    pub other_cards: u32,
    /// Network interfaces that serve pods, on all cards.
    pub interfaces_for_pods: u32,
    /// Secondary IPv4 addresses, or prefixes, on each of these interfaces.
    pub slots_per_interface: u32,
    /// Addresses in each slot: 1, or [`ADDRESSES`](crate::domain::prefixes::ADDRESSES) with prefix
    /// delegation.
    pub addresses_per_slot: u32,
    /// IPv4 addresses for pods: the product of the three fields above, or
    /// `attached_addresses`. `None` with IPv6, where one /80 prefix serves every pod.
    pub addresses: Option<u32>,
    /// Addresses of the attached network interfaces, if the CNI adds no others.
    pub attached_addresses: Option<u32>,
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

impl Capacity {
    /// Returns max-pods for an instance type with these limits and this CNI configuration.
    ///
    /// # Errors
    ///
    /// [`NoCapacity`] if no pod can get an address, or if the CNI rejects the configuration. An unknown
    /// version of the CNI is no reason.
    pub fn compute(
        limits: &InstanceLimits,
        cni: Cni,
        options: CapacityOptions,
    ) -> Result<Self, NoCapacity> {
        Self::of_version(limits, cni, options.clone())
            .or_else(|error| Self::of_other_version(limits, cni, options, error))
    }

    fn of_version(
        limits: &InstanceLimits,
        cni: Cni,
        options: CapacityOptions,
    ) -> Result<Self, NoCapacity> {
        let InstanceLimits { interfaces, ipv4_per_interface, .. } = *limits;
        if interfaces == 0 || ipv4_per_interface < 2 {
            return Err(NoCapacity::InvalidLimits { interfaces, ipv4_per_interface });
        }
        let Features { trunk, addresses_per_slot, diagnostics } = features(limits, cni);
        let CapacityOptions { ceiling, max_pods_override, extra, network } = options;
        let is_excluded = !cni.custom_networking && network.primary_subnet.is_excluded();
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
            primary_excluded: u32::from(is_excluded),
            attached_excluded: network.attached_excluded,
            not_created: 0,
            other_cards: if counts_other_cards { limits.interfaces_of_other_cards } else { 0 },
            interfaces_for_pods: 0,
            slots_per_interface: ipv4_per_interface - 1,
            addresses_per_slot,
            addresses: None,
            attached_addresses: None,
            address_target: None,
            host_network_pods: HOST_NETWORK_PODS.saturating_add(extra),
            uncapped: None,
            ceiling,
            max_pods_override,
            max_pods: 0,
            diagnostics,
        };
        match cni.ip_family {
            IpFamily::Ipv4 if cni.uses_attached_only() => {
                capacity.count_attached(cni, &network)?;
            }
            IpFamily::Ipv4 => capacity.count_ipv4(cni, &network)?,
            IpFamily::Ipv6 => capacity.check_ipv6(limits, cni, network.primary_subnet)?,
        }
        capacity.decide()?;
        Ok(capacity)
    }

    /// Counts the network interfaces for pods and their addresses. The limits may come from an
    /// endpoint that is not AWS, so no operation may overflow.
    fn count_ipv4(&mut self, cni: Cni, network: &NodeNetwork) -> Result<(), NoCapacity> {
        let managed = self.max_eni.unwrap_or(self.interfaces).saturating_sub(self.reserved);
        let managed = managed.saturating_sub(self.attached_excluded);
        self.trunk = self.trunk_of(managed);
        let without_primary = self.primary_set_aside + self.primary_excluded;
        let on_default_card = managed.saturating_sub(self.trunk).saturating_sub(without_primary);
        if on_default_card == 0 {
            return Err(self.no_interface_left());
        }
        let attached = network.attached_for_pods;
        let existing = match network.primary_subnet {
            _ if cni.custom_networking => None,
            PrimarySubnet::ExcludedWithoutOther if attached == 0 => {
                return Err(NoCapacity::NoSubnetForPods { ip_family: cni.ip_family });
            }
            PrimarySubnet::ExcludedWithoutOther => Some(attached),
            PrimarySubnet::NoNewInterfaces => Some(attached.saturating_add(1)),
            PrimarySubnet::Included | PrimarySubnet::Excluded => None,
        };
        self.interfaces_for_pods = match existing {
            Some(existing) => {
                self.not_created = on_default_card.saturating_sub(existing);
                self.other_cards = 0;
                existing.min(on_default_card)
            }
            None => on_default_card.saturating_add(self.other_cards),
        };
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

    /// Counts the addresses of the attached network interfaces. A max-pods in the settings replaces the
    /// result, so it also applies if they have none or are unknown.
    ///
    /// Source: `disableENIProvisioning`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s.
    fn count_attached(&mut self, cni: Cni, network: &NodeNetwork) -> Result<(), NoCapacity> {
        let is_replaced = self.max_pods_override.is_some();
        self.primary_set_aside = 0;
        self.trunk = 0;
        self.attached_excluded = 0;
        self.primary_excluded = u32::from(network.primary_subnet.is_excluded());
        let Some(attached) = &network.attached else {
            return if is_replaced { Ok(()) } else { Err(NoCapacity::AttachedInterfacesUnknown) };
        };
        let per_slot = self.addresses_per_slot;
        let of_primary = match self.primary_excluded {
            0 => attached.of_primary(cni.custom_networking, per_slot),
            _ => 0,
        };
        let of_others = attached.of_others(self.reserved, per_slot);
        self.reserved = 0;
        let addresses = of_primary.saturating_add(of_others);
        if addresses == 0 && !is_replaced {
            return Err(NoCapacity::NoAttachedAddress { prefixes: per_slot > 1 });
        }
        self.attached_addresses = Some(addresses);
        self.addresses = Some(addresses);
        self.uncapped = Some(addresses.saturating_add(self.host_network_pods));
        Ok(())
    }

    fn no_interface_left(&self) -> NoCapacity {
        let Self { interfaces, max_eni, primary_set_aside: set_aside, .. } = *self;
        let excluded = Excluded {
            set_aside,
            subnet: self.primary_excluded,
            attached: self.attached_excluded,
            trunk: self.trunk,
            reserved: self.reserved,
        };
        match max_eni {
            Some(max_eni) => NoCapacity::MaxEniTooLow { max_eni, excluded },
            None if interfaces == 1 && set_aside == 1 => NoCapacity::OnlyThePrimaryInterface,
            None => NoCapacity::NoInterfaceLeft { interfaces, excluded },
        }
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
