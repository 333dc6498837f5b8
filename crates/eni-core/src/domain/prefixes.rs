//! How many `/28` prefixes a subnet still has for the CNI: free addresses alone do not tell, since a
//! prefix needs sixteen of them side by side.

use ipnet::Ipv4Net;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Addresses in one prefix.
pub const ADDRESSES: u32 = 16;
/// The prefixes of `subnet` in which nothing of `used` lies: addresses, prefixes and reserved ranges.
/// AWS keeps the first four addresses and the last one, so neither the first nor the last is free.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
#[must_use]
pub fn free(subnet: Ipv4Net, used: impl IntoIterator<Item = Ipv4Net>) -> u32 {
    let first = u32::from(subnet.network());
    let last = u32::from(subnet.broadcast());
    // A subnet begins where a prefix does. What lies outside falls to the prefixes at the ends, which
    // are taken anyway.
    let block = |address: Ipv4Addr| u32::from(address).clamp(first, last) / ADDRESSES;
    let mut taken = BTreeSet::from([block(subnet.network()), block(subnet.broadcast())]);
    for range in used {
        taken.extend(block(range.network())..=block(range.broadcast()));
    }
    all(subnet).saturating_sub(u32::try_from(taken.len()).unwrap_or(u32::MAX))
}

/// How many prefixes are free, as far as the count of free addresses tells: no more than the first
/// figure, and no fewer than the second, since one address in use spoils one prefix at most.
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
    fn what_lies_in_a_prefix_spoils_it() {
        let free = |subnet: &str, used: &[&str]| free(net(subnet), used.iter().map(|it| net(it)));
        assert_eq!(free("10.0.0.0/24", &[]), 14, "the first and the last hold AWS's own");
        assert_eq!(free("10.0.0.0/28", &[]), 0);
        assert_eq!(free("10.0.0.0/27", &[]), 0);
        assert_eq!(free("10.0.0.0/26", &[]), 2);
        assert_eq!(free("10.0.0.0/24", &["10.0.0.5/32"]), 14, "in the first, which is spoilt");
        assert_eq!(free("10.0.0.0/24", &["10.0.0.16/32", "10.0.0.31/32"]), 13);
        assert_eq!(free("10.0.0.0/24", &["10.0.0.16/28", "10.0.0.47/32"]), 12);
        assert_eq!(free("10.0.0.0/24", &["10.0.0.128/25"]), 7, "a reserved half");
        assert_eq!(free("10.0.0.0/24", &["10.0.0.0/16"]), 0);
        assert_eq!(free("10.0.1.0/24", &["10.0.0.240/32", "10.0.2.0/32"]), 14, "another subnet's");
        let scattered: Vec<String> = (0..16).map(|n| format!("10.0.0.{}/32", n * 16 + 7)).collect();
        let scattered: Vec<&str> = scattered.iter().map(String::as_str).collect();
        assert_eq!(free("10.0.0.0/24", &scattered), 0, "240 free addresses, and no prefix");
    }

    #[test]
    fn the_count_of_free_addresses_bounds_the_prefixes() {
        assert_eq!(bounds(net("10.0.0.0/24"), 251), (15, 11));
        assert_eq!(bounds(net("10.0.0.0/24"), 15), (0, 0));
        assert_eq!(bounds(net("10.0.0.0/24"), 246), (15, 6));
        assert_eq!(bounds(net("10.0.0.0/24"), 240), (15, 0));
    }
}
