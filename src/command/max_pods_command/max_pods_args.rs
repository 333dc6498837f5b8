//! Flags of `max-pods`: those of EKS's `max-pods-calculator.sh`, and a few others.

#![expect(clippy::doc_markdown, reason = "the help prints these comments")]

use clap::Args;
use eni_core::domain::capacity::Ceiling;
use eni_core::domain::cni::{Addressing, Cni};
use eni_core::domain::cni_version::CniVersion;
use eni_core::domain::zone::Region;

/// Flags of `max-pods`.
#[derive(Clone, Debug, Args)]
pub(crate) struct MaxPodsArgs {
    /// Instance type
    #[arg(long, value_name = "TYPE", required_unless_present = "instance_type_from_imds")]
    pub(super) instance_type: Vec<String>,
    /// Read the instance type from instance metadata; overrides --instance-type
    #[arg(long)]
    pub(super) instance_type_from_imds: bool,
    #[command(flatten)]
    pub(super) calculator: CalculatorArgs,
    /// Show a diagram of the network interfaces and their addresses, and the calculation
    #[arg(long)]
    pub(super) explain: bool,
    /// Region in which to call EC2 for an instance type that is not in the embedded table
    #[arg(long, env = "AWS_REGION", value_name = "REGION")]
    pub(super) region: Option<Region>,
}

/// The flags of `max-pods-calculator.sh` that describe the CNI and the result. `kubectl eni max-pods` has them, too.
#[derive(Clone, Debug, Args)]
pub struct CalculatorArgs {
    /// Version of the VPC CNI; affects prefix delegation and the trunk interface [default: 1.23.2]
    #[arg(long, value_name = "VERSION")]
    pub cni_version: Option<CniVersion>,
    /// Custom networking: pods use the subnet of an ENIConfig
    #[arg(long)]
    pub cni_custom_networking_enabled: bool,
    /// Prefix delegation: the CNI assigns /28 prefixes to network interfaces
    #[arg(long)]
    pub cni_prefix_delegation_enabled: bool,
    /// MAX_ENI of the CNI: maximum number of network interfaces; 0 means no limit
    #[arg(long, value_name = "N")]
    pub cni_max_eni: Option<u32>,
    /// Print max-pods without the ceiling
    #[arg(long)]
    pub show_max_allowed: bool,
}

impl CalculatorArgs {
    /// Returns the CNI configuration. Settings without a flag have the defaults of the CNI.
    #[must_use]
    pub fn cni(&self) -> Cni {
        Cni {
            addressing: if self.cni_prefix_delegation_enabled {
                Addressing::Prefixes
            } else {
                Addressing::SecondaryAddresses
            },
            custom_networking: self.cni_custom_networking_enabled,
            max_eni: self.cni_max_eni,
            version: Some(self.cni_version.unwrap_or(CniVersion::REFERENCE)),
            ..Cni::default()
        }
    }

    /// Returns the ceiling: none with `--show-max-allowed`, and the recommended one otherwise.
    #[must_use]
    pub fn ceiling(&self) -> Ceiling {
        if self.show_max_allowed { Ceiling::Unlimited } else { Ceiling::default() }
    }
}
