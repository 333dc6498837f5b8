//! Reasons why max-pods cannot be computed, with help for each.

use crate::domain::cni::IpFamily;
use crate::domain::cni_version::CniVersion;
use crate::domain::plural::counted;
use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::fmt;

/// Why max-pods cannot be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoCapacity {
    /// The instance type has one network interface, and custom networking excludes it.
    #[error(
        "custom networking excludes the primary network interface, and this instance type has no other"
    )]
    OnlyThePrimaryInterface,
    /// `MAX_ENI` leaves no network interface for pods.
    #[error("MAX_ENI={max_eni} leaves no network interface for pods: {excluded}")]
    MaxEniTooLow {
        /// `MAX_ENI`.
        max_eni: u32,
        /// What uses them.
        excluded: Excluded,
    },
    /// Every network interface has another purpose.
    #[error("no network interface is left for pods: this instance type has {}, but {excluded}", counted(*interfaces, "network interface"))]
    NoInterfaceLeft {
        /// Network interfaces of the default network card.
        interfaces: u32,
        /// What uses them.
        excluded: Excluded,
    },
    /// A tag excludes the subnet of the node, and subnet discovery finds no other.
    #[error(
        "a tag excludes the subnet of the primary network interface from pods, and the VPC CNI finds no other subnet in the zone"
    )]
    NoSubnetForPods {
        /// The IP family of the cluster.
        ip_family: IpFamily,
    },
    /// The CNI uses only attached network interfaces, and IMDS did not describe them.
    #[error(
        "the VPC CNI uses only the attached network interfaces, and instance metadata does not describe them"
    )]
    AttachedInterfacesUnknown,
    /// The CNI uses only attached network interfaces, which have no address for a pod.
    #[error(
        "the VPC CNI uses only the attached network interfaces, and they have no {} for pods",
        if *prefixes { "IPv4 prefix" } else { "secondary IPv4 address" }
    )]
    NoAttachedAddress {
        /// Whether pods get the addresses of prefixes, and not secondary IPv4 addresses.
        prefixes: bool,
    },
    /// The CNI rejects custom networking in an IPv6 cluster.
    #[error("the VPC CNI does not support custom networking in an IPv6 cluster")]
    CustomNetworkingWithIpv6,
    /// The CNI rejects IPv6 without prefix delegation.
    #[error("the VPC CNI requires prefix delegation in an IPv6 cluster")]
    Ipv6WithoutPrefixes,
    /// A Xen instance type cannot attach prefixes.
    #[error(
        "the VPC CNI requires a Nitro or bare metal instance type in an IPv6 cluster, and this instance type is Xen"
    )]
    Ipv6OnXen,
    /// The version of the CNI supports no prefixes, which IPv6 requires.
    #[error(
        "the VPC CNI requires prefix delegation in an IPv6 cluster, and version {version} of the CNI does not support it"
    )]
    Ipv6NotInVersion {
        /// The version of the CNI.
        version: CniVersion,
    },
    /// Nothing but the ceiling limits the pods of an IPv6 node.
    #[error("in an IPv6 cluster, only the ceiling limits max-pods, and pods.ceiling is \"none\"")]
    Ipv6WithoutCeiling,
    /// Windows nodes get their IP addresses in another way.
    #[error(
        "a Windows node uses one network interface for all pods, and the VPC resource controller manages its addresses"
    )]
    Windows,
    /// EC2 returned limits that no instance type has.
    #[error(
        "the limits of the instance type are invalid: {} with {ipv4_per_interface} IPv4 addresses each", counted(*interfaces, "network interface")
    )]
    InvalidLimits {
        /// Network interfaces of the default network card.
        interfaces: u32,
        /// IPv4 addresses of each network interface.
        ipv4_per_interface: u32,
    },
}

/// What uses the network interfaces that do not serve pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Excluded {
    /// Network interfaces that custom networking excludes.
    pub set_aside: u32,
    /// Network interfaces whose subnet a tag excludes.
    pub subnet: u32,
    /// Attached network interfaces, without the primary one, whose subnet a tag excludes.
    pub attached: u32,
    /// Network interfaces that the trunk uses.
    pub trunk: u32,
    /// Network interfaces that the CNI does not manage.
    pub reserved: u32,
}

