//! Selects one subnet for each zone. Two candidates in a zone are an error that names the flag that decides.

use super::error::ConfigsError;
use super::selector::SubnetSelector;
use crate::output::table;
use eni_core::facts::Subnet;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The number of tags in a suggestion.
const SUGGESTED_TAGS: usize = 3;

/// Candidates for a zone by the name of the zone.
type Zones = BTreeMap<String, Vec<Subnet>>;

/// The candidates of the zones with more than one.
#[derive(Debug, thiserror::Error)]
pub struct Candidates(Vec<String>);

/// Formats a table, one line for each candidate.
impl fmt::Display for Candidates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the candidates are:")?;
        self.0.iter().try_for_each(|line| write!(formatter, "\n{line}"))
    }
}

/// Returns the only candidate of each zone, in the order of the zones' names.
pub(super) fn one_per_zone(
    candidates: Vec<Subnet>,
    selector: &SubnetSelector,
) -> Result<Vec<Subnet>, ConfigsError> {
    let mut zones = Zones::new();
    for subnet in candidates {
        zones.entry(subnet.zone.clone()).or_default().push(subnet);
    }
    for candidates in zones.values_mut() {
        // The largest first.
        candidates.sort_by(|one, other| {
            other.free_addresses.cmp(&one.free_addresses).then_with(|| one.id.cmp(&other.id))
        });
    }
    let ambiguous: Vec<&str> = zones
        .iter()
        .filter(|(_, candidates)| candidates.len() > 1)
        .map(|(zone, _)| zone.as_str())
        .collect();
    if !ambiguous.is_empty() {
        return Err(ConfigsError::Ambiguous {
            zones: ambiguous.join(", "),
            help: help(&zones, selector),
            source: Candidates(lines(&zones)),
        });
    }
    Ok(zones.into_values().flatten().collect())
}

/// Returns the table of the candidates in the zones with more than one.
fn lines(zones: &Zones) -> Vec<String> {
    let ambiguous = zones.values().filter(|candidates| candidates.len() > 1).flatten();
    let rows = ambiguous.map(|subnet| {
        let cidr = subnet.cidr.map(|cidr| cidr.to_string()).unwrap_or_default();
        let free = subnet.free_addresses.to_string();
        [subnet.zone.clone(), subnet.id.clone(), cidr, free]
    });
    table(["ZONE", "SUBNET", "CIDR", "FREE ADDRESSES"], &[3], rows)
}

/// Returns the flag that decides.
fn help(zones: &Zones, selector: &SubnetSelector) -> String {
    let largest: Vec<&str> =
        zones.values().filter_map(|candidates| Some(candidates.first()?.id.as_str())).collect();
    let list = format!("`--subnet-ids {}`", largest.join(","));
    if selector.lists_ids() {
        return format!(
            "list one subnet for each zone, such as those with the most free addresses: {list}"
        );
    }
    let list = format!(
        "list one subnet for each zone, such as those with the most free addresses: {list}"
    );
    let tags: Vec<String> = deciding_tags(zones)
        .into_iter()
        .take(SUGGESTED_TAGS)
        .map(|tag| format!("`--subnet-tag '{tag}'`"))
        .collect();
    if tags.is_empty() {
        return format!("{list}; or add a `--subnet-tag` that only one subnet of each zone has");
    }
    format!("add {}, which selects one subnet in each zone; or {list}", tags.join(" or "))
}

/// Returns the tags that exactly one candidate of each zone has.
fn deciding_tags(zones: &Zones) -> BTreeSet<String> {
    let decides = |tag: &(&String, &String)| {
        zones.values().all(|candidates| {
            let has_tag = |subnet: &&Subnet| subnet.tags.get(tag.0) == Some(tag.1);
            candidates.iter().filter(has_tag).count() == 1
        })
    };
    let tags = zones.values().flatten().flat_map(|subnet| &subnet.tags);
    let tags = tags.filter(|(key, value)| is_plain(key) && is_plain(value));
    tags.filter(decides).map(|(key, value)| format!("{key}={value}")).collect()
}

