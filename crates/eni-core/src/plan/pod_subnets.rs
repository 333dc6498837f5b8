//! The subnets in which the CNI assigns addresses to pods without custom networking.

use super::Plan;
use crate::domain::aws_node::AwsNode;
use crate::domain::cni::IpFamily;
use crate::domain::cni_version::CniVersion;
use crate::domain::prefixes;
use crate::domain::subnet_tags::is_discovered;
use crate::facts::{Facts, NetworkInterface, Subnet};

impl Plan {
    /// Returns whether the CNI assigns new IPv4 addresses from the subnets in the zone of the node:
    /// without custom networking, and if the CNI is not limited to the attached network interfaces.
    #[must_use]
    pub fn uses_zone_subnets(&self) -> bool {
        let cni = &self.cni.config;
        !cni.custom_networking && cni.ip_family == IpFamily::Ipv4 && !cni.uses_attached_only()
    }

    /// Returns the subnets among `zone_subnets` in which the CNI assigns addresses to pods: the subnet
    /// of the node unless a tag excludes it, and those that subnet discovery finds.
    ///
    /// Source: `createENI` and `isSubnetValidForENICreation`, `pkg/awsutils/awsutils.go`,
    /// aws/amazon-vpc-cni-k8s v1.23.2.
    #[must_use]
    pub fn pod_subnets<'a>(
        &self,
        facts: &Facts,
        zone_subnets: &'a [Subnet],
        aws_node: &AwsNode,
    ) -> Vec<&'a Subnet> {
        let own = facts.instance.subnet_id.as_ref();
        let discovers =
            aws_node.subnet_discovery && self.cni.config.may_be_since(CniVersion::SUBNET_DISCOVERY);
        let cluster = aws_node.cluster_name.as_deref();
        let serves_pods = |subnet: &&Subnet| {
            if own.is_some_and(|own| own.as_str() == subnet.id) {
                self.capacity.primary_excluded == 0
            } else {
                discovers && is_discovered(&subnet.tags, cluster)
            }
        };
        zone_subnets.iter().filter(serves_pods).collect()
    }

    /// Returns the number of addresses in `subnets` that the pods of a full node use in addition to
    /// those of the attached network interfaces.
    #[must_use]
    pub fn missing_addresses(&self, facts: &Facts, subnets: &[&Subnet]) -> u32 {
        let is_in =
            |it: &&NetworkInterface| subnets.iter().any(|at| at.id == it.subnet_id.as_str());
        let interfaces = facts.instance.interfaces.iter().flatten();
        let interfaces = interfaces.chain(&facts.instance.primary_interface);
        // The CNI releases addresses of the other kind.
        let addresses = |it: &NetworkInterface| {
            if self.assigns_prefixes() {
                it.prefixes.saturating_mul(prefixes::ADDRESSES)
            } else {
                it.secondary_addresses
            }
        };
        let attached = interfaces.filter(is_in).map(addresses).fold(0, u32::saturating_add);
        self.pod_addresses().saturating_sub(attached)
    }

    /// Returns whether the CNI assigns the addresses as `/28` prefixes, which not every instance type
    /// supports.
    #[must_use]
    pub fn assigns_prefixes(&self) -> bool {
        self.capacity.addresses_per_slot > 1
    }

    /// Returns the number of addresses that the pods of a full node use.
    #[must_use]
    pub fn pod_addresses(&self) -> u32 {
        self.max_pods_in_force().saturating_sub(self.capacity.host_network_pods)
    }
}

#[cfg(test)]
mod tests;
