//! The IPv4 addresses of a subnet, as one bitmap for each `/28` block.

use super::pool::Pool;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

/// Addresses in one `/28` block.
pub(super) const BLOCK: u32 = eni_core::domain::prefixes::ADDRESSES;
/// The shortest prefix of an EC2 subnet.
///
/// Source: <https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html>
const LARGEST_SUBNET: u8 = 16;
/// The longest prefix of an EC2 subnet.
const SMALLEST_SUBNET: u8 = 28;
/// A block in which every address is in the set.
const ALL: u16 = u16::MAX;

/// The type of a subnet CIDR reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reservation {
    /// EC2 takes prefixes from the range, and no single addresses.
    Prefix,
    /// EC2 takes nothing from the range on its own.
    Explicit,
}

/// The state of a `/28` block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Free: EC2 can assign it as a prefix, or take single addresses from it.
    Free,
    /// Free and in a prefix reservation: EC2 can assign it as a prefix only.
    Reserved,
    /// Assigned as a prefix.
    Prefix,
    /// Some addresses are in use, so it cannot be a prefix.
    Broken,
    /// Every address is in use.
    Full,
    /// In an explicit reservation.
    Explicit,
}

/// One block: a bit for each address, the lowest bit for the first one.
#[derive(Clone, Copy, Debug, Default)]
struct Block {
    used: u16,
    prefix_reservation: u16,
    explicit_reservation: u16,
    is_prefix: bool,
}

impl Block {
    fn cell(self) -> Cell {
        if self.is_prefix {
            Cell::Prefix
        } else if self.used == ALL {
            Cell::Full
        } else if self.explicit_reservation != 0 {
            Cell::Explicit
        } else if self.used != 0 || !matches!(self.prefix_reservation, 0 | ALL) {
            Cell::Broken
        } else if self.prefix_reservation == ALL {
            Cell::Reserved
        } else {
            Cell::Free
        }
    }

    /// Returns the number of free addresses that EC2 can assign one by one.
    fn single_addresses(self) -> u32 {
        (!(self.used | self.prefix_reservation | self.explicit_reservation)).count_ones()
    }
}

/// The addresses of a subnet. The first four and the last one are in use, because AWS reserves them.
#[derive(Clone, Debug)]
pub(super) struct AddressMap {
    cidr: Ipv4Net,
    blocks: Vec<Block>,
}

impl AddressMap {
    /// Returns the map of an empty subnet; `None` if EC2 has no subnet of this size.
    pub(super) fn new(cidr: Ipv4Net) -> Option<Self> {
        if !(LARGEST_SUBNET..=SMALLEST_SUBNET).contains(&cidr.prefix_len()) {
            return None;
        }
        let cidr = cidr.trunc();
        let blocks = vec![Block::default(); 1 << (SMALLEST_SUBNET - cidr.prefix_len())];
        let mut map = Self { cidr, blocks };
        if let Some(first) = map.blocks.first_mut() {
            first.used |= 0b1111;
        }
        if let Some(last) = map.blocks.last_mut() {
            last.used |= 1 << (BLOCK - 1);
        }
        Some(map)
    }

    /// Marks the addresses of `range` as in use. Addresses of other subnets have no effect.
    pub(super) fn use_range(&mut self, range: Ipv4Net) {
        let is_prefix = range.prefix_len() == SMALLEST_SUBNET;
        self.each_block(range, |block, bits| {
            block.used |= bits;
            block.is_prefix |= is_prefix;
        });
    }

    /// Marks `range` as reserved.
    pub(super) fn reserve(&mut self, range: Ipv4Net, kind: Reservation) {
        self.each_block(range, |block, bits| match kind {
            Reservation::Prefix => block.prefix_reservation |= bits,
            Reservation::Explicit => block.explicit_reservation |= bits,
        });
    }

    /// Calls `change` for each block that overlaps `range`, with the bits of the common addresses.
    fn each_block(&mut self, range: Ipv4Net, mut change: impl FnMut(&mut Block, u16)) {
        let (first, last) = (u32::from(self.cidr.network()), u32::from(self.cidr.broadcast()));
        let from = u32::from(range.network()).max(first);
        let to = u32::from(range.broadcast()).min(last);
        if from > to {
            return;
        }
        let (from, to) = (from - first, to - first);
        for index in from / BLOCK..=to / BLOCK {
            let low = from.saturating_sub(index * BLOCK);
            let high = (to - index * BLOCK).min(BLOCK - 1);
            let bits = (ALL << low) & (ALL >> (BLOCK - 1 - high));
            let block = usize::try_from(index).ok().and_then(|index| self.blocks.get_mut(index));
            if let Some(block) = block {
                change(block, bits);
            }
        }
    }

    pub(super) fn cidr(&self) -> Ipv4Net {
        self.cidr
    }

