//! Draws the calculation of max-pods as text: the network interfaces, their addresses and each term.

use super::Capacity;
use super::rows::{InterfaceRow, InterfaceUse, Term};
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
    draw_interfaces(&mut text, capacity);
    draw_terms(&mut text, capacity);
    text
}

fn draw_interfaces(text: &mut String, capacity: &Capacity) {
    let own = capacity.slots_per_interface.saturating_add(1);
    let mut has_addresses = false;
    for row in capacity.interface_rows() {
        let InterfaceRow { number, purpose } = row;
        let (first, further) = match purpose {
            InterfaceUse::Pods => ("■", "□"),
            InterfaceUse::Ipv6Prefix => {
                let _ = writeln!(text, "  ENI {number}   {}\n", capacity.describe(row));
                continue;
            }
            InterfaceUse::NotNeeded => continue,
            InterfaceUse::MaxEni | InterfaceUse::NotCreated => ("·", "·"),
            InterfaceUse::CustomNetworking
            | InterfaceUse::ExcludedSubnet
            | InterfaceUse::Trunk
            | InterfaceUse::Reserved => ("─", "─"),
        };
        has_addresses |= purpose == InterfaceUse::Pods;
        let cells = cells(own, first, further);
        let _ = writeln!(text, "  ENI {number:<2}  {cells}  {}", capacity.describe(row));
    }
    let others = capacity.interfaces_without_row();
    if others > 0 {
        let _ = writeln!(text, "  and {}", counted(others, "other interface"));
    }
    if capacity.other_cards > 0 {
        let _ = writeln!(
            text,
            "  plus {} on other network cards, each with {}",
            counted(capacity.other_cards, "interface"),
            capacity.pods_per_interface()
        );
    }
    if has_addresses {
        let slot = match capacity.addresses_per_slot {
            1 => "address for a pod".to_owned(),
            many => format!("prefix of {many} addresses for pods"),
        };
        let _ = writeln!(text, "\n  ■ primary address   □ {slot}\n");
    }
}

/// Returns a symbol for the primary address, then one for each slot.
fn cells(count: u32, first: &str, further: &str) -> String {
    let drawn = count.min(MAX_DRAWN);
    let rest = usize::try_from(drawn.saturating_sub(1)).unwrap_or(0);
    let more = if drawn < count { "…" } else { "" };
    format!("{first}{}{more}", further.repeat(rest))
}

fn draw_terms(text: &mut String, capacity: &Capacity) {
    let terms = capacity.terms();
    for (index, Term { label, sign, number, unit }) in terms.iter().enumerate() {
        if index + 1 == terms.len() {
            text.push('\n');
        }
        let number = number.map(|number| number.to_string()).unwrap_or_default();
        let line = format!("  {label:<34} {sign:1} {number:>6} {unit}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
    for diagnostic in &capacity.diagnostics {
        let _ = writeln!(text, "\n  {}: {}", diagnostic.severity, diagnostic.text);
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(text, "  help: {help}");
        }
    }
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

    #[test]
    fn a_file_with_any_number_of_interfaces_is_drawn_with_40() {
        let (instance_type, limits) = m5_large();
        let options = CapacityOptions::default();
        let capacity = Capacity::compute(&limits, Cni::default(), options).unwrap();
        let of = |interfaces| {
            picture(&instance_type, &limits, &Capacity { interfaces, ..capacity.clone() })
        };
        let start = "\
m5.large: 3 network interfaces with 10 IPv4 addresses each, Nitro, 2 vCPUs

  ENI 0   ■□□□□□□□□□  primary, 9 addresses for pods
";
        let end = "
  ■ primary address   □ address for a pod

  3 interfaces × 9 addresses               27 addresses for pods
  host-network pods                  +      2 (aws-node, kube-proxy)
                                     =     29 pods
  ceiling                            ≤    110 (not reached)

  max-pods                                 29
";
        let row = |number| format!("  ENI {number:<2}  ■□□□□□□□□□  9 addresses for pods\n");
        let rows: String = (1..40).map(row).collect();
        for (interfaces, others) in [
            (40, ""),
            (41, "  and 1 other interface\n"),
            (u32::MAX, "  and 4294967255 other interfaces\n"),
        ] {
            assert_eq!(of(interfaces), format!("{start}{rows}{others}{end}"), "{interfaces}");
        }
    }
}
