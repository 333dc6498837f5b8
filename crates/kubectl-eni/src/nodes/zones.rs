//! The zones that the names of ENIConfigs contain.

use super::node::{Node, ZONE_ID};
use eni_core::domain::label::REGION;
use std::collections::BTreeSet;

/// The names and IDs of the zones of all nodes.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownZones(BTreeSet<String>);

impl KnownZones {
    pub(super) fn of<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> Self {
        let words = nodes.into_iter().flat_map(|node| [node.zone(), node.label(ZONE_ID)]);
        Self(words.flatten().map(str::to_owned).collect())
    }

    /// Returns the zone in `name` if it is another zone than that of `node`; `None` if `name` contains the
    /// zone of `node` or no zone.
    pub(super) fn other_zone(&self, name: &str, node: &Node) -> Option<String> {
        let zone = node.zone()?;
        if names_zone_of(name, node) {
            return None;
        }
        let of_region = region(node)
            .into_iter()
            .flat_map(|region| ('a'..='z').map(move |letter| format!("{region}{letter}")));
        let known = self.0.iter().cloned().chain(of_region);
        known.filter(|other| other != zone && contains_word(name, other)).max_by_key(String::len)
    }
}

/// Returns whether `name` contains the zone of `node`, or its ID.
pub(super) fn names_zone_of(name: &str, node: &Node) -> bool {
    let own = [node.zone(), node.label(ZONE_ID)];
    own.into_iter().flatten().any(|zone| contains_word(name, zone))
}

/// Returns the region of a node: its label, or the name of its zone without the letter.
fn region(node: &Node) -> Option<&str> {
    let of_zone = || {
        let region = node.zone()?.strip_suffix(|it: char| it.is_ascii_lowercase())?;
        region.ends_with(|it: char| it.is_ascii_digit()).then_some(region)
    };
    node.label(REGION).or_else(of_zone)
}

/// Returns whether `text` contains `word`, without a letter or digit directly before or after it.
fn contains_word(text: &str, word: &str) -> bool {
    let is_part = |it: Option<char>| it.is_some_and(|it| it.is_ascii_alphanumeric());
    text.match_indices(word).any(|(at, _)| {
        !is_part(text[..at].chars().next_back()) && !is_part(text[at + word.len()..].chars().next())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::domain::label::ZONE;

    fn node(labels: &[(&str, &str)]) -> Node {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Node { labels: labels.collect(), ..Node::default() }
    }

    #[test]
    fn a_name_with_another_zone_is_recognized() {
        let in_a = node(&[(ZONE, "us-west-2a"), (ZONE_ID, "usw2-az2")]);
        let local = node(&[(ZONE, "us-west-2-lax-1a"), (REGION, "us-west-2")]);
        let zones = KnownZones::of([&in_a, &local, &node(&[(ZONE_ID, "usw2-az1")])]);
        for (name, node, expected) in [
            ("us-west-2a", &in_a, None),
            ("pods-us-west-2a-blue", &in_a, None),
            ("usw2-az2", &in_a, None),
            ("default", &in_a, None),
            ("blue", &in_a, None),
            ("us-west-2ab", &in_a, None),
            ("us-west-2b", &in_a, Some("us-west-2b")),
            ("us-west-2f.gpu", &in_a, Some("us-west-2f")),
            ("usw2-az1", &in_a, Some("usw2-az1")),
            ("us-west-2-lax-1a", &in_a, Some("us-west-2-lax-1a")),
            ("us-west-2-lax-1a", &local, None),
            ("us-west-2a", &local, Some("us-west-2a")),
            ("us-west-2b", &node(&[]), None),
        ] {
            assert_eq!(zones.other_zone(name, node).as_deref(), expected, "{name}");
        }
    }
}
