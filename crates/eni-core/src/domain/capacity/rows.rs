//! The network interfaces and the terms of the calculation, one by one, for every drawing of it.

use super::{Capacity, MaxPodsOverride};
use crate::domain::plural::counted;

/// The maximum number of rows. The largest instance types have 24 network interfaces on one card, but the result of a
/// run is a file that can contain any number.
const MAX_ROWS: u32 = 40;

/// What a network interface is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InterfaceUse {
    /// Its secondary addresses or prefixes serve pods.
    Pods,
    /// Its /80 IPv6 prefix serves every pod.
    Ipv6Prefix,
    /// The primary one, which custom networking excludes.
    CustomNetworking,
    /// A tag excludes its subnet from pods.
    ExcludedSubnet,
    /// The trunk interface of security groups for pods.
    Trunk,
    /// The CNI does not manage it.
    Reserved,
    /// The CNI cannot create it, because a tag excludes the only subnet that it would use.
    NotCreated,
    /// `MAX_ENI` excludes it.
    MaxEni,
    /// In an IPv6 cluster, one network interface serves every pod.
    NotNeeded,
}

/// A network interface of the default network card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceRow {
    /// Its number; 0 is the primary one. The order of the others is not that of the instance.
    pub number: u32,
    pub purpose: InterfaceUse,
}

/// A line of the calculation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    pub label: String,
    /// How the number continues the calculation, such as `+`; empty for the first and the last line.
    pub sign: &'static str,
    pub number: Option<u32>,
    /// The unit, or a note in parentheses.
    pub unit: &'static str,
}

impl Capacity {
    /// Returns whether the addresses for pods are only those of the attached network interfaces. The
    /// calculation then does not count interfaces.
    #[must_use]
    pub fn counts_attached_only(&self) -> bool {
        self.attached_addresses.is_some() || (self.addresses.is_none() && !self.is_ipv6())
    }

    fn is_ipv6(&self) -> bool {
        self.addresses.is_none() && self.interfaces_for_pods > 0
    }

    /// Returns each network interface of the default network card, at most [`MAX_ROWS`]; none if only the addresses of
    /// the attached ones count.
    pub fn interface_rows(&self) -> impl Iterator<Item = InterfaceRow> {
        (0..self.interfaces_with_row())
            .map(|number| InterfaceRow { number, purpose: self.purpose(number) })
    }

    /// Returns the number of network interfaces of the default network card that [`interface_rows`](Self::interface_rows)
    /// leaves out because of the limit.
    #[must_use]
    pub fn interfaces_without_row(&self) -> u32 {
        if self.counts_attached_only() { 0 } else { self.interfaces.saturating_sub(MAX_ROWS) }
    }

    fn interfaces_with_row(&self) -> u32 {
        if self.counts_attached_only() { 0 } else { self.interfaces.min(MAX_ROWS) }
    }

    fn purpose(&self, number: u32) -> InterfaceUse {
        let usable = self.max_eni.unwrap_or(self.interfaces);
        // The primary interface is always the first.
        let trunk_to = self.trunk.saturating_add(1);
        let reserved_to = trunk_to.saturating_add(self.reserved);
        let excluded_to = reserved_to.saturating_add(self.attached_excluded);
        let without_pods = self.primary_set_aside > 0 || self.primary_excluded > 0;
        match number {
            0 if self.primary_set_aside > 0 => InterfaceUse::CustomNetworking,
            0 if self.primary_excluded > 0 => InterfaceUse::ExcludedSubnet,
            _ if self.is_ipv6() && number == u32::from(without_pods) => InterfaceUse::Ipv6Prefix,
            _ if self.is_ipv6() => InterfaceUse::NotNeeded,
            _ if number >= usable => InterfaceUse::MaxEni,
            0 => InterfaceUse::Pods,
            _ if number < trunk_to => InterfaceUse::Trunk,
            _ if number < reserved_to => InterfaceUse::Reserved,
            _ if number < excluded_to => InterfaceUse::ExcludedSubnet,
            _ if number >= usable.saturating_sub(self.not_created) => InterfaceUse::NotCreated,
            _ => InterfaceUse::Pods,
        }
    }

