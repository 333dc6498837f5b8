//! Compares the calculation with a count of single slots.

use super::*;

/// Computes max-pods in another way: marks the purpose of each interface and counts the slots one
/// by one. `None` if no slot is left.
fn counted(limits: &InstanceLimits, cni: Cni, most: Option<u32>) -> Option<u32> {
    #[derive(Clone, Copy, PartialEq)]
    enum Use {
        Pods,
        Other,
    }
    let InstanceLimits { interfaces, ipv4_per_interface, platform, .. } = *limits;
    let mut card = vec![Use::Pods; interfaces as usize];
    if let Some(limit) = cni.max_eni.filter(|limit| *limit > 0) {
        card.truncate(limit as usize);
    }
    if cni.custom_networking {
        card[0] = Use::Other;
    }
    // From the end, because the primary interface is never the trunk and never reserved.
    let others = cni.reserved_enis + u32::from(cni.pod_eni && limits.trunking);
    let mut free: Vec<usize> = (0..card.len()).filter(|at| card[*at] == Use::Pods).collect();
    for _ in 0..others {
        card[free.pop()?] = Use::Other;
    }
    let prefixes = cni.addressing == Addressing::Prefixes && platform != Platform::Xen;
    let mut addresses = 0;
    for _ in card.iter().filter(|it| **it == Use::Pods) {
        for _ in 1..ipv4_per_interface {
            addresses += if prefixes { 16 } else { 1 };
        }
    }
    (addresses > 0).then(|| (addresses + 2).min(most.unwrap_or(u32::MAX)))
}

#[test]
fn every_type_in_every_mode_equals_a_count_of_single_slots() {
    let mut compared = 0;
    for (name, row) in crate::domain::instance_limits::embedded_rows() {
        let limits = InstanceLimits::new(&name.parse().unwrap(), row);
        for bits in 0..16_u32 {
            for (max_eni, reserved_enis) in
                [(None, 0), (Some(0), 1), (Some(1), 0), (Some(2), 0), (Some(4), 2)]
            {
                let prefixes = bits & 1 != 0;
                let cni = Cni {
                    addressing: if prefixes {
                        Addressing::Prefixes
                    } else {
                        Addressing::SecondaryAddresses
                    },
                    custom_networking: bits & 2 != 0,
                    pod_eni: bits & 4 != 0,
                    max_eni,
                    reserved_enis,
                    ..PLAIN
                };
                let recommended = bits & 8 != 0;
                let ceiling = if recommended { Ceiling::Recommended } else { Ceiling::Unlimited };
                let most = recommended.then_some(if row.vcpus > 30 { 250 } else { 110 });
                let options = CapacityOptions { ceiling, ..CapacityOptions::default() };
                let computed = Capacity::compute(&limits, cni, options).ok().map(|it| it.max_pods);
                assert_eq!(computed, counted(&limits, cni, most), "{name} {cni:?} {most:?}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 1_446 * 16 * 5);
}
