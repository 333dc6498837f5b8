//! The result for one instance type, and the order of several results.

use clap::ValueEnum;
use eni_core::domain::capacity::{Capacity, NoCapacity};
use eni_core::domain::cni::Cni;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::InstanceLimits;
use eni_core::domain::zone::Region;

/// The CNI configuration, and the region for instance types that the table does not contain.
#[derive(Clone, Debug)]
pub(super) struct CniSource {
    pub cni: Cni,
    pub region: Option<Region>,
}

/// The result for one instance type.
#[derive(Clone, Debug)]
pub(super) struct Calculation {
    pub instance_type: InstanceType,
    pub limits: InstanceLimits,
    pub capacity: Result<Capacity, NoCapacity>,
}

impl Calculation {
    /// Returns max-pods; `None` if the instance type has no capacity.
    pub fn max_pods(&self) -> Option<u32> {
        self.capacity.as_ref().ok().map(|capacity| capacity.max_pods)
    }

    /// Returns max-pods without the ceiling; `None` if the instance type has no capacity, or no limit.
    pub fn uncapped(&self) -> Option<u32> {
        self.capacity.as_ref().ok().and_then(|capacity| capacity.uncapped)
    }
}

/// Sort order of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Sort {
    /// By family, then by size
    Name,
    /// By max-pods, lowest first
    Pods,
    /// By number of vCPUs
    Vcpus,
    /// Unsorted, in the order of the input
    None,
}

impl Sort {
    /// Sorts `calculations`.
    pub fn apply(self, calculations: &mut [Calculation]) {
        let family = |calculation: &Calculation| {
            let name = calculation.instance_type.as_str();
            name.split_once('.').map_or(name, |(family, _)| family).to_owned()
        };
        // The sorts below are stable: equal types stay in the order of `name`.
        if self != Self::None {
            calculations.sort_by_key(|calculation| {
                let name = calculation.instance_type.as_str().to_owned();
                (family(calculation), calculation.limits.vcpus, name)
            });
        }
        match self {
            Self::Name | Self::None => {}
            Self::Pods => calculations.sort_by_key(Calculation::max_pods),
            Self::Vcpus => calculations.sort_by_key(|calculation| calculation.limits.vcpus),
        }
    }
}

#[cfg(test)]
pub(super) mod fixture {
    use super::*;
    use eni_core::domain::capacity::CapacityOptions;
    use eni_core::domain::instance_limits;

    /// Returns the calculation for `instance_type`, whose limits are in the embedded table.
    pub fn calculation(instance_type: &str, cni: Cni) -> Calculation {
        let instance_type: InstanceType = instance_type.parse().unwrap();
        let limits = instance_limits::embedded(&instance_type).unwrap();
        let capacity = Capacity::compute(&limits, cni, CapacityOptions::default());
        Calculation { instance_type, limits, capacity }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_sorts_by_its_key() {
        let unsorted = ["m5.xlarge", "t3.medium", "m5.large"];
        for (sort, expected) in [
            (Sort::Name, ["m5.large", "m5.xlarge", "t3.medium"]),
            (Sort::Pods, ["t3.medium", "m5.large", "m5.xlarge"]),
            (Sort::Vcpus, ["m5.large", "t3.medium", "m5.xlarge"]),
            (Sort::None, unsorted),
        ] {
            let mut calculations = unsorted.map(|it| fixture::calculation(it, Cni::default()));
            sort.apply(&mut calculations);
            assert_eq!(calculations.map(|it| it.instance_type.to_string()), expected, "{sort:?}");
        }
    }
}
