//! Counts the free `/28` prefixes of a subnet. The number of free addresses is not enough, because
//! the addresses of a prefix are contiguous.

use ipnet::Ipv4Net;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Addresses in one IPv4 prefix (`/28`).
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-prefix-eni.html>
pub const ADDRESSES: u32 = 16;

/// Returns the number of prefixes in `subnet` that overlap none of `used`, which lists addresses,
/// prefixes and reserved ranges. The first and the last prefix are never free, because AWS reserves
/// the first four addresses and the last address of a subnet.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
#[must_use]
pub fn free(subnet: Ipv4Net, used: impl IntoIterator<Item = Ipv4Net>) -> u32 {
    let first = u32::from(subnet.network());
    let last = u32::from(subnet.broadcast());
    // A subnet starts at a prefix boundary. Ranges outside the subnet are clamped to its first and
    // last prefix, which are never free.
    let block = |address: Ipv4Addr| u32::from(address).clamp(first, last) / ADDRESSES;
    let mut taken = BTreeSet::from([block(subnet.network()), block(subnet.broadcast())]);
    for range in used {
        taken.extend(block(range.network())..=block(range.broadcast()));
    }
    all(subnet).saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX))
}

/// Returns the maximum and the minimum number of free prefixes for a number of free addresses: each
/// used address occupies at most one prefix.
#[must_use]
pub fn bounds(subnet: Ipv4Net, free_addresses: u32) -> (u32, u32) {
    let in_use = (all(subnet) * ADDRESSES).saturating_sub(free_addresses);
    (free_addresses / ADDRESSES, all(subnet).saturating_sub(in_use))
}

fn all(subnet: Ipv4Net) -> u32 {
    let addresses = u32::from(subnet.broadcast()) - u32::from(subnet.network()) + 1;
    addresses / ADDRESSES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn a_used_address_occupies_its_prefix() {
        let free = |subnet: &str, used: &[&str]| free(net(subnet), used.iter().map(|it| net(it)));
        assert_eq!(free("10.0.0.0/24", &[]), 14, "the first and the last hold reserved addresses");
        assert_eq!(free("10.0.0.0/28", &[]), 0);
        assert_eq!(free("10.0.0.0/27", &[]), 0);
        assert_eq!(free("10.0.0.0/26", &[]), 2);
        assert_eq!(
            free("10.0.0.0/24", &["10.0.0.5/32"]),
            14,
            "in the first prefix, which is never free"
        );
        assert_eq!(free("10.0.0.0/24", &["10.0.0.16/32", "10.0.0.31/32"]), 13);
        assert_eq!(free("10.0.0.0/24", &["10.0.0.16/28", "10.0.0.47/32"]), 12);
        assert_eq!(free("10.0.0.0/24", &["10.0.0.128/25"]), 7, "half of the subnet is reserved");
        assert_eq!(free("10.0.0.0/24", &["10.0.0.0/16"]), 0);
        assert_eq!(
            free("10.0.1.0/24", &["10.0.0.240/32", "10.0.2.0/32"]),
            14,
            "addresses of other subnets"
        );
        let scattered: Vec<String> = (0..16).map(|n| format!("10.0.0.{}/32", n * 16 + 7)).collect();
        let scattered: Vec<&str> = scattered.iter().map(String::as_str).collect();
        assert_eq!(free("10.0.0.0/24", &scattered), 0, "240 free addresses, but no free prefix");
    }

    #[test]
    fn the_number_of_free_addresses_bounds_the_free_prefixes() {
        assert_eq!(bounds(net("10.0.0.0/24"), 251), (15, 11));
        assert_eq!(bounds(net("10.0.0.0/24"), 15), (0, 0));
        assert_eq!(bounds(net("10.0.0.0/24"), 246), (15, 6));
        assert_eq!(bounds(net("10.0.0.0/24"), 240), (15, 0));
    }
}
