//! The requirements of IPv6 clusters.

use super::{Capacity, NoCapacity, PrimarySubnet};
use crate::domain::cni::{Addressing, Cni};
use crate::domain::cni_version::CniVersion;
use crate::domain::instance_limits::{InstanceLimits, Platform};

impl Capacity {
    /// Rejects what the CNI rejects in an IPv6 cluster.
    pub(super) fn check_ipv6(
        &mut self,
        limits: &InstanceLimits,
        cni: Cni,
        subnet: PrimarySubnet,
    ) -> Result<(), NoCapacity> {
        self.trunk = 0;
        self.attached_excluded = 0;
        if cni.custom_networking {
            return Err(NoCapacity::CustomNetworkingWithIpv6);
        }
        if cni.addressing != Addressing::Prefixes {
            return Err(NoCapacity::Ipv6WithoutPrefixes);
        }
        if limits.platform == Platform::Xen {
            return Err(NoCapacity::Ipv6OnXen);
        }
        if let Some(version) = cni.version.filter(|it| *it < CniVersion::PREFIX_DELEGATION) {
            return Err(NoCapacity::Ipv6NotInVersion { version });
        }
        if subnet == PrimarySubnet::ExcludedWithoutOther {
            return Err(NoCapacity::NoSubnetForPods { ip_family: cni.ip_family });
        }
        // The CNI then needs another network interface, in another subnet.
        if self.primary_excluded > 0 && self.interfaces.saturating_sub(self.reserved) < 2 {
            return Err(self.no_interface_left());
        }
        self.reserved = 0;
        self.interfaces_for_pods = 1;
        Ok(())
    }
}
