//! The max-pods that Karpenter plans.

use crate::domain::capacity::{Capacity, HOST_NETWORK_PODS};

/// Returns how to make Karpenter plan with the max-pods of `capacity` instead of `planned`.
///
/// Karpenter computes max-pods from the network interfaces of the default card without `RESERVED_ENIS`,
/// and has no ceiling and no prefixes. An expression in `kubelet.maxPods` can contain all of them.
#[must_use]
pub fn help(capacity: &Capacity, planned: u32) -> String {
    let Capacity { reserved, trunk, interfaces, max_pods, .. } = *capacity;
    let without_pods = [
        reserved,
        trunk,
        capacity.primary_set_aside,
        capacity.primary_excluded,
        capacity.attached_excluded,
    ];
    let reserved_enis = without_pods.into_iter().fold(0, u32::saturating_add);
    let eni_limited = |reserved_enis: u32| {
        let usable = interfaces.saturating_sub(reserved_enis);
        usable.saturating_mul(capacity.slots_per_interface).saturating_add(HOST_NETWORK_PODS)
    };
    let fixed = format!(
        "set kubelet.maxPods: {max_pods} in the EC2NodeClass, if it has only this instance type"
    );
    if capacity.max_pods_override.is_some() {
        return fixed;
    }
    if capacity.uncapped != Some(eni_limited(reserved_enis)) {
        return format!("set kubelet.maxPods in the EC2NodeClass to an expression; or {fixed}");
    }
    // RESERVED_ENIS has no effect if the EC2NodeClass sets maxPods.
    let is_computed = (0..interfaces).any(|reserved_enis| planned == eni_limited(reserved_enis));
    let remove =
        if is_computed { "" } else { "remove kubelet.maxPods from the EC2NodeClass, and " };
    let ceiling = if max_pods < eni_limited(reserved_enis) {
        " and pods.ceiling = \"none\" in the settings"
    } else {
        ""
    };
    format!(
        "{remove}set RESERVED_ENIS={reserved_enis} on the Karpenter controller{ceiling}; or {fixed}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capacity::{CapacityOptions, NodeNetwork, PrimarySubnet};
    use crate::domain::cni::{Addressing, Cni};
    use crate::plan::tests::{facts, settings};

    #[test]
    fn the_help_for_karpenter_depends_on_the_calculation() {
        let help = |instance_type: &str, planned: u32, cni: Cni, text: &str| {
            let limits = facts(instance_type).limits;
            let options = settings(text).pods.capacity_options();
            super::help(&Capacity::compute(&limits, cni, options).unwrap(), planned)
        };
        let fixed = |max_pods: u32| {
            format!(
                "set kubelet.maxPods: {max_pods} in the EC2NodeClass, if it has only this instance type"
            )
        };
        let custom = Cni { custom_networking: true, ..Cni::default() };
        let trunk = Cni { pod_eni: true, ..custom };
        let prefixes = Cni { addressing: Addressing::Prefixes, ..Cni::default() };
        assert_eq!(
            help("m5.xlarge", 58, trunk, ""),
            format!("set RESERVED_ENIS=2 on the Karpenter controller; or {}", fixed(30))
        );
        assert_eq!(
            help("m5.24xlarge", 737, custom, ""),
            format!(
                "set RESERVED_ENIS=1 on the Karpenter controller and pods.ceiling = \"none\" in the settings; or {}",
                fixed(250)
            )
        );
        let subnet = PrimarySubnet::Excluded;
        let network =
            NodeNetwork { primary_subnet: subnet, attached_excluded: 1, ..NodeNetwork::default() };
        let options = CapacityOptions { network, ..settings("").pods.capacity_options() };
        let limits = facts("m5.xlarge").limits;
        let excluded = Capacity::compute(&limits, Cni::default(), options).unwrap();
        assert_eq!(
            super::help(&excluded, 58),
            format!("set RESERVED_ENIS=2 on the Karpenter controller; or {}", fixed(30))
        );
        let expression = "set kubelet.maxPods in the EC2NodeClass to an expression; or";
        assert_eq!(help("m5.large", 29, prefixes, ""), format!("{expression} {}", fixed(110)));
        let max_eni = Cni { max_eni: Some(2), ..Cni::default() };
        assert_eq!(help("m5.large", 29, max_eni, ""), format!("{expression} {}", fixed(20)));
        assert_eq!(help("m5.large", 29, prefixes, "pods.max = 30"), fixed(30));
        assert_eq!(
            help("m4.large", 110, prefixes, ""),
            format!(
                "remove kubelet.maxPods from the EC2NodeClass, and set RESERVED_ENIS=0 on the Karpenter controller; or {}",
                fixed(20)
            ),
            "a Xen instance type"
        );
    }
}
