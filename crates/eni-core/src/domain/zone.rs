//! The location of an instance: zone name, zone ID and region.

use crate::domain::identifier::{identifier, is_plain};

identifier! {
    /// The name of an availability zone, such as `us-west-2a`. The same name can mean different
    /// zones in two accounts.
    Zone, "an availability zone (such as us-west-2a)", is_zone
}

identifier! {
    /// The ID of an availability zone, such as `usw2-az1`, which means the same zone in every
    /// account.
    ZoneId, "an availability zone id (such as usw2-az1)", |text| is_plain(text, b"")
}

identifier! {
    /// An AWS region, such as `us-west-2`.
    Region, "a region (such as us-west-2)", is_zone
}

/// Returns whether `text` consists of words joined by dashes, as the names of regions and zones do
/// (`us-west-2`, `us-west-2-lax-1a`).
fn is_zone(text: &str) -> bool {
    is_plain(text, b"")
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.contains('-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::identifier::InvalidIdentifier;

    #[test]
    fn every_kind_of_zone_parses_and_hostile_text_does_not() {
        for good in ["us-west-2a", "us-west-2-lax-1a", "us-east-1-wl1-bos-wlz-1", "us-gov-west-1b"]
        {
            assert_eq!(good.parse::<Zone>().map(|zone| zone.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "us west-2a",
            "us-west-2a\"",
            "us-west-2a\n",
            "--max-pods=9",
            "US-WEST-2A",
            "a",
            "2a-b",
        ] {
            let expected = InvalidIdentifier::new("an availability zone (such as us-west-2a)", bad);
            assert_eq!(bad.parse::<Zone>(), Err(expected));
        }
    }
}