impl fmt::Display for Excluded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.set_aside > 0 {
            parts.push("custom networking excludes the primary one".to_owned());
        }
        if self.subnet > 0 {
            parts.push("a tag excludes the subnet of the primary one".to_owned());
        }
        match self.attached {
            0 => {}
            1 => parts.push("a tag excludes the subnet of 1 attached network interface".to_owned()),
            many => parts
                .push(format!("tags exclude the subnets of {many} attached network interfaces")),
        }
        if self.trunk > 0 {
            parts.push("security groups for pods use one for the trunk interface".to_owned());
        }
        match self.reserved {
            0 => {}
            1 => parts.push("1 is reserved".to_owned()),
            many => parts.push(format!("{many} are reserved")),
        }
        match parts.split_last() {
            Some((last, rest)) if !rest.is_empty() => {
                write!(formatter, "{} and {last}", rest.join(", "))
            }
            _ => formatter.write_str(&parts.concat()),
        }
    }
}

impl Advice for NoCapacity {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::OnlyThePrimaryInterface => {
                "choose an instance type with more network interfaces, or disable custom networking (`cni.custom-networking = false`)"
            }
            Self::MaxEniTooLow { excluded, .. } | Self::NoInterfaceLeft { excluded, .. }
                if excluded.attached > 0 =>
            {
                "detach the network interfaces in the excluded subnets, or replace the node"
            }
            Self::MaxEniTooLow { .. } => {
                "increase MAX_ENI on the aws-node DaemonSet (or `cni.max-eni` in the settings), or set it to 0 for no limit"
            }
            Self::NoInterfaceLeft { excluded, .. } if excluded.subnet > 0 => {
                "choose an instance type with more network interfaces, remove the tag kubernetes.io/role/cni from the subnet of the node, or disable one of `cni.pod-eni` and `cni.reserved-enis`"
            }
            Self::NoInterfaceLeft { .. } => {
                "choose an instance type with more network interfaces, or disable one of `cni.custom-networking`, `cni.pod-eni` and `cni.reserved-enis`"
            }
            Self::NoSubnetForPods { ip_family: IpFamily::Ipv4 } => {
                "set the tag kubernetes.io/role/cni=1 on another subnet in the zone, remove kubernetes.io/role/cni from the subnet of the node, or use custom networking; set `cni.primary-subnet-excluded` to false if the CNI does not read the tags"
            }
            Self::NoSubnetForPods { ip_family: IpFamily::Ipv6 } => {
                "set the tag kubernetes.io/role/cni=1 on another subnet in the zone, or remove kubernetes.io/role/cni from the subnet of the node; set `cni.primary-subnet-excluded` to false if the CNI does not read the tags"
            }
            Self::AttachedInterfacesUnknown => {
                "check that the instance metadata service responds to requests for meta-data/network/interfaces/macs/, or set `pods.max`"
            }
            Self::NoAttachedAddress { prefixes: false } => {
                "assign secondary IPv4 addresses to a network interface of the instance, remove ENABLE_IMDS_ONLY_MODE and DISABLE_NETWORK_RESOURCE_PROVISIONING from the aws-node DaemonSet, or set `pods.max` if they are assigned later"
            }
            Self::NoAttachedAddress { prefixes: true } => {
                "assign IPv4 prefixes to a network interface of the instance (with custom networking, not to the primary one), remove ENABLE_IMDS_ONLY_MODE and DISABLE_NETWORK_RESOURCE_PROVISIONING from the aws-node DaemonSet, or set `pods.max` if they are assigned later"
            }
            Self::CustomNetworkingWithIpv6 => {
                "disable custom networking (`cni.custom-networking = false`): an IPv6 cluster does not need it"
            }
            Self::Ipv6WithoutPrefixes => {
                "set ENABLE_PREFIX_DELEGATION=true on the aws-node DaemonSet (or `cni.prefix-delegation = true` in the settings)"
            }
            Self::Ipv6OnXen => "choose a Nitro instance type",
            Self::Ipv6NotInVersion { .. } => "upgrade the CNI to 1.10.0 or later",
            Self::Windows => "do not set max-pods on Windows nodes: the EKS Windows images set it",
            Self::Ipv6WithoutCeiling => "set `pods.ceiling` to \"recommended\" or to a number",
            Self::InvalidLimits { .. } => {
                "compare with the output of `aws ec2 describe-instance-types --instance-types TYPE`"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            // The instance metadata service may respond later.
            Self::AttachedInterfacesUnknown => ExitCode::Unavailable,
            _ => ExitCode::Settings,
        }
    }
}
