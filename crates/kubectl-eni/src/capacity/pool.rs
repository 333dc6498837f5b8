//! What EC2 can still assign in a subnet, as numbers.
//!
//! EC2 does not document which free address it assigns. The two placements are the limits: every other
//! choice of EC2 breaks more blocks than [`Placement::Best`] and fewer than [`Placement::Worst`].

use super::address_map::BLOCK;

/// Which free address EC2 assigns to a network interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placement {
    /// One in a block that is broken already, as long as there is one.
    Best,
    /// One in a free block, as long as there is one.
    Worst,
}

/// The addresses and prefixes of one network interface, which EC2 assigns in one subnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Interface {
    /// Single addresses, including the primary address.
    pub addresses: u32,
    /// `/28` prefixes.
    pub prefixes: u32,
}

/// The free addresses of a subnet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Pool {
    /// Free addresses in broken blocks.
    pub loose: u32,
    /// Free blocks outside of reservations.
    pub blocks: u32,
    /// Free blocks in prefix reservations, from which EC2 assigns no single addresses.
    pub reserved: u32,
}

impl Pool {
    /// Returns the number of free addresses.
    pub(super) fn addresses(&self) -> u32 {
        self.loose + (self.blocks + self.reserved) * BLOCK
    }

    /// Returns the number of blocks that EC2 can assign as prefixes.
    pub(super) fn prefixes(&self) -> u32 {
        self.blocks + self.reserved
    }

    /// Takes the addresses of `interface`: first the single ones, then the prefixes. Returns false and
    /// changes nothing if there are not enough.
    pub(super) fn take(&mut self, interface: Interface, placement: Placement) -> bool {
        let mut pool = *self;
        let has_addresses = (0..interface.addresses).all(|_| pool.take_address(placement));
        let is_taken = has_addresses && pool.take_prefixes(interface.prefixes);
        if is_taken {
            *self = pool;
        }
        is_taken
    }

    /// Takes `count` single addresses, which are in use at unknown places.
    pub(super) fn hide(&mut self, count: u32, placement: Placement) {
        for _ in 0..count {
            self.take_address(placement);
        }
    }

    fn take_address(&mut self, placement: Placement) -> bool {
        let breaks = self.blocks > 0 && (placement == Placement::Worst || self.loose == 0);
        if breaks {
            self.blocks -= 1;
            self.loose += BLOCK;
        }
        let is_free = self.loose > 0;
        self.loose = self.loose.saturating_sub(1);
        is_free
    }

    /// Takes prefixes from the reservations, then from the other blocks.
    fn take_prefixes(&mut self, count: u32) -> bool {
        let of_reserved = count.min(self.reserved);
        let of_blocks = count - of_reserved;
        let is_free = of_blocks <= self.blocks;
        self.reserved -= of_reserved;
        self.blocks = self.blocks.saturating_sub(of_blocks);
        is_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FREE: Pool = Pool { loose: 27, blocks: 14, reserved: 0 };

    fn interface(addresses: u32, prefixes: u32) -> Interface {
        Interface { addresses, prefixes }
    }

    #[test]
    fn a_primary_address_breaks_a_block_only_in_the_worst_case() {
        let mut best = FREE;
        assert!(best.take(interface(1, 2), Placement::Best));
        assert_eq!(best, Pool { loose: 26, blocks: 12, reserved: 0 });
        let mut worst = FREE;
        assert!(worst.take(interface(1, 2), Placement::Worst));
        assert_eq!(worst, Pool { loose: 42, blocks: 11, reserved: 0 });
        assert_eq!((best.addresses(), worst.addresses()), (218, 218));
    }

    #[test]
    fn the_best_case_breaks_a_block_when_no_other_address_is_left() {
        let mut pool = Pool { loose: 1, blocks: 1, reserved: 0 };
        assert!(pool.take(interface(2, 0), Placement::Best));
        assert_eq!(pool, Pool { loose: 15, blocks: 0, reserved: 0 });
    }

    #[test]
    fn a_reservation_serves_prefixes_only() {
        let mut pool = Pool { loose: 1, blocks: 1, reserved: 2 };
        assert!(pool.take(interface(0, 3), Placement::Worst));
        assert_eq!(pool, Pool { loose: 1, blocks: 0, reserved: 0 });
        let mut pool = Pool { loose: 0, blocks: 0, reserved: 2 };
        assert!(!pool.take(interface(1, 0), Placement::Best));
        assert_eq!(pool.prefixes(), 2);
    }

    #[test]
    fn hidden_addresses_break_as_many_blocks_as_possible_or_as_few() {
        let hidden = |count, placement| {
            let mut pool = FREE;
            pool.hide(count, placement);
            pool
        };
        assert_eq!(hidden(20, Placement::Best), Pool { loose: 7, blocks: 14, reserved: 0 });
        assert_eq!(hidden(20, Placement::Worst), Pool { loose: 231, blocks: 0, reserved: 0 });
        assert_eq!(hidden(251, Placement::Best), Pool::default());
        assert_eq!(hidden(300, Placement::Worst), Pool::default());
    }

    #[test]
    fn an_interface_that_does_not_fit_takes_nothing() {
        let mut pool = FREE;
        assert!(!pool.take(interface(1, 15), Placement::Best));
        assert!(!pool.take(interface(252, 0), Placement::Best));
        assert_eq!(pool, FREE);
    }
}
