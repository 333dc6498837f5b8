//! The addresses in use in a pod subnet.

use super::Reader;
use super::pod_subnets::PodSubnet;
use crate::capacity::address_map::{AddressMap, BLOCK, Reservation};
use crate::capacity::predict::{Input, SubnetInput};
use eni_bootstrap::adapter::ec2::SubnetUsage;
use eni_core::domain::plural::counted;
use eni_core::facts::Subnet;
use eni_core::failure::one_line;

/// The attempts to read a subnet that does not change meanwhile.
const ATTEMPTS: u32 = 3;

impl Reader<'_> {
    /// Adds a subnet to its zone. If it cannot be read, adds the reason to the skipped ones.
    pub(super) async fn read_subnet(&self, input: &mut Input, pod_subnet: PodSubnet) {
        let PodSubnet { subnet, role, used_by } = pod_subnet;
        let used = match subnet.cidr.and_then(AddressMap::new) {
            None => Err("it has no IPv4 CIDR block".to_owned()),
            Some(empty) => self.used(&subnet, &empty).await,
        };
        let zone = input.zones.iter_mut().find(|zone| zone.name == subnet.zone);
        let Some(zone) = zone else { return };
        match used {
            Ok((map, hidden)) => {
                input.skipped.extend(note(&subnet.id, hidden));
                zone.subnets.push(SubnetInput { id: subnet.id, used_by, role, map, hidden });
            }
            Err(reason) => {
                zone.has_unknown_subnet = true;
                input.skipped.push(format!("{}: {reason}", subnet.id));
            }
        }
    }

    /// Returns the map of a subnet, and the number of hidden addresses.
    ///
    /// EC2 counts the free addresses in one response and lists the network interfaces in another one. If a node
    /// terminates in between, its addresses look hidden. So the count must be the same afterwards.
    async fn used(&self, subnet: &Subnet, empty: &AddressMap) -> Result<(AddressMap, u32), String> {
        let mut free = subnet.free_addresses;
        let mut attempt = 1;
        loop {
            let usage = self.ec2.subnet_usage(&subnet.id, self.deadline).await;
            let map = filled(empty.clone(), &usage.map_err(|error| one_line(&error))?);
            let before = hidden_addresses(free, &map);
            if before == 0 {
                return Ok((map, 0));
            }
            free = self.free_addresses(&subnet.id).await?;
            let after = hidden_addresses(free, &map);
            if after == before || after == 0 {
                return Ok((map, after));
            }
            if attempt == ATTEMPTS {
                return Ok((map, before.max(after)));
            }
            attempt += 1;
        }
    }

    async fn free_addresses(&self, id: &str) -> Result<u32, String> {
        let found = self.ec2.subnets(&[id.to_owned()], self.deadline).await;
        let found = found.map_err(|error| one_line(&error))?;
        let subnet = found.first().ok_or_else(|| "not found in EC2".to_owned())?;
        Ok(subnet.free_addresses)
    }
}

/// Returns the map of a subnet with this usage.
fn filled(mut map: AddressMap, usage: &SubnetUsage) -> AddressMap {
    for range in &usage.used {
        map.use_range(*range);
    }
    for reservation in &usage.reservations {
        let kind =
            if reservation.is_explicit { Reservation::Explicit } else { Reservation::Prefix };
        map.reserve(reservation.cidr, kind);
    }
    map
}

/// Returns how many more free addresses the map has than EC2 counts (`free`). Network interfaces of other accounts
/// in a shared subnet are not listed. EC2 may count reserved addresses as free, or not.
fn hidden_addresses(free: u32, map: &AddressMap) -> u32 {
    let outside = map.pool().loose + map.pool().blocks * BLOCK;
    outside.saturating_sub(free + map.used_in_reservations())
}

fn note(id: &str, hidden: u32) -> Option<String> {
    (hidden > 0).then(|| {
        format!(
            "{id}: {} in use by network interfaces that this account cannot list; their /28 blocks are unknown",
            counted(hidden, "address")
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_bootstrap::adapter::ec2;

    #[test]
    fn fewer_free_addresses_than_expected_are_hidden() {
        let used = ["10.0.0.9/32", "10.0.0.130/32"].map(|it| it.parse().unwrap()).to_vec();
        let reserved = "10.0.0.128/25".parse().unwrap();
        let reservations = vec![ec2::Reservation { cidr: reserved, is_explicit: false }];
        let empty = AddressMap::new("10.0.0.0/24".parse().unwrap()).unwrap();
        let map = filled(empty, &SubnetUsage { used, reservations });
        // 123 addresses are free outside of the reservation, and two addresses in it are in use or reserved by AWS.
        let hidden = [249, 123, 121, 120].map(|free| hidden_addresses(free, &map));
        assert_eq!(hidden, [0, 0, 0, 1], "with and without the reservation");
        assert_eq!(note("subnet-1", 0), None);
        let expected = "subnet-1: 1 address in use by network interfaces that this account cannot list; their /28 blocks are unknown";
        assert_eq!(note("subnet-1", 1).as_deref(), Some(expected));
    }
}
