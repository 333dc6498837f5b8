//! The instance types that an expression applies to, and the max-pods of their nodes.

use super::number::Variable;
use super::selection::Selection;
use eni_core::domain::capacity::{Capacity, CapacityOptions, HOST_NETWORK_PODS, NoCapacity};
use eni_core::domain::cni::Cni;
use eni_core::domain::instance_limits::InstanceLimits;

/// The configuration of the nodes that max-pods depends on.
#[derive(Clone, Debug)]
pub(crate) struct NodeConfiguration {
    pub cni: Cni,
    pub options: CapacityOptions,
}

/// An instance type with the max-pods of its nodes.
#[derive(Clone, Debug)]
pub(crate) struct InstanceTypeRow {
    pub name: String,
    pub limits: InstanceLimits,
    /// The value that eni-bootstrap computes on the node, or why it fails.
    pub max_pods: Result<u32, NoCapacity>,
}

impl InstanceTypeRow {
    /// Returns the value of a variable. `max_pods` is the default of Karpenter and nodeadm.
    pub(super) fn variable(&self, variable: Variable) -> i64 {
        let InstanceLimits { interfaces, ipv4_per_interface, vcpus, .. } = self.limits;
        match variable {
            Variable::Vcpus => vcpus.into(),
            Variable::DefaultEnis => interfaces.into(),
            Variable::IpsPerEni => ipv4_per_interface.into(),
            Variable::MaxPods => self.eni_limited_pods(0).into(),
        }
    }

    /// Returns the network interfaces, and the addresses of each.
    pub(super) fn interfaces(&self) -> (u32, u32) {
        (self.limits.interfaces, self.limits.ipv4_per_interface)
    }

    /// Returns max-pods as Karpenter computes it with the option `RESERVED_ENIS`. nodeadm and Bottlerocket
    /// compute the same without this option.
    ///
    /// Source: `ENILimitedPods`, `pkg/providers/instancetype/types.go`, aws/karpenter-provider-aws.
    pub(super) fn eni_limited_pods(&self, reserved_enis: u32) -> u32 {
        let (interfaces, addresses) = self.interfaces();
        match interfaces.saturating_sub(reserved_enis) {
            0 => 0,
            usable => usable.saturating_mul(addresses.saturating_sub(1)) + HOST_NETWORK_PODS,
        }
    }
}

/// Returns each selected instance type with the max-pods of its nodes.
pub(crate) fn rows(
    selection: &Selection,
    NodeConfiguration { cni, options }: &NodeConfiguration,
) -> Vec<InstanceTypeRow> {
    let each = selection.types.iter().map(|(name, limits)| InstanceTypeRow {
        name: name.clone(),
        limits: *limits,
        max_pods: Capacity::compute(limits, *cni, options.clone()).map(|it| it.max_pods),
    });
    each.collect()
}
