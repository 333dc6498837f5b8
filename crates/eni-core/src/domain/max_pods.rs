//! How many pods fit on a node, and the sum that says so.
//!
//! ```text
//! E    interfaces on the default network card, at most MAX_ENI
//! P    E − reserved − trunk − primary set aside, + those on other cards with ENABLE_MULTI_NIC
//! A    P × (IPv4 per interface − 1) × addresses per slot, at most MINIMUM_IP_TARGET where that holds it
//! pods A + pods on the host's network, at most the ceiling
//! ```
//!
//! Source: `pkg/ipamd/ipamd.go` and `scripts/gen_vpc_ip_limits.go` (aws/amazon-vpc-cni-k8s), and
//! <https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html>.

mod refusal;
mod sum;

pub use refusal::{Caveat, NoCapacity};

use crate::domain::cni::{Addressing, Cni, IpFamily};
use crate::domain::limits::{InstanceLimits, Platform, Row};
use serde::Serialize;

/// Addresses in one IPv4 prefix (`/28`).
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-prefix-eni.html>
const ADDRESSES_PER_PREFIX: u32 = 16;

/// Pods on the host's own network, which take no address: `aws-node` and `kube-proxy`.
///
/// Source: header of `misc/eni-max-pods.txt`, aws/amazon-vpc-cni-k8s.
pub const HOST_NETWORK_PODS: u32 = 2;

/// How many pods a node may be given at most, whatever its addresses allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ceiling {
    /// What EKS recommends for the type's vCPUs: 110 up to 30 of them, 250 above.
    #[default]
    Recommended,
    /// None.
    Unlimited,
    /// This many.
    At(u32),
}

/// What is asked beyond the CNI's own settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The ceiling.
    pub ceiling: Ceiling,
    /// A figure that replaces the computed one.
    pub fixed: Option<u32>,
    /// Host-network pods beyond [`HOST_NETWORK_PODS`].
    pub extra: u32,
}

/// A pod count with every term of its sum, so that each place that explains it says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Interfaces on the type's default network card.
    pub interfaces: u32,
    /// `MAX_ENI`, where it is lower than that.
    pub max_eni: Option<u32>,
    /// Interfaces that are not the CNI's to use.
    pub reserved: u32,
    /// Interfaces taken by the trunk for security groups for pods.
    pub trunk: u32,
    /// Interfaces set aside for custom networking: the primary one, or none.
    pub primary_set_aside: u32,
    /// Interfaces of other network cards that serve pods, too.
    pub other_cards: u32,
    /// Interfaces that carry pods: all of the above together.
    pub interfaces_for_pods: u32,
    /// Slots on each: its IPv4 addresses without the interface's own.
    pub slots_per_interface: u32,
    /// Addresses in a slot: 1, or 16 with prefixes.
    pub addresses_per_slot: u32,
    /// Addresses for pods: the product of the three above; `None` with IPv6, whose one /80 prefix
    /// never runs out.
    pub addresses: Option<u32>,
    /// The most that the CNI ever holds of them, where its targets set one.
    pub address_target: Option<u32>,
    /// Pods on the host's network, which need no address.
    pub host_network_pods: u32,
    /// Addresses and host-network pods together, before the ceiling; `None` with IPv6.
    pub uncapped: Option<u32>,
    /// The ceiling in force, if any.
    pub ceiling: Option<u32>,
    /// The figure that was given by hand, if any.
    pub fixed: Option<u32>,
    /// The figure for the kubelet, in pods.
    pub max_pods: u32,
    /// What the reader should know.
    pub caveats: Vec<Caveat>,
}

/// Pods that EKS recommends at most for a vCPU count: 110 up to 30 vCPUs, 250 above.
///
/// Source: `max-pods-calculator.sh`, awslabs/amazon-eks-ami.
#[must_use]
pub fn recommended_ceiling(vcpus: u32) -> u32 {
    if vcpus > 30 { 250 } else { 110 }
}