/// Returns whether this part of a tag can be in a command: it needs no escape in quotes, and no `=` separates it.
fn is_plain(text: &str) -> bool {
    text.chars().all(|it| !it.is_control() && !"='\\\"`$".contains(it))
}

#[cfg(test)]
mod tests {
    use super::super::selector::tests::{selector, subnet};
    use super::*;
    use eni_core::failure::report;

    fn ids(subnets: &[Subnet]) -> Vec<&str> {
        subnets.iter().map(|subnet| subnet.id.as_str()).collect()
    }

    fn error(candidates: Vec<Subnet>, flags: &[&str]) -> String {
        report(&one_per_zone(candidates, &selector(flags)).unwrap_err())
    }

    #[test]
    fn one_candidate_in_each_zone_is_selected_in_the_order_of_the_zones() {
        let candidates = vec![
            subnet(("subnet-b", "us-west-2b"), "100.64.32.0/19", 8187, &[]),
            subnet(("subnet-a", "us-west-2a"), "100.64.0.0/19", 8187, &[]),
        ];
        let selected = one_per_zone(candidates, &selector(&["--subnet-tag", "a"])).unwrap();
        assert_eq!(ids(&selected), ["subnet-a", "subnet-b"]);
    }

    #[test]
    fn two_candidates_are_listed_with_the_tag_that_decides() {
        let tags = &[("cni", "1"), ("tier", "pods")];
        let candidates = vec![
            subnet(("subnet-a1", "us-west-2a"), "100.64.0.0/19", 100, tags),
            subnet(("subnet-a2", "us-west-2a"), "100.64.32.0/19", 8187, &[("cni", "1")]),
            subnet(("subnet-b", "us-west-2b"), "100.64.64.0/19", 8187, tags),
        ];
        assert_eq!(
            error(candidates, &["--subnet-tag", "cni=1"]),
            "error: more than one candidate subnet in us-west-2a\n\
             \u{20} caused by: the candidates are:\n\
             \u{20}   ZONE        SUBNET     CIDR            FREE ADDRESSES\n\
             \u{20}   us-west-2a  subnet-a2  100.64.32.0/19            8187\n\
             \u{20}   us-west-2a  subnet-a1  100.64.0.0/19              100\n\
             \u{20} help: add `--subnet-tag 'tier=pods'`, which selects one subnet in each zone; or list one subnet for each zone, such as those with the most free addresses: `--subnet-ids subnet-a2,subnet-b`"
        );
    }

    #[test]
    fn without_a_deciding_tag_the_help_lists_the_largest_subnets() {
        let candidates = || {
            vec![
                subnet(("subnet-a1", "us-west-2a"), "100.64.0.0/19", 5, &[("a", "1")]),
                subnet(("subnet-a2", "us-west-2a"), "100.64.32.0/19", 5, &[("a", "1")]),
                subnet(("subnet-b1", "us-west-2b"), "100.64.64.0/19", 1, &[("b", "1")]),
                subnet(("subnet-b2", "us-west-2b"), "100.64.96.0/19", 2, &[]),
            ]
        };
        let text = error(candidates(), &["--cidr", "100.64.0.0/10"]);
        assert_eq!(
            text.lines().next(),
            Some("error: more than one candidate subnet in us-west-2a, us-west-2b")
        );
        assert_eq!(
            text.lines().last().unwrap().trim(),
            "help: list one subnet for each zone, such as those with the most free addresses: `--subnet-ids subnet-a1,subnet-b2`; or add a `--subnet-tag` that only one subnet of each zone has"
        );
        let text = error(candidates(), &["--subnet-ids", "subnet-a1,subnet-a2"]);
        assert_eq!(
            text.lines().last().unwrap().trim(),
            "help: list one subnet for each zone, such as those with the most free addresses: `--subnet-ids subnet-a1,subnet-b2`"
        );
    }
}
