//! The addresses that the CNI takes for a node that runs max-pods pods.
//!
//! Repeats the decisions of ipamd: pods start one after the other, and before each one ipamd adds
//! addresses, prefixes or network interfaces until its warm targets are met, no interface has capacity, or
//! the pool has as many addresses as max-pods.
//!
//! Source: `isDatastorePoolTooLow`, `datastoreTargetState`, `getPrefixesNeeded`, `tryAssignCidrs` and
//! `tryAllocateENI`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.1.

/// The warm targets of aws-node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WarmTargets {
    /// `WARM_ENI_TARGET`; only without prefix delegation.
    pub interfaces: u32,
    /// `WARM_PREFIX_TARGET`; only with prefix delegation.
    pub prefixes: u32,
    /// `WARM_IP_TARGET`; 0 means unset.
    pub addresses: u32,
    /// `MINIMUM_IP_TARGET`; 0 means unset.
    pub minimum: u32,
}

/// What a node can attach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeLimits {
    /// Network interfaces that serve pods.
    pub interfaces: u32,
    /// Whether the primary network interface is one of them.
    pub primary_serves: bool,
    /// Secondary addresses, or prefixes, on each network interface.
    pub slots: u32,
    /// Addresses in each slot: 1, or 16 with prefix delegation.
    pub per_slot: u32,
    /// max-pods, at which ipamd stops.
    pub max_pods: u32,
    /// The pods that need an address.
    pub pods: u32,
}

/// The state of ipamd.
struct Ipamd {
    limits: NodeLimits,
    targets: WarmTargets,
    /// The slots in use on each network interface that serves pods.
    slots: Vec<u32>,
    pods: u32,
}

/// Returns the slots in use on each network interface that serves pods when all pods run. The first one
/// is the primary network interface if it serves pods.
pub(super) fn slots_of_full_node(limits: NodeLimits, targets: WarmTargets) -> Vec<u32> {
    let slots = if limits.primary_serves { vec![0] } else { Vec::new() };
    let mut ipamd = Ipamd { limits, targets, slots, pods: 0 };
    loop {
        while ipamd.is_low() && ipamd.grow() {}
        if ipamd.pods == limits.pods || ipamd.available() == 0 {
            return ipamd.slots;
        }
        ipamd.pods += 1;
    }
}

impl Ipamd {
    fn total(&self) -> u32 {
        self.slots.iter().sum::<u32>().saturating_mul(self.limits.per_slot)
    }

    fn available(&self) -> u32 {
        self.total().saturating_sub(self.pods)
    }

    fn has_address_targets(&self) -> bool {
        self.targets.addresses > 0 || self.targets.minimum > 0
    }

    fn assigns_prefixes(&self) -> bool {
        self.limits.per_slot > 1
    }

    /// Returns the slots that are missing for `WARM_IP_TARGET` and `MINIMUM_IP_TARGET`.
    fn short(&self) -> u32 {
        let warm = self.targets.addresses.saturating_sub(self.available());
        let minimum = self.targets.minimum.saturating_sub(self.total());
        warm.max(minimum).div_ceil(self.limits.per_slot)
    }

    fn is_low(&self) -> bool {
        if self.total() >= self.limits.max_pods {
            return false;
        }
        if self.has_address_targets() {
            return self.short() > 0;
        }
        let (warm, unit) = if self.assigns_prefixes() {
            (self.targets.prefixes, self.limits.per_slot)
        } else {
            (self.targets.interfaces, self.limits.slots)
        };
        let available = self.available();
        available < warm.saturating_mul(unit) || (warm == 0 && available == 0)
    }

    /// Returns the slots that ipamd requests at once. Pods fill one prefix before the next one.
    fn request(&self) -> u32 {
        if self.has_address_targets() {
            return self.short().max(1);
        }
        if !self.assigns_prefixes() {
            return self.limits.slots;
        }
        let free = self.available() / self.limits.per_slot;
        self.targets.prefixes.saturating_sub(free).max(1)
    }

