//! What the VPC CNI is set to do, as far as it decides how many pods fit.

use serde::{Deserialize, Serialize};
use std::fmt;

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

/// The family of the pods' addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum IpFamily {
    /// IPv4.
    #[default]
    Ipv4,
    /// IPv6 (`ENABLE_IPv6=true`): one /80 prefix on the primary interface serves every pod.
    Ipv6,
}

/// The CNI's settings that decide how many pods fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Cni {
    /// How addresses are handed out.
    pub addressing: Addressing,
    /// `AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG=true`: pods live on an ENIConfig's subnet, so the
    /// primary network interface carries none of them.
    pub custom_networking: bool,
    /// `ENABLE_POD_ENI=true` (security groups for pods): a trunk takes one interface.
    pub pod_eni: bool,
    /// `MAX_ENI`: the most interfaces that the CNI uses, the primary one included.
    pub max_eni: Option<u32>,
    /// Interfaces of the default card that the CNI leaves alone: tagged `node.k8s.amazonaws.com/no_manage`,
    /// EFA-only, or attached for something else.
    pub reserved_enis: u32,
    /// `ENABLE_IPv6`.
    pub ip_family: IpFamily,
    /// `ENABLE_MULTI_NIC=true`: interfaces of the other network cards serve pods, too.
    pub multi_nic: bool,
    /// `MINIMUM_IP_TARGET`.
    pub minimum_ip_target: u32,
    /// `WARM_IP_TARGET`.
    pub warm_ip_target: u32,
}

impl Cni {
    /// The most addresses that the CNI ever holds, where its targets set one: with a minimum and no
    /// warm target it stops there. With prefixes it holds whole ones.
    ///
    /// Source: `datastoreTargetState`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s.
    #[must_use]
    pub fn address_target(&self, addresses_per_slot: u32) -> Option<u32> {
        (self.minimum_ip_target > 0 && self.warm_ip_target == 0)
            .then(|| self.minimum_ip_target.next_multiple_of(addresses_per_slot))
    }
}

/// In words: what is on, and what is limited.
impl fmt::Display for Cni {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers = [
            ("MAX_ENI", self.max_eni.unwrap_or(0)),
            ("MINIMUM_IP_TARGET", self.minimum_ip_target),
            ("WARM_IP_TARGET", self.warm_ip_target),
        ];
        let numbers = numbers.into_iter().filter(|(_, number)| *number > 0);
        let on = [
            ("custom networking", self.custom_networking),
            ("prefix delegation", self.addressing == Addressing::Prefixes),
            ("security groups for pods", self.pod_eni),
            ("IPv6", self.ip_family == IpFamily::Ipv6),
            ("multi-NIC", self.multi_nic),
        ];
        let on = on.into_iter().filter(|(_, is_on)| *is_on).map(|(word, _)| word.to_owned());
        let words: Vec<String> =
            on.chain(numbers.map(|(name, number)| format!("{name} {number}"))).collect();
        if words.is_empty() {
            formatter.write_str("secondary addresses, and nothing else")
        } else {
            formatter.write_str(&words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_said_in_words() {
        assert_eq!(Cni::default().to_string(), "secondary addresses, and nothing else");
        let all = Cni {
            addressing: Addressing::Prefixes,
            custom_networking: true,
            pod_eni: true,
            max_eni: Some(4),
            reserved_enis: 1,
            ip_family: IpFamily::Ipv6,
            multi_nic: true,
            minimum_ip_target: 30,
            warm_ip_target: 1,
        };
        assert_eq!(
            all.to_string(),
            "custom networking, prefix delegation, security groups for pods, IPv6, multi-NIC, MAX_ENI 4, MINIMUM_IP_TARGET 30, WARM_IP_TARGET 1"
        );
    }
}
