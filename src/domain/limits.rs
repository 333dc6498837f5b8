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

/// What EC2 says of one instance type, as far as the CNI and the kubelet use it.
///
/// Source: EC2 `DescribeInstanceTypes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// Network interfaces on the *default network card* alone: the CNI uses no other card unless
    /// `ENABLE_MULTI_NIC` is set, so the type's total (`MaximumNetworkInterfaces`) overstates
    /// multi-card types such as p5.48xlarge.
    pub interfaces: u32,
    /// Network interfaces on the other cards together, each card counted up to what the default
    /// card has: the CNI knows one limit for all of them.
    pub interfaces_of_other_cards: u32,
    /// IPv4 addresses on each interface, its own primary address included.
    pub ipv4_per_interface: u32,
    /// Nitro, Xen or bare metal.
    pub platform: Platform,
    /// Default vCPUs.
    pub vcpus: u32,
}

/// The limits of one instance type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct InstanceLimits {
    /// What EC2 says.
    #[serde(flatten)]
    pub row: Row,
    /// Whether a trunk interface can be attached, which security groups for pods need.
    pub trunking: bool,
}

impl InstanceLimits {
    /// The limits of `instance_type`, of which EC2 says `row`.
    #[must_use]
    pub fn new(instance_type: &InstanceType, row: Row) -> Self {
        Self { row, trunking: is_trunking_compatible(instance_type, row.platform) }
    }
}

/// Whether the CNI keeps an interface for a trunk on this type. A type that it does not know counts
/// as one, and so do we: an interface too few for pods is safe, one too many is not.
///
/// Source: `pkg/aws/vpc/limits.go`, aws/amazon-vpc-resource-controller-k8s.
fn is_trunking_compatible(instance_type: &InstanceType, platform: Platform) -> bool {
    const FAMILIES_WITHOUT: [&str; 3] = ["t3", "t3a", "t4g"];
    const TYPES_WITHOUT: [&str; 2] = ["u-6tb1.56xlarge", "u-6tb1.112xlarge"];
    let name = instance_type.as_str();
    let family = name.split('.').next().unwrap_or_default();
    platform != Platform::Xen
        && !FAMILIES_WITHOUT.contains(&family)
        && !TYPES_WITHOUT.contains(&name)
}

/// The limits of `instance_type`, if the embedded table has it.
#[must_use]
pub fn embedded(instance_type: &InstanceType) -> Option<InstanceLimits> {
    let index = TABLE.binary_search_by_key(&instance_type.as_str(), |(name, _)| name).ok()?;
    TABLE.get(index).map(|(_, row)| InstanceLimits::new(instance_type, *row))
}

/// Every row of the embedded table, in the order of the names.
#[must_use]
pub fn table() -> impl ExactSizeIterator<Item = (&'static str, Row)> {
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
        let row = |interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus| {
            Some(Row { interfaces, interfaces_of_other_cards, ipv4_per_interface, platform, vcpus })
        };
        let found = |name| limits(name).map(|limits| limits.row);
        assert_eq!(found("m5.large"), row(3, 0, 10, Nitro, 2));
        assert_eq!(found("m4.xlarge"), row(4, 0, 15, Xen, 4));
        assert_eq!(found("m5.metal"), row(15, 0, 50, BareMetal, 96));
        assert_eq!(found("i3.metal"), row(15, 0, 50, BareMetal, 72), "of legacy-types.csv");
        assert_eq!(found("p4d.24xlarge"), row(15, 45, 50, Nitro, 96), "the default card of four");
        assert_eq!(found("zz9.plural"), None);
    }

    #[test]
    fn trunk_interfaces_need_the_right_type() {
        let trunking = |name| limits(name).unwrap().trunking;
        for with in ["m5.large", "m5.metal", "i4i.large", "t2.medium"]
            .map(|name| (name, name != "t2.medium"))
        {
            assert_eq!(trunking(with.0), with.1, "{}", with.0);
        }
        for without in [
            "t3.medium",
            "t3a.large",
            "t4g.micro",
            "u-6tb1.56xlarge",
            "u-6tb1.112xlarge",
            "m4.xlarge",
        ] {
            assert!(!trunking(without), "{without}");
        }
    }

    #[test]
    fn the_table_is_sorted_so_that_it_can_be_searched() {
        assert!(TABLE.is_sorted_by(|(one, _), (next, _)| one < next));
        assert_eq!(TABLE.len(), 1_446);
    }
}