    /// Adds slots to an interface with capacity, or else an interface. Returns false if neither is possible.
    fn grow(&mut self) -> bool {
        let (request, most) = (self.request(), self.limits.slots);
        if let Some(slots) = self.slots.iter_mut().find(|slots| **slots < most) {
            *slots += request.min(most - *slots);
            return true;
        }
        let has_room =
            u32::try_from(self.slots.len()).is_ok_and(|count| count < self.limits.interfaces);
        if has_room && most > 0 {
            self.slots.push(request.min(most));
        }
        has_room && most > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The values of the CNI's manifest.
    const MANIFEST: WarmTargets =
        WarmTargets { interfaces: 1, prefixes: 1, addresses: 0, minimum: 0 };

    fn node(interfaces: u32, slots: u32, per_slot: u32, max_pods: u32) -> NodeLimits {
        let pods = max_pods - 2;
        NodeLimits { interfaces, primary_serves: false, slots, per_slot, max_pods, pods }
    }

    #[test]
    fn interfaces_fill_completely_without_address_targets() {
        // m5.large with and without custom networking.
        assert_eq!(slots_of_full_node(node(2, 9, 1, 20), MANIFEST), [9, 9]);
        let limits = NodeLimits { primary_serves: true, ..node(3, 9, 1, 29) };
        assert_eq!(slots_of_full_node(limits, MANIFEST), [9, 9, 9]);
        // m5.4xlarge: 108 pods need four interfaces, and ipamd stops at 110 addresses.
        assert_eq!(slots_of_full_node(node(8, 29, 1, 110), MANIFEST), [29; 4]);
    }

    #[test]
    fn a_warm_interface_is_added_below_max_pods() {
        let limits = NodeLimits { pods: 20, ..node(8, 29, 1, 110) };
        assert_eq!(slots_of_full_node(limits, MANIFEST), [29, 29]);
        let two = WarmTargets { interfaces: 2, ..MANIFEST };
        assert_eq!(slots_of_full_node(limits, two), [29, 29, 29]);
        let none = WarmTargets { interfaces: 0, ..MANIFEST };
        assert_eq!(slots_of_full_node(limits, none), [29]);
        let full = NodeLimits { pods: 29, ..limits };
        assert_eq!(slots_of_full_node(full, none), [29, 29], "no address is available");
    }

    #[test]
    fn prefixes_stop_at_max_pods() {
        // Measured with ipamd v1.23.2: a capacity of 110 pods stops the pool at 112 addresses.
        assert_eq!(slots_of_full_node(node(2, 9, 16, 110), MANIFEST), [7]);
        let five = WarmTargets { prefixes: 5, ..MANIFEST };
        assert_eq!(slots_of_full_node(node(2, 9, 16, 110), five), [7]);
        let few = NodeLimits { pods: 17, ..node(2, 9, 16, 110) };
        assert_eq!(slots_of_full_node(few, MANIFEST), [3], "15 free addresses are less than 16");
        assert_eq!(slots_of_full_node(node(3, 3, 16, 98), MANIFEST), [3, 3, 1]);
    }

    #[test]
    fn address_targets_replace_the_other_targets() {
        let warm = WarmTargets { addresses: 5, ..MANIFEST };
        let limits = NodeLimits { pods: 10, ..node(2, 9, 1, 20) };
        assert_eq!(slots_of_full_node(limits, warm), [9, 6]);
        assert_eq!(slots_of_full_node(node(2, 9, 1, 20), warm), [9, 9]);
        let minimum = WarmTargets { addresses: 2, minimum: 14, ..MANIFEST };
        assert_eq!(slots_of_full_node(limits, minimum), [9, 5]);
        let prefixes = NodeLimits { pods: 12, ..node(2, 9, 16, 110) };
        assert_eq!(slots_of_full_node(prefixes, warm), [2], "17 addresses");
    }

    #[test]
    fn a_minimum_alone_is_also_the_maximum() {
        let minimum = WarmTargets { minimum: 10, ..MANIFEST };
        assert_eq!(slots_of_full_node(node(2, 9, 1, 12), minimum), [9, 1]);
    }
}
