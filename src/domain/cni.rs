//! What the VPC CNI is set to do, as far as it decides how many pods fit.

use serde::{Deserialize, Serialize};

/// How the VPC CNI gives addresses to pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// One secondary IPv4 address for each pod: the CNI's default.
    #[default]
    SecondaryAddresses,
    /// `/28` prefixes of 16 addresses each (`ENABLE_PREFIX_DELEGATION=true`).
    Prefixes,
}

/// The CNI's settings that decide how many pods fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cni {
    /// How addresses are handed out.
    pub addressing: Addressing,
    /// `AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true`: pods live on an ENIConfig's subnet, so the
    /// primary network interface carries none of them.
    pub custom_networking: bool,
    /// `MAX_ENI`: the most interfaces that the CNI uses, the primary one included.
    pub max_eni: Option<u32>,
}
