//! The sum in words.

use super::Capacity;
use std::fmt;

/// The sum on one line, so that a person can do it again from the log.
impl fmt::Display for Capacity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} pods: ", self.max_pods)?;
        if self.addresses.is_none() {
            formatter.write_str("IPv6, one /80 prefix for all of them")?;
        } else {
            self.fmt_interfaces(formatter)?;
            self.fmt_addresses(formatter)?;
        }
        if let Some(uncapped) = self.uncapped {
            write!(formatter, " + {} on the host's network = {uncapped}", self.host_network_pods)?;
        }
        match (self.fixed, self.ceiling) {
            (Some(fixed), _) => write!(formatter, ", set to {fixed}"),
            (None, Some(most)) if self.uncapped.is_none_or(|uncapped| most < uncapped) => {
                write!(formatter, ", ceiling {most}")
            }
            (None, _) => Ok(()),
        }
    }
}

impl Capacity {
    fn fmt_interfaces(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interfaces = if self.interfaces == 1 { "interface" } else { "interfaces" };
        write!(formatter, "{} {interfaces}", self.interfaces)?;
        if let Some(most) = self.max_eni {
            write!(formatter, ", MAX_ENI {most}")?;
        }
        for (count, purpose) in [
            (self.primary_set_aside, "for custom networking"),
            (self.trunk, "for the trunk"),
            (self.reserved, "reserved"),
        ] {
            if count > 0 {
                write!(formatter, " − {count} {purpose}")?;
            }
        }
        if self.other_cards > 0 {
            write!(formatter, " + {} on other cards", self.other_cards)?;
        }
        Ok(())
    }

    fn fmt_addresses(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, ", {} × {} slots", self.interfaces_for_pods, self.slots_per_interface)?;
        if self.addresses_per_slot > 1 {
            write!(formatter, " × {} addresses", self.addresses_per_slot)?;
        }
        if let Some(target) = self.address_target {
            write!(formatter, ", held at {target} by MINIMUM_IP_TARGET")?;
        }
        Ok(())
    }
}