/// Works out how many pods fit.
pub fn capacity(limits: &InstanceLimits, cni: Cni, wishes: Wishes) -> Result<Capacity, NoCapacity> {
    let InstanceLimits { row, trunking } = *limits;
    let Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus } = row;
    if interfaces == 0 || ipv4_per_interface < 2 {
        return Err(NoCapacity::Nonsense { interfaces, ipv4_per_interface });
    }
    let mut caveats = Vec::new();
    let trunk = u32::from(cni.pod_eni && trunking);
    if cni.pod_eni && !trunking {
        caveats.push(Caveat::NoTrunk);
    }
    let addresses_per_slot = match (cni.addressing, platform) {
        (Addressing::SecondaryAddresses, _) => 1,
        (Addressing::Prefixes, Platform::Nitro | Platform::BareMetal) => ADDRESSES_PER_PREFIX,
        (Addressing::Prefixes, Platform::Xen) => {
            caveats.push(Caveat::PrefixesNeedNitro);
            1
        }
    };
    let ceiling = match wishes.ceiling {
        Ceiling::Recommended => Some(recommended_ceiling(vcpus)),
        Ceiling::Unlimited => None,
        Ceiling::At(most) => Some(most),
    };
    let max_eni = cni.max_eni.filter(|most| (1..interfaces).contains(most));
    let reserved = cni.reserved_enis;
    let primary_set_aside = u32::from(cni.custom_networking);
    // The CNI holds each card to MAX_ENI, and the table knows the other cards' sum alone: with
    // MAX_ENI in force none of them is counted, which is too low and never too high.
    let with_other_cards = cni.multi_nic && max_eni.is_none();
    let other_cards = if with_other_cards { interfaces_of_other_cards } else { 0 };
    let slots_per_interface = ipv4_per_interface - 1;
    let host_network_pods = HOST_NETWORK_PODS.saturating_add(wishes.extra);
    let mut capacity = Capacity {
        interfaces,
        max_eni,
        reserved,
        trunk,
        primary_set_aside,
        other_cards,
        interfaces_for_pods: 0,
        slots_per_interface,
        addresses_per_slot,
        addresses: None,
        address_target: None,
        host_network_pods,
        uncapped: None,
        ceiling,
        fixed: wishes.fixed,
        max_pods: 0,
        caveats,
    };
    match cni.ip_family {
        IpFamily::Ipv4 => capacity.count_ipv4(cni)?,
        IpFamily::Ipv6 => capacity.check_ipv6(cni)?,
    }
    capacity.decide()?;
    Ok(capacity)
}

impl Capacity {
    /// The interfaces that are left for pods, and the addresses on them. Limits may come from an
    /// endpoint that is not AWS's: no figure of theirs may overflow.
    fn count_ipv4(&mut self, cni: Cni) -> Result<(), NoCapacity> {
        let usable = self.max_eni.unwrap_or(self.interfaces);
        let taken = self.reserved.saturating_add(self.trunk).saturating_add(self.primary_set_aside);
        let on_default_card = usable.saturating_sub(taken);
        if on_default_card == 0 {
            return Err(self.none_left());
        }
        self.interfaces_for_pods = on_default_card.saturating_add(self.other_cards);
        let addresses = self
            .interfaces_for_pods
            .saturating_mul(self.slots_per_interface)
            .saturating_mul(self.addresses_per_slot);
        self.addresses = Some(addresses);
        self.address_target =
            cni.address_target(self.addresses_per_slot).filter(|target| *target < addresses);
        if self.address_target.is_some() {
            self.caveats.push(Caveat::MinimumIpTarget);
        }
        let held = self.address_target.unwrap_or(addresses);
        self.uncapped = Some(held.saturating_add(self.host_network_pods));
        Ok(())
    }

    fn none_left(&self) -> NoCapacity {
        let Self { interfaces, max_eni, reserved, trunk, primary_set_aside, .. } = *self;
        let set_aside = primary_set_aside;
        match max_eni {
            Some(max_eni) => NoCapacity::MaxEniTooLow { max_eni, set_aside, trunk, reserved },
            None if interfaces == 1 && set_aside == 1 => NoCapacity::OnlyThePrimaryInterface,
            None => NoCapacity::NoInterfaceLeft { interfaces, set_aside, trunk, reserved },
        }
    }

    /// What the CNI itself refuses. Its one /80 prefix serves any number of pods.
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

    fn decide(&mut self) -> Result<(), NoCapacity> {
        if self.uncapped.zip(self.fixed).is_some_and(|(uncapped, fixed)| fixed > uncapped) {
            self.caveats.push(Caveat::FixedAboveAddresses);
        }
        let computed = match (self.uncapped, self.ceiling) {
            (Some(uncapped), Some(most)) => Some(uncapped.min(most)),
            (uncapped, ceiling) => uncapped.or(ceiling),
        };
        self.max_pods = self.fixed.or(computed).ok_or(NoCapacity::Ipv6WithoutCeiling)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
