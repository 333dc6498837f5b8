//! Compares the calculation with a count of single slots.

use super::*;
use crate::domain::instance_limits::Platform;
use std::thread;

/// A version of the CNI and the subnet of the primary network interface.
#[derive(Clone, Copy, Debug)]
struct Situation {
    version: Option<&'static str>,
    subnet: PrimarySubnet,
}

const SITUATIONS: [Situation; 8] = {
    use PrimarySubnet::{Excluded, ExcludedWithoutOther, Included, NoNewInterfaces};
    const fn with(version: Option<&'static str>, subnet: PrimarySubnet) -> Situation {
        Situation { version, subnet }
    }
    [
        with(Some("1.23.2"), Included),
        with(Some("1.22.0"), Excluded),
        with(Some("1.22.0"), ExcludedWithoutOther),
        with(Some("1.22.0"), NoNewInterfaces),
        with(Some("1.20.3"), Included),
        with(Some("1.8.0"), Included),
        with(None, Included),
        with(None, Excluded),
    ]
};

/// Computes max-pods in another way: marks the purpose of each interface and counts the slots one
/// by one. `None` if no slot is left.
fn counted(
    limits: &InstanceLimits,
    cni: Cni,
    Situation { version, subnet }: Situation,
    most: Option<u32>,
) -> Option<u32> {
    #[derive(Clone, Copy, PartialEq)]
    enum Use {
        Pods,
        Other,
    }
    let is_before = |first: (u32, u32)| {
        let number = |text: &str| text.parse::<u32>().unwrap();
        version.is_some_and(|version| {
            let numbers: Vec<u32> = version.split('.').skip(1).map(number).collect();
            (numbers[0], numbers[1]) < first
        })
    };
    let InstanceLimits { interfaces, ipv4_per_interface, platform, .. } = *limits;
    let mut card = vec![Use::Pods; interfaces as usize];
    if let Some(limit) = cni.max_eni.filter(|limit| *limit > 0) {
        card.truncate(limit as usize);
    }
    for _ in 0..cni.reserved_enis {
        card.pop()?;
    }
    let is_excluded = [PrimarySubnet::Excluded, PrimarySubnet::ExcludedWithoutOther];
    if cni.custom_networking || is_excluded.contains(&subnet) {
        *card.first_mut()? = Use::Other;
    }
    let keeps_trunk = limits.trunking || version.is_none() || is_before((20, 4));
    // The only interface serves pods already, so there is none for the trunk.
    let is_only = card == [Use::Pods];
    if cni.pod_eni && keeps_trunk && !is_only {
        card.pop()?;
    }
    if !cni.custom_networking {
        match subnet {
            PrimarySubnet::ExcludedWithoutOther => card.clear(),
            PrimarySubnet::NoNewInterfaces => card.truncate(1),
            PrimarySubnet::Included | PrimarySubnet::Excluded => {}
        }
    }
    let prefixes =
        cni.addressing == Addressing::Prefixes && platform != Platform::Xen && !is_before((9, 0));
    let mut addresses = 0;
    for _ in card.iter().filter(|it| **it == Use::Pods) {
        for _ in 1..ipv4_per_interface {
            addresses += if prefixes { 16 } else { 1 };
        }
    }
    (addresses > 0).then(|| (addresses + 2).min(most.unwrap_or(u32::MAX)))
}

/// Compares every type in every mode with the count of single slots.
fn compare(situation: Situation) -> u32 {
    let version = situation.version.map(|it| it.parse().unwrap());
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
                    version,
                    ..PLAIN
                };
                let recommended = bits & 8 != 0;
                let ceiling = if recommended { Ceiling::Recommended } else { Ceiling::Unlimited };
                let most = recommended.then_some(if row.vcpus > 30 { 250 } else { 110 });
                let network =
                    NodeNetwork { primary_subnet: situation.subnet, ..NodeNetwork::default() };
                let options = CapacityOptions { ceiling, network, ..CapacityOptions::default() };
                let computed = Capacity::compute(&limits, cni, options).ok().map(|it| it.max_pods);
                let expected = counted(&limits, cni, situation, most).or_else(|| {
                    // An unknown version rejects no node that a later version serves.
                    let later = Situation { version: Some("1.23.2"), ..situation };
                    if version.is_none() { counted(&limits, cni, later, most) } else { None }
                });
                assert_eq!(computed, expected, "{name} {cni:?} {situation:?} {most:?}");
                compared += 1;
            }
        }
    }
    compared
}

#[test]
fn every_type_in_every_mode_and_version_equals_a_count_of_single_slots() {
    let compared = thread::scope(|scope| {
        let threads = SITUATIONS.map(|situation| scope.spawn(move || compare(situation)));
        threads.map(|thread| thread.join().unwrap())
    });
    assert_eq!(compared, [1_446 * 16 * 5; 8]);
}
