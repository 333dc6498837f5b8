//! The calculation on one line.

use super::{Capacity, MaxPodsOverride};
use crate::domain::plural::counted;
use std::fmt;

/// Formats max-pods with every term of the calculation, such as `20: (3 network interfaces − 1 for
/// custom networking) × 9 secondary IPv4 addresses + 2 host-network pods = 20`.
impl fmt::Display for Capacity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: ", self.max_pods)?;
        if self.addresses.is_none() && self.interfaces_for_pods == 0 {
            formatter.write_str("the addresses of the attached network interfaces are unknown")?;
        } else if self.addresses.is_none() {
            formatter.write_str("one IPv6 /80 prefix serves every pod")?;
        } else if let Some(addresses) = self.attached_addresses {
            let addresses = counted(addresses, "IPv4 address");
            write!(formatter, "{addresses} on the attached network interfaces")?;
        } else {
            self.fmt_interfaces(formatter)?;
            self.fmt_addresses(formatter)?;
        }
        if let Some(uncapped) = self.uncapped {
            write!(formatter, " + {} host-network pods = {uncapped}", self.host_network_pods)?;
        }
        match (&self.max_pods_override, self.ceiling) {
            (Some(MaxPodsOverride::Setting { value }), _) => {
                write!(formatter, "; overridden by pods.max = {value}")
            }
            (Some(MaxPodsOverride::Existing { value, source }), _) => {
                write!(formatter, "; overridden by the existing value {value} from {source}")
            }
            (None, Some(limit)) if self.uncapped.is_none_or(|uncapped| limit < uncapped) => {
                write!(formatter, "; limited to {limit} by pods.ceiling")
            }
            (None, _) => Ok(()),
        }
    }
}

impl Capacity {
    fn fmt_interfaces(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usable = match self.max_eni {
            Some(limit) => format!("{} (MAX_ENI)", counted(limit, "network interface")),
            None => counted(self.interfaces, "network interface"),
        };
        let terms = [
            (self.primary_set_aside, "− 1 for custom networking".to_owned()),
            (self.primary_excluded, "− 1 for the excluded subnet".to_owned()),
            (self.attached_excluded, format!("− {} in excluded subnets", self.attached_excluded)),
            (self.trunk, "− 1 for the trunk interface".to_owned()),
            (self.reserved, format!("− {} reserved", self.reserved)),
            (self.not_created, format!("− {} that the CNI cannot create", self.not_created)),
            (self.other_cards, format!("+ {} on other network cards", self.other_cards)),
        ];
        let terms: Vec<String> =
            terms.into_iter().filter(|(count, _)| *count > 0).map(|(_, term)| term).collect();
        if terms.is_empty() {
            formatter.write_str(&usable)
        } else {
            write!(formatter, "({usable} {})", terms.join(" "))
        }
    }

    fn fmt_addresses(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slot = if self.addresses_per_slot == 1 { "secondary IPv4 address" } else { "prefix" };
        write!(formatter, " × {}", counted(self.slots_per_interface, slot))?;
        if self.addresses_per_slot > 1 {
            write!(formatter, " × {} IPv4 addresses", self.addresses_per_slot)?;
        }
        if let Some(target) = self.address_target {
            write!(formatter, ", limited to {target} by MINIMUM_IP_TARGET,")?;
        }
        Ok(())
    }
}
