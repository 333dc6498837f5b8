//! Flags of `max-pods`, a superset of the flags of EKS's `max-pods-calculator.sh`.

#![expect(clippy::doc_markdown, reason = "the help prints these comments")]

use super::calculation::Sort;
use super::output::{Color, Output};
use clap::{Args, ValueEnum};
use eni_bootstrap::command::max_pods_command::CalculatorArgs;
use eni_core::domain::capacity::{CapacityOptions, Ceiling, NodeNetwork, PrimarySubnet};
use eni_core::domain::cni::{Addressing, Cni, IpFamily};
use std::path::PathBuf;

/// Flags of `max-pods`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a flag")]
pub(crate) struct MaxPodsArgs {
    /// Instance types, patterns such as 'm7g.*', or - to read them from stdin
    #[arg(value_name = "TYPE", required_unless_present = "instance_type")]
    types: Vec<String>,
    /// Same as TYPE, as in max-pods-calculator.sh; can be repeated
    #[arg(long, value_name = "TYPE", hide_short_help = true)]
    instance_type: Vec<String>,
    /// Read the CNI configuration from the aws-node DaemonSet of the cluster
    #[arg(long, conflicts_with_all = FROM_DAEMON_SET)]
    pub(super) cni_from_cluster: bool,
    #[command(flatten)]
    calculator: CalculatorArgs,
    /// ENABLE_POD_ENI: the trunk takes one network interface, which leaves one fewer for pods
    #[arg(long)]
    cni_pod_eni_enabled: bool,
    /// Excluded subnet: a tag such as kubernetes.io/role/cni=0 excludes the primary network interface from pods
    #[arg(long, hide_short_help = true)]
    cni_primary_subnet_excluded: bool,
    /// Number of network interfaces that the CNI does not manage
    #[arg(long, value_name = "N", hide_short_help = true)]
    cni_reserved_enis: Option<u32>,
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
    #[arg(long, value_name = "CEILING", conflicts_with = "show_max_allowed")]
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
    /// File of `kubectl eni limits refresh`, whose rows override the embedded table
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(super) table: Option<PathBuf>,
}

/// The flags whose values are in the DaemonSet.
const FROM_DAEMON_SET: [&str; 9] = [
    "cni_version",
    "cni_custom_networking_enabled",
    "cni_prefix_delegation_enabled",
    "cni_max_eni",
    "cni_pod_eni_enabled",
    "cni_ip_family",
    "cni_multi_nic_enabled",
    "cni_minimum_ip_target",
    "cni_warm_ip_target",
];

/// Operating system of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Os {
    /// Linux
    Linux,
    /// Not supported; the command fails and states why
    Windows,
}

impl MaxPodsArgs {
    /// Returns the names and patterns of instance types, and `-`.
    pub(super) fn types(&self) -> Vec<String> {
        self.types.iter().chain(&self.instance_type).cloned().collect()
    }

    /// Returns the CNI configuration of the flags.
    pub(super) fn cni(&self) -> Cni {
        let calculator = self.calculator.cni();
        let addressing = match self.cni_ip_family {
            IpFamily::Ipv4 => calculator.addressing,
            IpFamily::Ipv6 => Addressing::Prefixes,
        };
        let cni = Cni {
            addressing,
            pod_eni: self.cni_pod_eni_enabled,
            ip_family: self.cni_ip_family,
            multi_nic: self.cni_multi_nic_enabled,
            minimum_ip_target: self.cni_minimum_ip_target,
            warm_ip_target: self.cni_warm_ip_target,
            ..calculator
        };
        self.with_reserved(cni)
    }

    /// Returns `cni` with the number of network interfaces that the CNI does not manage. The DaemonSet does not
    /// contain it.
    pub(super) fn with_reserved(&self, cni: Cni) -> Cni {
        Cni { reserved_enis: self.cni_reserved_enis.unwrap_or(cni.reserved_enis), ..cni }
    }

    pub(super) fn options(&self) -> CapacityOptions {
        let excluded = self.cni_primary_subnet_excluded.then_some(PrimarySubnet::Excluded);
        let network =
            NodeNetwork { primary_subnet: excluded.unwrap_or_default(), ..NodeNetwork::default() };
        let ceiling = self.ceiling.unwrap_or_else(|| self.calculator.ceiling());
        CapacityOptions { ceiling, network, ..CapacityOptions::default() }
    }
}
