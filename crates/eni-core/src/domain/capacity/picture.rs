//! Draws the calculation of max-pods as text: the network interfaces, their addresses and each term.

use super::{Capacity, MaxPodsOverride};
use crate::domain::identifier::InstanceType;
use crate::domain::instance_limits::InstanceLimits;
use crate::domain::plural::counted;
use std::fmt::Write as _;

/// The maximum number of addresses drawn for an interface, so that a line fits in 80 columns.
const MAX_DRAWN: u32 = 20;

/// Returns the drawing of `capacity` for `instance_type`.
#[must_use]
pub fn picture(
    instance_type: &InstanceType,
    limits: &InstanceLimits,
    capacity: &Capacity,
) -> String {
    let mut text = format!(
        "{instance_type}: {} with {} each, {}, {}\n\n",
        counted(limits.interfaces, "network interface"),
        counted(limits.ipv4_per_interface, "IPv4 address"),
        limits.platform,
        counted(limits.vcpus, "vCPU")
    );
    if let Some(addresses) = capacity.attached_addresses {
        term(&mut text, "attached network interfaces", " ", Some(addresses), "addresses for pods");
        draw_pods(&mut text, capacity);
    } else if capacity.addresses.is_some() {
        draw_interfaces(&mut text, capacity);
        draw_addresses(&mut text, capacity);
    } else {
        text.push_str("  ENI 0   one /80 IPv6 prefix, which serves every pod\n\n");
    }
    draw_ceiling(&mut text, capacity);
    text
}

fn draw_interfaces(text: &mut String, capacity: &Capacity) {
    let usable = capacity.max_eni.unwrap_or(capacity.interfaces);
    let own = capacity.slots_per_interface + 1;
    let set_aside = capacity.primary_set_aside > 0;
    let is_excluded = capacity.primary_excluded > 0;
    // The primary interface is always the first.
    let trunk_to = 1 + capacity.trunk;
    let reserved_to = trunk_to.saturating_add(capacity.reserved);
    for number in 0..capacity.interfaces {
        let pods = for_pods(capacity);
        let (first, further, purpose) = match number {
            _ if number >= usable => ("·", "·", format!("unused: MAX_ENI is {usable}")),
            0 if set_aside => ("─", "─", "primary, excluded by custom networking".to_owned()),
            0 if is_excluded => ("─", "─", "primary, in a subnet that a tag excludes".to_owned()),
            0 => ("■", "□", format!("primary, {pods}")),
            _ if number < trunk_to => ("─", "─", "trunk, for security groups for pods".to_owned()),
            _ if number < reserved_to => ("─", "─", "reserved, not managed by the CNI".to_owned()),
            _ if capacity.not_created > 0 => {
                ("·", "·", "not created: a tag excludes the subnet".to_owned())
            }
            _ => ("■", "□", pods),
        };
        let _ = writeln!(text, "  ENI {number:<2}  {}  {purpose}", cells(own, first, further));
    }
    if capacity.other_cards > 0 {
        let _ = writeln!(
            text,
            "  plus {} on other network cards, each with {}",
            counted(capacity.other_cards, "interface"),
            for_pods(capacity)
        );
    }
    let slot = match capacity.addresses_per_slot {
        1 => "address for a pod".to_owned(),
        many => format!("prefix of {many} addresses for pods"),
    };
    let _ = writeln!(text, "\n  ■ primary address   □ {slot}");
}

/// Returns a symbol for the primary address, then one for each slot.
fn cells(count: u32, first: &str, further: &str) -> String {
    let drawn = count.min(MAX_DRAWN);
    let rest = usize::try_from(drawn.saturating_sub(1)).unwrap_or(0);
    let more = if drawn < count { "…" } else { "" };
    format!("{first}{}{more}", further.repeat(rest))
}

fn for_pods(capacity: &Capacity) -> String {
    let Capacity { slots_per_interface, addresses_per_slot, .. } = *capacity;
    let addresses = counted(slots_per_interface.saturating_mul(addresses_per_slot), "address");
    match addresses_per_slot {
        1 => format!("{addresses} for pods"),
        many => {
            format!("{} × {many} = {addresses} for pods", counted(slots_per_interface, "prefix"))
        }
    }
}

