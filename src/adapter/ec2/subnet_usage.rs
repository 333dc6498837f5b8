//! The used and reserved addresses of a subnet.

use super::pod_subnets::filter;
use super::{Ec2, next_page};
use crate::adapter::Deadline;
use crate::adapter::aws::call::{CallError, call};
use aws_sdk_ec2::types::SubnetCidrReservationType;
use eni_core::domain::prefixes;
use ipnet::Ipv4Net;
use std::net::Ipv4Addr;

const INTERFACES: &str = "ec2:DescribeNetworkInterfaces";

/// A subnet CIDR reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The reserved range.
    pub cidr: Ipv4Net,
    /// Whether EC2 takes nothing from the range on its own. Otherwise, EC2 takes prefixes from it.
    pub is_explicit: bool,
}

/// The addresses of a subnet that EC2 cannot assign freely.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubnetUsage {
    /// The addresses and prefixes of every network interface that the account can list.
    pub used: Vec<Ipv4Net>,
    /// The subnet CIDR reservations.
    pub reservations: Vec<Reservation>,
}

impl SubnetUsage {
    /// Returns the number of free `/28` prefixes in the subnet, whose CIDR block is `cidr`.
    fn free_prefixes(self, cidr: Ipv4Net) -> u32 {
        let explicit = self.reservations.into_iter().filter(|it| it.is_explicit).map(|it| it.cidr);
        prefixes::free(cidr, self.used.into_iter().chain(explicit))
    }
}

impl Ec2 {
    /// Returns the number of free `/28` prefixes in subnet `id`.
    ///
    /// Used are the addresses and prefixes of every network interface in the subnet, and its explicit CIDR
    /// reservations, from which EC2 does not assign automatically.
    pub(crate) async fn free_prefixes(
        &self,
        id: &str,
        cidr: Ipv4Net,
        deadline: Deadline,
    ) -> Result<u32, CallError> {
        Ok(self.subnet_usage(id, deadline).await?.free_prefixes(cidr))
    }

    /// Returns the used and reserved addresses of subnet `id`.
    pub async fn subnet_usage(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<SubnetUsage, CallError> {
        let used = self.addresses_in_use(id, deadline).await?;
        let mut reservations = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let request = self
                .client
                .get_subnet_cidr_reservations()
                .subnet_id(id)
                .set_next_token(next.clone());
            let action = "ec2:GetSubnetCidrReservations";
            let response = call(action, deadline, request.send()).await?;
            for reservation in response.subnet_ipv4_cidr_reservations() {
                let explicit = Some(&SubnetCidrReservationType::Explicit);
                let is_explicit = reservation.reservation_type() == explicit;
                let cidr = reservation.cidr().and_then(|cidr| cidr.parse().ok());
                reservations.extend(cidr.map(|cidr| Reservation { cidr, is_explicit }));
            }
            next = next_page(response.next_token());
            if next.is_none() {
                return Ok(SubnetUsage { used, reservations });
            }
        }
    }

    async fn addresses_in_use(
        &self,
        id: &str,
        deadline: Deadline,
    ) -> Result<Vec<Ipv4Net>, CallError> {
        let mut used = Vec::new();
        let mut next: Option<String> = None;
        loop {
            let request = self
                .client
                .describe_network_interfaces()
                .filters(filter("subnet-id", &[id.to_owned()]))
                .max_results(1000)
                .set_next_token(next.clone());
            let response = call(INTERFACES, deadline, request.send()).await?;
            for interface in response.network_interfaces() {
                for address in interface.private_ip_addresses() {
                    let address = address.private_ip_address().and_then(|it| it.parse().ok());
                    used.extend(address.map(|address: Ipv4Addr| Ipv4Net::from(address)));
                }
                for prefix in interface.ipv4_prefixes() {
                    used.extend(prefix.ipv4_prefix().and_then(|it| it.parse::<Ipv4Net>().ok()));
                }
            }
            next = next_page(response.next_token());
            if next.is_none() {
                return Ok(used);
            }
        }
    }

    /// Returns the VPC of an instance; `None` if the instance has no network interface in this account.
    pub async fn vpc_of_instance(
        &self,
        instance: &str,
        deadline: Deadline,
    ) -> Result<Option<String>, CallError> {
        let request = self
            .client
            .describe_network_interfaces()
            .filters(filter("attachment.instance-id", &[instance.to_owned()]));
        let response = call(INTERFACES, deadline, request.send()).await?;
        let mut interfaces = response.network_interfaces().iter();
        Ok(interfaces.find_map(|interface| interface.vpc_id().map(str::to_owned)))
    }
}