    /// Returns the state of each block, in the order of their addresses.
    pub(super) fn cells(&self) -> impl ExactSizeIterator<Item = Cell> + '_ {
        self.blocks.iter().map(|block| block.cell())
    }

    /// Returns what EC2 can still assign.
    pub(super) fn pool(&self) -> Pool {
        let mut pool = Pool::default();
        for block in &self.blocks {
            match block.cell() {
                Cell::Free => pool.blocks += 1,
                Cell::Reserved => pool.reserved += 1,
                Cell::Prefix | Cell::Broken | Cell::Full | Cell::Explicit => {
                    pool.loose += block.single_addresses();
                }
            }
        }
        pool
    }

    /// Returns the number of used addresses in reservations.
    pub(super) fn used_in_reservations(&self) -> u32 {
        let used = |it: &Block| it.used & (it.prefix_reservation | it.explicit_reservation);
        self.blocks.iter().map(|block| used(block).count_ones()).sum()
    }

    /// Returns whether a reservation of the subnet overlaps `range`.
    pub(super) fn is_reserved(&self, range: Ipv4Net) -> bool {
        let is_reserved = |it: &Block| (it.prefix_reservation | it.explicit_reservation) != 0;
        self.in_range(range).any(is_reserved)
    }

    /// Returns the number of free blocks in `range`, which consists of whole blocks.
    pub(super) fn free_blocks_in(&self, range: Ipv4Net) -> usize {
        self.in_range(range).filter(|block| block.cell() == Cell::Free).count()
    }

    fn in_range(&self, range: Ipv4Net) -> impl Iterator<Item = &Block> {
        let index = |address: Ipv4Addr| {
            let offset = u32::from(address).saturating_sub(u32::from(self.cidr.network()));
            usize::try_from(offset / BLOCK).unwrap_or(usize::MAX)
        };
        let (first, last) = (index(range.network()), index(range.broadcast()));
        self.blocks.iter().skip(first).take(last.saturating_sub(first).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::domain::prefixes;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    fn map(cidr: &str, used: &[&str]) -> AddressMap {
        let mut map = AddressMap::new(net(cidr)).unwrap();
        for range in used {
            map.use_range(net(range));
        }
        map
    }

    fn cells(map: &AddressMap) -> Vec<Cell> {
        map.cells().collect()
    }

    #[test]
    fn aws_reserves_the_first_four_addresses_and_the_last_one() {
        let empty = map("10.0.0.0/24", &[]);
        assert_eq!(empty.pool().addresses(), 251);
        assert_eq!(empty.pool(), Pool { loose: 12 + 15, blocks: 14, reserved: 0 });
        let smallest = map("10.0.0.0/28", &[]);
        assert_eq!(smallest.pool(), Pool { loose: 11, blocks: 0, reserved: 0 });
    }

    #[test]
    fn a_block_is_free_only_without_addresses_in_use() {
        let map = map("10.0.0.0/26", &["10.0.0.16/28", "10.0.0.33/32", "10.0.1.0/24"]);
        assert_eq!(cells(&map), [Cell::Broken, Cell::Prefix, Cell::Broken, Cell::Broken]);
        assert_eq!(map.pool(), Pool { loose: 12 + 15 + 15, blocks: 0, reserved: 0 });
    }

    #[test]
    fn a_full_block_is_not_a_prefix() {
        let each: Vec<String> = (16..32).map(|last| format!("10.0.0.{last}/32")).collect();
        let each: Vec<&str> = each.iter().map(String::as_str).collect();
        assert_eq!(cells(&map("10.0.0.0/27", &each))[1], Cell::Full);
    }

    use Cell::{Broken, Explicit, Free, Prefix, Reserved};

    #[test]
    fn reservations_decide_what_ec2_takes() {
        let mut map = map("10.0.0.0/25", &["10.0.0.32/32", "10.0.0.64/28"]);
        map.reserve(net("10.0.0.32/27"), Reservation::Prefix);
        map.reserve(net("10.0.0.80/30"), Reservation::Explicit);
        map.reserve(net("10.0.0.100/30"), Reservation::Prefix);
        assert_eq!(cells(&map), [Broken, Free, Broken, Reserved, Prefix, Explicit, Broken, Broken]);
        // 12 and 15 at the ends, 12 beside each small reservation, none in the prefix reservation.
        assert_eq!(map.pool(), Pool { loose: 12 + 15 + 12 + 12, blocks: 1, reserved: 1 });
        assert_eq!(map.used_in_reservations(), 1);
        assert!(map.is_reserved(net("10.0.0.48/28")) && !map.is_reserved(net("10.0.0.16/28")));
        assert_eq!(map.free_blocks_in(net("10.0.0.0/26")), 1);
    }

    #[test]
    fn the_free_blocks_equal_those_of_the_node_binary() {
        let used = ["10.0.3.7/32", "10.0.9.0/28", "10.0.200.255/32", "10.0.200.254/32"];
        let map = map("10.0.0.0/16", &used);
        let free = prefixes::free(net("10.0.0.0/16"), used.iter().map(|range| net(range)));
        assert_eq!(map.pool().blocks, free);
        assert_eq!(free, 4_096 - 2 - 3);
    }

    #[test]
    fn ec2_has_no_subnets_of_other_sizes() {
        assert!(AddressMap::new(net("10.0.0.0/15")).is_none());
        assert!(AddressMap::new(net("10.0.0.0/29")).is_none());
    }
}
