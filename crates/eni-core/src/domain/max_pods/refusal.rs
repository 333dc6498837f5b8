//! Why no pod count exists, with the way out; and what the reader of one should know.

use crate::error::{Advice, ExitCode};
use serde::Serialize;
use std::borrow::Cow;
use std::fmt;

/// Why no pod count exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCapacity {
    /// Custom networking sets the only interface aside.
    #[error("custom networking sets the primary interface aside, and this type has no other")]
    OnlyThePrimaryInterface,
    /// `MAX_ENI` leaves the CNI none for pods.
    #[error("MAX_ENI={max_eni} leaves no interface for pods: {}", Taken { set_aside: *set_aside, trunk: *trunk, reserved: *reserved })]
    MaxEniTooLow {
        /// `MAX_ENI`.
        max_eni: u32,
        /// Set aside for custom networking.
        set_aside: u32,
        /// Taken by the trunk.
        trunk: u32,
        /// Not the CNI's.
        reserved: u32,
    },
    /// All of them have another purpose.
    #[error("no interface is left for pods: this type has {interfaces}, {}", Taken { set_aside: *set_aside, trunk: *trunk, reserved: *reserved })]
    NoInterfaceLeft {
        /// On the default card.
        interfaces: u32,
        /// Set aside for custom networking.
        set_aside: u32,
        /// Taken by the trunk.
        trunk: u32,
        /// Not the CNI's.
        reserved: u32,
    },
    /// The CNI refuses both together.
    #[error("the VPC CNI has no custom networking in an IPv6 cluster")]
    CustomNetworkingWithIpv6,
    /// The CNI refuses IPv6 without prefixes.
    #[error("the VPC CNI has IPv6 only with prefix delegation")]
    Ipv6WithoutPrefixes,
    /// The hypervisor cannot attach prefixes.
    #[error("IPv6 needs prefixes, which this Xen type cannot have")]
    Ipv6OnXen,
    /// Nothing else limits the pods of an IPv6 node.
    #[error("in an IPv6 cluster the ceiling alone decides, and there is none")]
    Ipv6WithoutCeiling,
    /// Another operating system, with another way to get addresses.
    #[error(
        "a Windows node has one interface for all its pods, and the VPC resource controller counts its addresses"
    )]
    Windows,
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

impl Advice for NoCapacity {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::OnlyThePrimaryInterface => {
                "choose an instance type with more network interfaces, or turn custom networking off (`cni.custom-networking = false`)"
            }
            Self::MaxEniTooLow { .. } => {
                "raise MAX_ENI on the aws-node DaemonSet (`cni.max-eni` here), or set it to 0"
            }
            Self::NoInterfaceLeft { .. } => {
                "choose an instance type with more network interfaces, or turn one of these off (`cni.custom-networking`, `cni.pod-eni`, `cni.reserved-enis`)"
            }
            Self::CustomNetworkingWithIpv6 => {
                "turn custom networking off (`cni.custom-networking = false`): an IPv6 cluster has addresses enough"
            }
            Self::Ipv6WithoutPrefixes => {
                "set ENABLE_PREFIX_DELEGATION=true on the aws-node DaemonSet (`cni.prefix-delegation = true` here)"
            }
            Self::Ipv6OnXen => "choose a Nitro instance type",
            Self::Windows => "leave max-pods out on Windows nodes: EKS's Windows images set it",
            Self::Ipv6WithoutCeiling => "set pods.ceiling to recommended or a number",
            Self::Nonsense { .. } => {
                "check what `aws ec2 describe-instance-types` answers for this type"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Settings
    }
}

/// Who has the interfaces that pods do not have.
struct Taken {
    set_aside: u32,
    trunk: u32,
    reserved: u32,
}

impl fmt::Display for Taken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.set_aside > 0 {
            parts.push("custom networking sets the primary one aside".to_owned());
        }
        if self.trunk > 0 {
            parts.push("security groups for pods take one for the trunk".to_owned());
        }
        if self.reserved > 0 {
            parts.push(format!("{} reserved", self.reserved));
        }
        formatter.write_str(&parts.join(", "))
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
    /// `MINIMUM_IP_TARGET` without `WARM_IP_TARGET` keeps the CNI from ever holding more.
    MinimumIpTarget,
    /// Security groups for pods are on, and the type can have no trunk: such pods never start.
    NoTrunk,
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
            Self::MinimumIpTarget => {
                "MINIMUM_IP_TARGET without WARM_IP_TARGET: the CNI never holds more addresses than that; set WARM_IP_TARGET to let it grow"
            }
            Self::NoTrunk => {
                "this type can have no trunk interface: pods that ask for a security group of their own never start here"
            }
        })
    }
}
