//! How many pods fit on a node, and the sum that says so.
//!
//! ```text
//! (interfaces − primary set aside) × (IPv4 per interface − 1) × addresses per slot + host-network pods
//! ```
//!
//! then the ceiling. Source: `scripts/gen_vpc_ip_limits.go` (aws/amazon-vpc-cni-k8s), and
//! <https://docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html>.

use crate::domain::cni::{Addressing, Cni};
use crate::domain::limits::{InstanceLimits, Platform};
use serde::Serialize;
use std::fmt;

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

/// Why no pod could ever get an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCapacity {
    /// Custom networking sets the only interface aside.
    #[error("custom networking sets the primary interface aside, and this type has no other")]
    OnlyThePrimaryInterface,
    /// `MAX_ENI` leaves the CNI the primary interface alone.
    #[error("custom networking sets the primary interface aside, and MAX_ENI={0} allows no other")]
    MaxEniTooLow(u32),
    /// EC2 gave limits that no type has.
    #[error(
        "the type's limits make no sense: {interfaces} interfaces of {ipv4_per_interface} addresses"
    )]
    Nonsense {
        /// Interfaces on the default network card.
        interfaces: u32,
        /// IPv4 addresses on each.
        ipv4_per_interface: u32,
    },
}

impl NoCapacity {
    /// The way out.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::OnlyThePrimaryInterface => {
                "choose an instance type with more network interfaces, or turn custom networking off (`cni.custom-networking = false`)"
            }
            Self::MaxEniTooLow(_) => {
                "set MAX_ENI to 2 or more on the aws-node DaemonSet (`cni.max-eni` here)"
            }
            Self::Nonsense { .. } => {
                "check what `aws ec2 describe-instance-types` answers for this type"
            }
        }
    }
}

/// Something that the reader of a figure should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Caveat {
    /// Prefix delegation was asked for on Xen, where the CNI falls back to secondary addresses.
    PrefixesNeedNitro,
    /// A fixed figure is above what the node's addresses can serve.
    FixedAboveAddresses,
}

impl fmt::Display for Caveat {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::PrefixesNeedNitro => {
                "prefix delegation needs Nitro or bare metal; on this Xen type the CNI falls back to secondary addresses"
            }
            Self::FixedAboveAddresses => {
                "the fixed figure is above what this node's addresses can serve: pods beyond them hang in ContainerCreating"
            }
        })
    }
}

/// A pod count with every term of its sum, so that each place that explains it says the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Capacity {
    /// Interfaces on the type's default network card.
    pub interfaces: u32,
    /// `MAX_ENI`, where it is lower than that.
    pub max_eni: Option<u32>,
    /// Interfaces set aside for custom networking: the primary one, or none.
    pub primary_set_aside: u32,
    /// Interfaces that carry pods.
    pub interfaces_for_pods: u32,
    /// Slots on each: its IPv4 addresses without the interface's own.
    pub slots_per_interface: u32,
    /// Addresses in a slot: 1, or 16 with prefixes.
    pub addresses_per_slot: u32,
    /// Addresses for pods: the product of the three above.
    pub addresses: u32,
    /// Pods on the host's network, which need no address.
    pub host_network_pods: u32,
    /// Addresses and host-network pods together, before the ceiling.
    pub uncapped: u32,
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
    let InstanceLimits { interfaces, ipv4_per_interface, platform, vcpus } = *limits;
    if interfaces == 0 || ipv4_per_interface < 2 {
        return Err(NoCapacity::Nonsense { interfaces, ipv4_per_interface });
    }
    let max_eni = cni.max_eni.filter(|most| (1..interfaces).contains(most));
    let usable = max_eni.unwrap_or(interfaces);
    let primary_set_aside = u32::from(cni.custom_networking);
    let interfaces_for_pods = usable.saturating_sub(primary_set_aside);
    if interfaces_for_pods == 0 {
        return Err(max_eni.map_or(NoCapacity::OnlyThePrimaryInterface, NoCapacity::MaxEniTooLow));
    }
    let mut caveats = Vec::new();
    let addresses_per_slot = match (cni.addressing, platform) {
        (Addressing::SecondaryAddresses, _) => 1,
        (Addressing::Prefixes, Platform::Nitro | Platform::BareMetal) => ADDRESSES_PER_PREFIX,
        (Addressing::Prefixes, Platform::Xen) => {
            caveats.push(Caveat::PrefixesNeedNitro);
            1
        }
    };
    let slots_per_interface = ipv4_per_interface - 1;
    // Limits may come from an endpoint that is not AWS's: no figure of theirs may overflow.
    let addresses =
        interfaces_for_pods.saturating_mul(slots_per_interface).saturating_mul(addresses_per_slot);
    let host_network_pods = HOST_NETWORK_PODS.saturating_add(wishes.extra);
    let uncapped = addresses.saturating_add(host_network_pods);
    let ceiling = match wishes.ceiling {
        Ceiling::Recommended => Some(recommended_ceiling(vcpus)),
        Ceiling::Unlimited => None,
        Ceiling::At(most) => Some(most),
    };
    if wishes.fixed.is_some_and(|fixed| fixed > uncapped) {
        caveats.push(Caveat::FixedAboveAddresses);
    }
    let max_pods = wishes.fixed.unwrap_or(ceiling.map_or(uncapped, |most| uncapped.min(most)));
    Ok(Capacity {
        interfaces,
        max_eni,
        primary_set_aside,
        interfaces_for_pods,
        slots_per_interface,
        addresses_per_slot,
        addresses,
        host_network_pods,
        uncapped,
        ceiling,
        fixed: wishes.fixed,
        max_pods,
        caveats,
    })
}

/// The sum on one line, so that a person can do it again from the log.
impl fmt::Display for Capacity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interfaces = if self.interfaces == 1 { "interface" } else { "interfaces" };
        write!(formatter, "{} pods: {} {interfaces}", self.max_pods, self.interfaces)?;
        if let Some(most) = self.max_eni {
            write!(formatter, ", MAX_ENI {most}")?;
        }
        if self.primary_set_aside > 0 {
            write!(formatter, " − {} for custom networking", self.primary_set_aside)?;
        }
        write!(formatter, ", {} × {} slots", self.interfaces_for_pods, self.slots_per_interface)?;
        if self.addresses_per_slot > 1 {
            write!(formatter, " × {} addresses", self.addresses_per_slot)?;
        }
        write!(
            formatter,
            " + {} on the host's network = {}",
            self.host_network_pods, self.uncapped
        )?;
        match (self.fixed, self.ceiling) {
            (Some(fixed), _) => write!(formatter, ", set by hand to {fixed}"),
            (None, Some(most)) if most < self.uncapped => write!(formatter, ", ceiling {most}"),
            (None, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
