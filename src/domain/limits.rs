//! What an instance type offers to the VPC CNI, and the table of all of them.

use crate::domain::identifier::InstanceType;
use serde::Serialize;

include!(concat!(env!("OUT_DIR"), "/instance_types.rs"));

/// What runs beneath the operating system. Prefixes need Nitro or bare metal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Platform {
    /// AWS's own hypervisor.
    Nitro,
    /// The older hypervisor.
    Xen,
    /// None: EC2 names no hypervisor for `*.metal` types.
    BareMetal,
}

/// Network and CPU limits of one instance type.
///
/// Source: EC2 `DescribeInstanceTypes`, or the embedded table made from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceLimits {
    /// Network interfaces on the *default network card* alone: the CNI uses no other card, so the
    /// type's total (`MaximumNetworkInterfaces`) overstates multi-card types such as p5.48xlarge.
    pub interfaces: u32,
    /// IPv4 addresses on each interface, its own primary address included.
    pub ipv4_per_interface: u32,
    /// Nitro, Xen or bare metal.
    pub platform: Platform,
    /// Default vCPUs.
    pub vcpus: u32,
}

/// The limits of `instance_type`, if the embedded table has it.
#[must_use]
pub fn embedded(instance_type: &InstanceType) -> Option<InstanceLimits> {
    let index = TABLE.binary_search_by_key(&instance_type.as_str(), |(name, _)| name).ok()?;
    TABLE.get(index).map(|(_, limits)| *limits)
}

/// Every row of the embedded table, in the order of the names.
#[must_use]
pub fn table() -> impl ExactSizeIterator<Item = (&'static str, InstanceLimits)> {
    TABLE.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(name: &str) -> Option<InstanceLimits> {
        embedded(&name.parse().unwrap())
    }

    #[test]
    fn types_of_each_platform_and_source_are_found() {
        use Platform::{BareMetal, Nitro, Xen};
        let row = |interfaces, ipv4_per_interface, platform, vcpus| {
            Some(InstanceLimits { interfaces, ipv4_per_interface, platform, vcpus })
        };
        assert_eq!(limits("m5.large"), row(3, 10, Nitro, 2));
        assert_eq!(limits("m4.xlarge"), row(4, 15, Xen, 4));
        assert_eq!(limits("m5.metal"), row(15, 50, BareMetal, 96));
        assert_eq!(limits("i3.metal"), row(15, 50, BareMetal, 72), "of legacy-types.csv");
        assert_eq!(limits("p4d.24xlarge"), row(15, 50, Nitro, 96), "the default card of four");
        assert_eq!(limits("zz9.plural"), None);
    }

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(TABLE.is_sorted_by(|(one, _), (next, _)| one < next));
        assert!(TABLE.len() > 1_400, "{} types", TABLE.len());
    }
}