    /// Returns the description of a network interface, such as `primary, 9 addresses for pods`.
    #[must_use]
    pub fn describe(&self, row: InterfaceRow) -> String {
        let pods = self.pods_per_interface();
        match (row.purpose, row.number) {
            (InterfaceUse::Pods, 0) => format!("primary, {pods}"),
            (InterfaceUse::Pods, _) => pods,
            (InterfaceUse::Ipv6Prefix, _) => {
                "one /80 IPv6 prefix, which serves every pod".to_owned()
            }
            (InterfaceUse::CustomNetworking, _) => {
                "primary, excluded by custom networking".to_owned()
            }
            (InterfaceUse::ExcludedSubnet, 0) => {
                "primary, in a subnet that a tag excludes".to_owned()
            }
            (InterfaceUse::ExcludedSubnet, _) => "in a subnet that a tag excludes".to_owned(),
            (InterfaceUse::Trunk, _) => "trunk, for security groups for pods".to_owned(),
            (InterfaceUse::Reserved, _) => "reserved, not managed by the CNI".to_owned(),
            (InterfaceUse::NotCreated, _) => "not created: a tag excludes the subnet".to_owned(),
            (InterfaceUse::MaxEni, _) => {
                format!("unused: MAX_ENI is {}", self.max_eni.unwrap_or(self.interfaces))
            }
            (InterfaceUse::NotNeeded, _) => "unused: one prefix serves every pod".to_owned(),
        }
    }

    /// Returns the addresses of a network interface that serves pods, such as
    /// `29 prefixes × 16 = 464 addresses for pods`.
    #[must_use]
    pub fn pods_per_interface(&self) -> String {
        let Self { slots_per_interface, addresses_per_slot, .. } = *self;
        let addresses = counted(slots_per_interface.saturating_mul(addresses_per_slot), "address");
        match addresses_per_slot {
            1 => format!("{addresses} for pods"),
            many => {
                format!(
                    "{} × {many} = {addresses} for pods",
                    counted(slots_per_interface, "prefix")
                )
            }
        }
    }

    /// Returns the lines of the calculation. The last one is max-pods.
    #[must_use]
    pub fn terms(&self) -> Vec<Term> {
        let mut terms = Vec::new();
        let mut add = |label: &str, sign, number, unit| {
            terms.push(Term { label: label.to_owned(), sign, number, unit });
        };
        if self.counts_attached_only() {
            let is_known = self.attached_addresses.is_some();
            let unit = if is_known { "addresses for pods" } else { "(addresses unknown)" };
            add("attached network interfaces", "", self.attached_addresses, unit);
        } else if self.addresses.is_some() {
            add(&self.product(), "", self.addresses, "addresses for pods");
        }
        if let Some(target) = self.address_target {
            add("limit by MINIMUM_IP_TARGET", "≤", Some(target), "addresses for pods");
        }
        if self.uncapped.is_some() {
            let host = Some(self.host_network_pods);
            add("host-network pods", "+", host, "(aws-node, kube-proxy)");
            add("", "=", self.uncapped, "pods");
        }
        if let Some(limit) = self.ceiling {
            let is_reached = self.uncapped.is_none_or(|uncapped| uncapped > limit);
            add("ceiling", "≤", Some(limit), if is_reached { "" } else { "(not reached)" });
        }
        if let Some(replaced_by) = &self.max_pods_override {
            let source = match replaced_by {
                MaxPodsOverride::Setting { .. } => "pods.max".to_owned(),
                MaxPodsOverride::Existing { source, .. } => format!("existing value in {source}"),
            };
            add(&source, "→", Some(replaced_by.value()), "(overrides the result)");
        }
        add("max-pods", "", Some(self.max_pods), "");
        terms
    }

    /// Returns the product of the interfaces and their addresses, such as `2 interfaces × 9 addresses`.
    fn product(&self) -> String {
        let slot = if self.addresses_per_slot == 1 { "address" } else { "prefix" };
        let product = format!(
            "{} × {}",
            counted(self.interfaces_for_pods, "interface"),
            counted(self.slots_per_interface, slot)
        );
        match self.addresses_per_slot {
            1 => product,
            many => format!("{product} × {many}"),
        }
    }
}

#[cfg(test)]
mod tests;
