//! A capacity drawn as text: the interfaces, their slots and the sum.

use eni_core::domain::identifier::InstanceType;
use eni_core::domain::limits::InstanceLimits;
use eni_core::domain::max_pods::Capacity;
use std::fmt::Write as _;

/// The most slots that are drawn: a line must fit on a screen of 80 columns.
const WIDEST: u32 = 20;

/// Draws `capacity` of `instance_type`.
#[must_use]
pub fn picture(
    instance_type: &InstanceType,
    limits: &InstanceLimits,
    capacity: &Capacity,
) -> String {
    let row = limits.row;
    let mut text = format!(
        "{instance_type}: {} {} of {} IPv4 addresses, {}, {} vCPUs\n\n",
        row.interfaces,
        if row.interfaces == 1 { "interface" } else { "interfaces" },
        row.ipv4_per_interface,
        row.platform,
        row.vcpus
    );
    if capacity.addresses.is_some() {
        draw_interfaces(&mut text, capacity);
        draw_addresses(&mut text, capacity);
    } else {
        text.push_str(
            "  ENI 0   one /80 IPv6 prefix: more addresses than a node can ever have pods\n",
        );
    }
    draw_ceiling(&mut text, limits, capacity);
    text
}

fn draw_interfaces(text: &mut String, capacity: &Capacity) {
    let usable = capacity.max_eni.unwrap_or(capacity.interfaces);
    let own = capacity.slots_per_interface + 1;
    let set_aside = capacity.primary_set_aside > 0;
    // After the primary interface, which is always the first.
    let trunk_to = 1 + capacity.trunk;
    let reserved_to = trunk_to.saturating_add(capacity.reserved);
    for number in 0..capacity.interfaces {
        let pods = for_pods(capacity);
        let (first, further, purpose) = match number {
            _ if number >= usable => ("·", "·", format!("not used: MAX_ENI is {usable}")),
            0 if set_aside => ("─", "─", "primary: set aside for custom networking".to_owned()),
            0 => ("■", "□", format!("primary: {pods}")),
            _ if number < trunk_to => ("─", "─", "trunk, for security groups for pods".to_owned()),
            _ if number < reserved_to => ("─", "─", "reserved: the CNI leaves it alone".to_owned()),
            _ => ("■", "□", pods),
        };
        let _ = writeln!(text, "  ENI {number:<2}  {}  {purpose}", cells(own, first, further));
    }
    if capacity.other_cards > 0 {
        let _ = writeln!(
            text,
            "  and {} more on other network cards, each the same",
            capacity.other_cards
        );
    }
    let _ = writeln!(text, "\n  ■ its own address   □ {}", slot(capacity));
}

/// The interface's own address, then its slots.
fn cells(count: u32, first: &str, further: &str) -> String {
    let drawn = count.min(WIDEST);
    let rest = usize::try_from(drawn.saturating_sub(1)).unwrap_or(0);
    let more = if drawn < count { "…" } else { "" };
    format!("{first}{}{more}", further.repeat(rest))
}

fn slot(capacity: &Capacity) -> String {
    match capacity.addresses_per_slot {
        1 => "an address for a pod".to_owned(),
        many => format!("a prefix: {many} addresses for pods"),
    }
}

fn for_pods(capacity: &Capacity) -> String {
    let Capacity { slots_per_interface, addresses_per_slot, .. } = *capacity;
    match addresses_per_slot {
        1 => format!("{slots_per_interface} for pods"),
        many => format!(
            "{slots_per_interface} × {many} = {} for pods",
            slots_per_interface.saturating_mul(many)
        ),
    }
}

fn draw_addresses(text: &mut String, capacity: &Capacity) {
    let Capacity { interfaces_for_pods, slots_per_interface, addresses_per_slot, .. } = *capacity;
    let mut product = format!(
        "{interfaces_for_pods} {} × {slots_per_interface} slots",
        if interfaces_for_pods == 1 { "interface" } else { "interfaces" }
    );
    if addresses_per_slot > 1 {
        let _ = write!(product, " × {addresses_per_slot}");
    }
    text.push('\n');
    term(text, &product, " ", capacity.addresses, "addresses for pods");
    if let Some(target) = capacity.address_target {
        term(text, "held back by MINIMUM_IP_TARGET", "≤", Some(target), "addresses");
    }
    let host = Some(capacity.host_network_pods);
    term(text, "aws-node, kube-proxy and the like", "+", host, "on the host's network");
    term(text, "", "=", capacity.uncapped, "pods");
}

fn draw_ceiling(text: &mut String, limits: &InstanceLimits, capacity: &Capacity) {
    if let Some(most) = capacity.ceiling {
        let reached = capacity.uncapped.is_none_or(|uncapped| uncapped > most);
        let said = if reached { "" } else { "(not reached)" };
        term(text, &format!("ceiling for {} vCPUs", limits.row.vcpus), "≤", Some(most), said);
    }
    if capacity.fixed.is_some() {
        term(text, "set by hand", "→", capacity.fixed, "");
    }
    text.push('\n');
    term(text, "max-pods", " ", Some(capacity.max_pods), "");
    for caveat in &capacity.caveats {
        let _ = writeln!(text, "\n  note: {caveat}");
    }
}

fn term(text: &mut String, what: &str, sign: &str, number: Option<u32>, unit: &str) {
    let number = number.map(|number| number.to_string()).unwrap_or_default();
    let line = format!("  {what:<34} {sign} {number:>6} {unit}");
    let _ = writeln!(text, "{}", line.trim_end());
}