fn draw_addresses(text: &mut String, capacity: &Capacity) {
    let Capacity { interfaces_for_pods, slots_per_interface, addresses_per_slot, .. } = *capacity;
    let slot = if addresses_per_slot == 1 { "address" } else { "prefix" };
    let mut product = format!(
        "{} × {}",
        counted(interfaces_for_pods, "interface"),
        counted(slots_per_interface, slot)
    );
    if addresses_per_slot > 1 {
        let _ = write!(product, " × {addresses_per_slot}");
    }
    text.push('\n');
    term(text, &product, " ", capacity.addresses, "addresses for pods");
    if let Some(target) = capacity.address_target {
        term(text, "limit by MINIMUM_IP_TARGET", "≤", Some(target), "addresses for pods");
    }
    draw_pods(text, capacity);
}

fn draw_pods(text: &mut String, capacity: &Capacity) {
    let host = Some(capacity.host_network_pods);
    term(text, "host-network pods", "+", host, "(aws-node, kube-proxy)");
    term(text, "", "=", capacity.uncapped, "pods");
}

fn draw_ceiling(text: &mut String, capacity: &Capacity) {
    if let Some(limit) = capacity.ceiling {
        let is_reached = capacity.uncapped.is_none_or(|uncapped| uncapped > limit);
        term(text, "ceiling", "≤", Some(limit), if is_reached { "" } else { "(not reached)" });
    }
    if let Some(replaced_by) = &capacity.max_pods_override {
        let source = match replaced_by {
            MaxPodsOverride::Setting { .. } => "pods.max".to_owned(),
            MaxPodsOverride::Existing { source, .. } => format!("existing value in {source}"),
        };
        term(text, &source, "→", Some(replaced_by.value()), "(overrides the result)");
    }
    text.push('\n');
    term(text, "max-pods", " ", Some(capacity.max_pods), "");
    for diagnostic in &capacity.diagnostics {
        let _ = writeln!(text, "\n  {}: {}", diagnostic.severity, diagnostic.text);
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "  help: {help}");
        }
    }
}

fn term(text: &mut String, label: &str, sign: &str, number: Option<u32>, unit: &str) {
    let number = number.map(|number| number.to_string()).unwrap_or_default();
    let line = format!("  {label:<34} {sign} {number:>6} {unit}");
    let _ = writeln!(text, "{}", line.trim_end());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::capacity::{CapacityOptions, NodeNetwork, PrimarySubnet};
    use crate::domain::cni::Cni;
    use crate::domain::instance_limits;

    fn m5_large() -> (InstanceType, InstanceLimits) {
        let instance_type = "m5.large".parse().unwrap();
        let limits = instance_limits::embedded(&instance_type).unwrap();
        (instance_type, limits)
    }

    #[test]
    fn interfaces_that_the_cni_cannot_create_are_drawn() {
        let primary_subnet = PrimarySubnet::NoNewInterfaces;
        let network = NodeNetwork { primary_subnet, ..NodeNetwork::default() };
        let options = CapacityOptions { network, ..CapacityOptions::default() };
        let (instance_type, limits) = m5_large();
        let capacity = Capacity::compute(&limits, Cni::default(), options).unwrap();
        assert_eq!(
            picture(&instance_type, &limits, &capacity),
            "\
m5.large: 3 network interfaces with 10 IPv4 addresses each, Nitro, 2 vCPUs

  ENI 0   ■□□□□□□□□□  primary, 9 addresses for pods
  ENI 1   ··········  not created: a tag excludes the subnet
  ENI 2   ··········  not created: a tag excludes the subnet

  ■ primary address   □ address for a pod

  1 interface × 9 addresses                 9 addresses for pods
  host-network pods                  +      2 (aws-node, kube-proxy)
                                     =     11 pods
  ceiling                            ≤    110 (not reached)

  max-pods                                 11
"
        );
    }

    #[test]
    fn attached_addresses_replace_the_interfaces() {
        let (instance_type, limits) = m5_large();
        let options = CapacityOptions::default();
        let capacity = Capacity::compute(&limits, Cni::default(), options).unwrap();
        let count = Some(14);
        let attached = Capacity {
            attached_addresses: count,
            addresses: count,
            uncapped: Some(16),
            max_pods: 16,
            ..capacity
        };
        assert_eq!(
            picture(&instance_type, &limits, &attached),
            "\
m5.large: 3 network interfaces with 10 IPv4 addresses each, Nitro, 2 vCPUs

  attached network interfaces              14 addresses for pods
  host-network pods                  +      2 (aws-node, kube-proxy)
                                     =     16 pods
  ceiling                            ≤    110 (not reached)

  max-pods                                 16
"
        );
    }
}
