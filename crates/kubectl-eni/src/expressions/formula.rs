//! The calculation of max-pods in [`Capacity`](eni_core::domain::capacity::Capacity) as an expression.

use super::instance_types::NodeConfiguration;
use super::number::{Condition, DEFAULT_ENIS, IPS_PER_ENI, Number};
use eni_core::domain::capacity::{
    CapacityOptions, Ceiling, HOST_NETWORK_PODS, MaxPodsOverride, PrimarySubnet,
};
use eni_core::domain::cni::{Addressing, Cni, IpFamily};
use eni_core::domain::cni_version::CniVersion;
use eni_core::domain::prefixes::ADDRESSES;

/// The properties of an instance type that its limits in the expression do not contain.
#[derive(Clone, Debug)]
pub(crate) struct Conditions {
    /// The instance type is Xen, so network interfaces have no prefixes.
    pub xen: Condition,
    /// The CNI keeps no network interface for the trunk.
    pub no_trunk: Condition,
    /// The instance type has more than 30 vCPUs, so up to 250 pods are recommended.
    pub many_vcpus: Condition,
}

/// Returns max-pods. It is `without_capacity` on instance types where no network interface is left for pods.
///
/// The expression does not contain the network interfaces of other network cards, which no variable has.
pub(crate) fn max_pods(
    NodeConfiguration { cni, options }: &NodeConfiguration,
    conditions: &Conditions,
    without_capacity: u32,
) -> Number {
    let without_capacity = Number::Constant(without_capacity);
    let is_excluded = !cni.custom_networking
        && matches!(
            options.network.primary_subnet,
            PrimarySubnet::Excluded | PrimarySubnet::ExcludedWithoutOther
        );
    if cni.ip_family == IpFamily::Ipv6 {
        // One prefix serves all pods, so only the ceiling is a limit. If a tag excludes the subnet of the
        // primary network interface, the CNI needs another one.
        let needed = if is_excluded { cni.reserved_enis.saturating_add(1) } else { 0 };
        let has_interface = Condition::above(DEFAULT_ENIS, Number::Constant(needed));
        let pods = replaced(options).or_else(|| ceiling(options, conditions));
        let pods = pods.unwrap_or_else(|| without_capacity.clone());
        let pods = Number::choice(has_interface, pods, without_capacity.clone());
        return Number::choice(conditions.xen.clone(), without_capacity, pods);
    }
    if cni.uses_attached_only() {
        return replaced(options).unwrap_or(without_capacity);
    }
    let primary = u32::from(cni.custom_networking || is_excluded);
    let (has_interface, interfaces) = interfaces_for_pods(cni, conditions, primary);
    let pods = replaced(options).unwrap_or_else(|| {
        let pods = addresses(cni, conditions, interfaces)
            .plus(Number::Constant(HOST_NETWORK_PODS.saturating_add(options.extra)));
        match ceiling(options, conditions) {
            Some(ceiling) => pods.min(ceiling),
            None => pods,
        }
    });
    Number::choice(has_interface, pods, without_capacity)
}

/// Returns the value that replaces the computed one.
fn replaced(options: &CapacityOptions) -> Option<Number> {
    options.max_pods_override.as_ref().map(MaxPodsOverride::value).map(Number::Constant)
}

fn ceiling(options: &CapacityOptions, conditions: &Conditions) -> Option<Number> {
    match options.ceiling {
        Ceiling::Unlimited => None,
        Ceiling::At(limit) => Some(Number::Constant(limit)),
        Ceiling::Recommended => Some(Number::choice(
            conditions.many_vcpus.clone(),
            Number::Constant(250),
            Number::Constant(110),
        )),
    }
}

/// Returns whether a network interface is left for pods, and the number of these.
fn interfaces_for_pods(cni: &Cni, conditions: &Conditions, primary: u32) -> (Condition, Number) {
    let usable = match cni.max_eni {
        None | Some(0) => DEFAULT_ENIS,
        Some(1) => Number::Constant(1),
        Some(limit) => DEFAULT_ENIS.min(Number::Constant(limit)),
    };
    let reserved = cni.reserved_enis;
    if primary == 0 && cni.pod_eni {
        // A single network interface serves pods, and the CNI then requests no trunk.
        let trunk = match cni.version {
            Some(_) => trunk(cni, conditions.no_trunk.clone()),
            None => Number::Constant(1),
        };
        let has_interface = Condition::above(usable.clone(), Number::Constant(reserved));
        let taken = Number::Constant(reserved).plus(trunk);
        return (has_interface, usable.minus(taken).max(Number::Constant(1)));
    }
    let taken = reserved.saturating_add(primary);
    let trunk = if cni.pod_eni {
        let no_trunk = conditions.no_trunk.clone();
        let no_trunk = if cni.version.is_none() {
            // Without the version, a network interface counts for the trunk unless it is the last one.
            let last = Number::Constant(taken.saturating_add(1));
            no_trunk.and(Condition::AtMost(Box::new(usable.clone()), Box::new(last)))
        } else {
            no_trunk
        };
        trunk(cni, no_trunk)
    } else {
        Number::Constant(0)
    };
    let taken = match trunk {
        Number::Constant(trunk) => Number::Constant(taken.saturating_add(trunk)),
        // `trunk` is 0 under a condition, and otherwise 1.
        Number::Choice(condition, ..) => Number::choice(
            *condition,
            Number::Constant(taken),
            Number::Constant(taken.saturating_add(1)),
        ),
        other => Number::Constant(taken).plus(other),
    };
    (Condition::above(usable.clone(), taken.clone()), usable.minus(taken))
}

/// Returns the network interfaces for the trunk: 0 where `no_trunk` holds, and otherwise 1.
fn trunk(cni: &Cni, no_trunk: Condition) -> Number {
    match cni.version {
        // Earlier versions keep one on every instance type.
        Some(version) if version < CniVersion::TRUNK_BY_TYPE => Number::Constant(1),
        _ => Number::choice(no_trunk, Number::Constant(0), Number::Constant(1)),
    }
}

/// Returns the number of addresses of the network interfaces.
fn addresses(cni: &Cni, conditions: &Conditions, interfaces: Number) -> Number {
    let supports_prefixes =
        cni.version.is_none_or(|version| version >= CniVersion::PREFIX_DELEGATION);
    let per_slot = |count: fn(&Cni, u32) -> Option<u32>| {
        let of = |addresses| count(cni, addresses).map(Number::Constant);
        match (of(1), of(ADDRESSES)) {
            (Some(single), Some(prefix))
                if cni.addressing == Addressing::Prefixes && supports_prefixes =>
            {
                Some(Number::choice(conditions.xen.clone(), single, prefix))
            }
            (single, _) => single,
        }
    };
    let slots = interfaces.times(IPS_PER_ENI.minus(Number::Constant(1)));
    let addresses = match per_slot(|_, addresses| Some(addresses)) {
        Some(per_slot) => slots.times(per_slot),
        None => slots,
    };
    match per_slot(Cni::address_target) {
        Some(target) => addresses.min(target),
        None => addresses,
    }
}
