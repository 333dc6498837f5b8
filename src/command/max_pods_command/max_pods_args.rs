//! Flags of `max-pods`, a superset of the flags of EKS's `max-pods-calculator.sh`.

#![expect(clippy::doc_markdown, reason = "the help prints these comments")]

use super::calculator_output::{Color, Output, Sort};
use clap::{Args, ValueEnum};
use eni_core::domain::capacity::{CapacityOptions, Ceiling, NodeNetwork, PrimarySubnet};
use eni_core::domain::cni::{Addressing, Cni, IpFamily};
use eni_core::domain::cni_version::CniVersion;
use eni_core::domain::zone::Region;

/// Flags of `max-pods`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a flag of max-pods-calculator.sh")]
pub(crate) struct MaxPodsArgs {
    /// Instance type, a pattern such as 'm7g.*', or - to read types from stdin; can be repeated
    #[arg(long, value_name = "TYPE", required_unless_present = "instance_type_from_imds")]
    pub(super) instance_type: Vec<String>,
    /// Read the instance type from instance metadata; overrides --instance-type
    #[arg(long)]
    pub(super) instance_type_from_imds: bool,
    /// Version of the VPC CNI; affects prefix delegation and the trunk interface [default: 1.23.2]
    #[arg(long, value_name = "VERSION")]
    cni_version: Option<CniVersion>,
    /// Custom networking: pods use the subnet of an ENIConfig
    #[arg(long)]
    cni_custom_networking_enabled: bool,
    /// Excluded subnet: a tag such as kubernetes.io/role/cni=0 excludes the primary network interface from pods
    #[arg(long, hide_short_help = true)]
    cni_primary_subnet_excluded: bool,
    /// Prefix delegation: the CNI assigns /28 prefixes to network interfaces
    #[arg(long)]
    cni_prefix_delegation_enabled: bool,
    /// MAX_ENI of the CNI: maximum number of network interfaces; 0 means no limit
    #[arg(long, value_name = "N")]
    cni_max_eni: Option<u32>,
    /// Print max-pods without the ceiling
    #[arg(long, conflicts_with = "ceiling")]
    show_max_allowed: bool,
    /// ENABLE_POD_ENI: the trunk takes one network interface, which leaves one fewer for pods
    #[arg(long)]
    cni_pod_eni_enabled: bool,
    /// Number of network interfaces that the CNI does not manage
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    cni_reserved_enis: u32,
    /// IP family of the pods; ipv6 implies --cni-prefix-delegation-enabled
    #[arg(long, value_name = "FAMILY", default_value = "ipv4", hide_short_help = true)]
    cni_ip_family: IpFamily,
    /// ENABLE_MULTI_NIC of the CNI: pods use the network interfaces of all network cards
    #[arg(long, hide_short_help = true)]
    cni_multi_nic_enabled: bool,
    /// MINIMUM_IP_TARGET of the CNI: minimum number of IP addresses that it allocates; 0 means unset
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    cni_minimum_ip_target: u32,
    /// WARM_IP_TARGET of the CNI: number of free IP addresses that it keeps available; 0 means unset
    #[arg(long, value_name = "N", default_value_t = 0, hide_short_help = true)]
    cni_warm_ip_target: u32,
    /// Upper limit: recommended (110, or 250 above 30 vCPUs), none, or a number [default: recommended]
    #[arg(long, value_name = "CEILING")]
    ceiling: Option<Ceiling>,
    /// Operating system of the node
    #[arg(long, value_name = "OS", default_value = "linux", hide_short_help = true)]
    pub(super) os: Os,
    /// Show a diagram of the network interfaces and their addresses, and the calculation
    #[arg(long, conflicts_with_all = ["output", "lowest"])]
    pub(super) explain: bool,
    /// Output format [default: number for one instance type, table for several]
    #[arg(long, short, value_name = "FORMAT")]
    pub(super) output: Option<Output>,
    /// Print only the lowest max-pods of these instance types, as EKS uses it for their node group
    #[arg(long, conflicts_with = "output")]
    pub(super) lowest: bool,
    /// Sort order of the output
    #[arg(long, value_name = "ORDER", default_value = "name")]
    pub(super) sort: Sort,
    /// Whether to color the output
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_short_help = true)]
    pub(super) color: Color,
    /// Region in which to call EC2 for an instance type that is not in the embedded table
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub(super) region: Option<Region>,
}

/// Operating system of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Os {
    /// Linux
    Linux,
    /// Not supported; the command fails and states why
    Windows,
}

impl MaxPodsArgs {
    pub(super) fn cni(&self) -> Cni {
        let is_enabled = self.cni_prefix_delegation_enabled || self.cni_ip_family == IpFamily::Ipv6;
        Cni {
            addressing: if is_enabled {
                Addressing::Prefixes
            } else {
                Addressing::SecondaryAddresses
            },
            custom_networking: self.cni_custom_networking_enabled,
            pod_eni: self.cni_pod_eni_enabled,
            max_eni: self.cni_max_eni,
            reserved_enis: self.cni_reserved_enis,
            ip_family: self.cni_ip_family,
            multi_nic: self.cni_multi_nic_enabled,
            minimum_ip_target: self.cni_minimum_ip_target,
            warm_ip_target: self.cni_warm_ip_target,
            imds_only: false,
            disable_provisioning: false,
            version: Some(self.cni_version.unwrap_or(CniVersion::REFERENCE)),
        }
    }

    pub(super) fn options(&self) -> CapacityOptions {
        let unlimited = self.show_max_allowed.then_some(Ceiling::Unlimited);
        let ceiling = self.ceiling.or(unlimited).unwrap_or_default();
        let excluded = self.cni_primary_subnet_excluded.then_some(PrimarySubnet::Excluded);
        let network =
            NodeNetwork { primary_subnet: excluded.unwrap_or_default(), ..NodeNetwork::default() };
        CapacityOptions { ceiling, network, ..CapacityOptions::default() }
    }
}
