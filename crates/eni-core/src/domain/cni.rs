//! Configuration of the Amazon VPC CNI that max-pods depends on.

use crate::domain::cni_version::CniVersion;
use crate::domain::named_values::named_values;
use serde::Serialize;
use std::fmt;

/// How the VPC CNI assigns IPv4 addresses to network interfaces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Addressing {
    /// Single secondary IPv4 addresses: the default of the CNI.
    #[default]
    SecondaryAddresses,
    /// `/28` prefixes (`ENABLE_PREFIX_DELEGATION=true`).
    Prefixes,
}

named_values! {
    /// IP family of the pods.
    IpFamily {
        /// Pods have IPv4 addresses
        #[default]
        Ipv4 = "ipv4",
        /// Pods have IPv6 addresses (ENABLE_IPv6=true): one /80 prefix serves all pods
        Ipv6 = "ipv6",
    }
}

/// The configuration of the aws-node DaemonSet that max-pods depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a variable of aws-node")]
pub struct Cni {
    /// `ENABLE_PREFIX_DELEGATION`.
    pub addressing: Addressing,
    /// `AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG`: pods use the subnet of an ENIConfig, so the primary
    /// network interface is not used by pods.
    pub custom_networking: bool,
    /// `ENABLE_POD_ENI` (security groups for pods): the trunk interface counts as one network
    /// interface, which pods cannot use.
    pub pod_eni: bool,
    /// `MAX_ENI`: maximum number of network interfaces, including the primary one; `None` or 0
    /// means no limit.
    pub max_eni: Option<u32>,
    /// Network interfaces of the default network card that the CNI does not manage: those with the
    /// tag `node.k8s.amazonaws.com/no_manage=true`, EFA-only ones, and those of other programs if
    /// `MANAGE_UNTAGGED_ENI` is false.
    pub reserved_enis: u32,
    /// `ENABLE_IPv6`.
    pub ip_family: IpFamily,
    /// `ENABLE_MULTI_NIC`: the network interfaces of all network cards serve pods.
    pub multi_nic: bool,
    /// `MINIMUM_IP_TARGET`: minimum number of IP addresses that the CNI allocates; 0 means unset.
    pub minimum_ip_target: u32,
    /// `WARM_IP_TARGET`: free IP addresses that the CNI keeps available; 0 means unset.
    pub warm_ip_target: u32,
    /// `ENABLE_IMDS_ONLY_MODE`: the CNI reads its network interfaces from IMDS and does not call EC2.
    pub imds_only: bool,
    /// `DISABLE_NETWORK_RESOURCE_PROVISIONING`: the CNI neither attaches network interfaces nor
    /// assigns addresses.
    pub disable_provisioning: bool,
    /// The version of the CNI; `None` if it is unknown. Where a rule depends on an unknown version,
    /// the calculation assumes the version with fewer pods.
    pub version: Option<CniVersion>,
}

impl Cni {
    /// Returns whether this version of the CNI may have a behavior that starts with `first`.
    #[must_use]
    pub fn may_be_since(&self, first: CniVersion) -> bool {
        self.version.is_none_or(|version| version >= first)
    }

    /// Returns whether pods get only the addresses that the attached network interfaces have.
    #[must_use]
    pub fn uses_attached_only(&self) -> bool {
        self.disable_provisioning || self.reads_imds_only()
    }

    /// Returns whether the CNI reads its network interfaces from IMDS, which has no tags of them.
    #[must_use]
    pub fn reads_imds_only(&self) -> bool {
        self.imds_only && self.may_be_since(CniVersion::IMDS_ONLY_MODE)
    }

    /// Returns whether the CNI reads the ENIConfig name from the label
    /// `vpc.amazonaws.com/externalEniConfig`. Assumed if the version is unknown.
    #[must_use]
    pub fn reads_external_label(&self) -> bool {
        self.may_be_since(CniVersion::EXTERNAL_LABEL)
    }

    /// Returns the maximum number of addresses that the CNI allocates, if its targets limit it:
    /// `MINIMUM_IP_TARGET` without `WARM_IP_TARGET`, rounded up to whole slots.
    ///
    /// Source: `datastoreTargetState`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s.
    #[must_use]
    pub fn address_target(&self, addresses_per_slot: u32) -> Option<u32> {
        (self.minimum_ip_target > 0 && self.warm_ip_target == 0)
            .then(|| self.minimum_ip_target.next_multiple_of(addresses_per_slot))
    }
}

/// Lists what differs from the CNI's defaults.
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
            ("IMDS-only mode", self.imds_only),
            ("no provisioning of network interfaces", self.disable_provisioning),
        ];
        let on = on.into_iter().filter(|(_, is_on)| *is_on).map(|(word, _)| word.to_owned());
        let words: Vec<String> =
            on.chain(numbers.map(|(name, number)| format!("{name} {number}"))).collect();
        if words.is_empty() {
            formatter.write_str("CNI defaults")
        } else {
            formatter.write_str(&words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_the_defaults_is_listed() {
        assert_eq!(Cni::default().to_string(), "CNI defaults");
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
            imds_only: true,
            disable_provisioning: true,
            version: None,
        };
        assert_eq!(
            all.to_string(),
            "custom networking, prefix delegation, security groups for pods, IPv6, multi-NIC, IMDS-only mode, no provisioning of network interfaces, MAX_ENI 4, MINIMUM_IP_TARGET 30, WARM_IP_TARGET 1"
        );
    }
}
