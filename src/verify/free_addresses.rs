//! The check whether subnets have enough free addresses for the pods of a node.

use super::skipped;
use crate::adapter::Deadline;
use crate::adapter::ec2::Ec2;
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::plural::counted;
use eni_core::domain::prefixes;
use eni_core::facts::Subnet;
use ipnet::Ipv4Net;

/// The minimum number of free addresses: one for a network interface and one for its first pod.
const MIN_FREE_ADDRESSES: u32 = 2;

/// The addresses that the pods of a full node use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressDemand {
    /// The number of addresses.
    pub addresses: u32,
    /// Whether the node has other addresses for pods, on attached network interfaces.
    pub is_additional: bool,
}

impl AddressDemand {
    /// Formats a number of addresses or prefixes, such as `18`, or `18 more`.
    fn text(self, number: u32) -> String {
        if self.is_additional { format!("{number} more") } else { number.to_string() }
    }
}

/// Checks whether `subnets` together have enough free addresses. `help` is the help if they have none.
///
/// Several subnets count together, because the CNI creates the next network interface in the subnet with
/// the most free addresses.
pub(super) fn check_addresses(
    subnets: &[&Subnet],
    demand: AddressDemand,
    help: String,
) -> Diagnostic {
    let free_addresses = total(subnets);
    let (ids, have) = (ids(subnets), verb(subnets, "has", "have"));
    let free = counted(free_addresses, "free address");
    if free_addresses < MIN_FREE_ADDRESSES && !demand.is_additional {
        return Diagnostic::failed(
            Code::SubnetFull,
            format!("{ids} {have} {free}, but a new node needs at least {MIN_FREE_ADDRESSES}"),
            help,
        );
    }
    if free_addresses < demand.addresses {
        let needed = demand.text(demand.addresses);
        return Diagnostic::warning(
            Code::FewFreeAddresses,
            format!("{ids} {have} {free}, but the pods of this node can use up to {needed}"),
            "add a larger subnet before the node runs out of addresses",
        );
    }
    let zone = subnets.first().map(|subnet| subnet.zone.as_str()).unwrap_or_default();
    let are = verb(subnets, "is", "are");
    Diagnostic::ok(Code::SubnetOk, format!("{ids} {are} in {zone} and {have} {free}"))
}

/// Checks the free `/28` prefixes of `subnets` together; `None` if none of them has an IPv4 CIDR block.
pub(super) async fn free_prefixes(
    subnets: &[&Subnet],
    demand: AddressDemand,
    ec2: &Ec2,
    deadline: Deadline,
) -> Option<Diagnostic> {
    let blocks = blocks(subnets);
    if blocks.is_empty() {
        return None;
    }
    let bounds = blocks.iter().map(|(subnet, cidr)| prefixes::bounds(*cidr, subnet.free_addresses));
    let bounds: Vec<(u32, u32)> = bounds.collect();
    let mut free = bounds.iter().fold(0, |sum: u32, (_, least)| sum.saturating_add(*least));
    // The number of free addresses often decides. Only otherwise list every network interface in a
    // subnet, because a thousand nodes may boot at the same time.
    let blocks = blocks.iter().zip(bounds).filter(|(_, (most, least))| most > least);
    let mut uncounted = blocks.peekable();
    while free.saturating_mul(prefixes::ADDRESSES) < demand.addresses.max(1) {
        let Some(((subnet, cidr), (_, least))) = uncounted.next() else { break };
        match ec2.free_prefixes(&subnet.id, *cidr, deadline).await {
            Ok(counted) => free = free.saturating_sub(least).saturating_add(counted),
            Err(error) => return Some(skipped(Code::FreePrefixesNotChecked, &error)),
        }
    }
    Some(check_prefixes(subnets, demand, free, uncounted.peek().is_some()))
}

/// Checks the free `/28` prefixes of `subnets` by the number of free addresses, without a request to EC2;
/// `None` if none of them has an IPv4 CIDR block.
pub(super) fn estimate_prefixes(subnets: &[&Subnet], demand: AddressDemand) -> Option<Diagnostic> {
    let blocks = blocks(subnets);
    let bounds = blocks.iter().map(|(subnet, cidr)| prefixes::bounds(*cidr, subnet.free_addresses));
    let (most, least) = bounds.reduce(|(most, least), (more, fewer)| {
        (most.saturating_add(more), least.saturating_add(fewer))
    })?;
    let needed = demand.addresses.max(1).div_ceil(prefixes::ADDRESSES);
    if most == least || least >= needed {
        return Some(check_prefixes(subnets, demand, least, most > least));
    }
    if most < needed {
        let most = counted(most, "free /28 prefix");
        return Some(few_prefixes(subnets, demand, &format!("at most {most}")));
    }
    let (ids, have) = (ids(subnets), verb(subnets, "has", "have"));
    let addresses = counted(total(subnets), "free address");
    Some(Diagnostic::skipped(
        Code::FreePrefixesNotChecked,
        format!("{ids} {have} {addresses} and between {least} and {most} free /28 prefixes"),
        Some("run `eni-bootstrap check` to count them".to_owned()),
    ))
}

/// Returns the subnets with an IPv4 CIDR block.
fn blocks<'a>(subnets: &[&'a Subnet]) -> Vec<(&'a Subnet, Ipv4Net)> {
    subnets.iter().filter_map(|subnet| Some((*subnet, subnet.cidr?))).collect()
}

/// Checks whether `subnets` together have enough `/28` prefixes. `free` is the number of free prefixes, or
/// a minimum of it.
fn check_prefixes(
    subnets: &[&Subnet],
    demand: AddressDemand,
    free: u32,
    is_minimum: bool,
) -> Diagnostic {
    let (ids, have) = (ids(subnets), verb(subnets, "has", "have"));
    let needed = demand.addresses.div_ceil(prefixes::ADDRESSES);
    let prefixes = counted(free, "free /28 prefix");
    if free == 0 {
        let addresses = counted(total(subnets), "free address");
        let id = subnets.first().map(|subnet| subnet.id.as_str()).unwrap_or_default();
        return Diagnostic::failed(
            Code::NoFreePrefix,
            format!("{ids} {have} {addresses}, but no free /28 prefix"),
            format!(
                "use a subnet that contains only pods, or reserve a range for prefixes: `aws ec2 create-subnet-cidr-reservation --subnet-id {id} --reservation-type prefix --cidr CIDR`"
            ),
        );
    }
    if free < needed {
        return few_prefixes(subnets, demand, &prefixes);
    }
    let at_least = if is_minimum { "at least " } else { "" };
    Diagnostic::ok(Code::FreePrefixesOk, format!("{ids} {have} {at_least}{prefixes}"))
}

/// Returns the warning about fewer free `/28` prefixes than the pods can use. `prefixes` is their number.
fn few_prefixes(subnets: &[&Subnet], demand: AddressDemand, prefixes: &str) -> Diagnostic {
    let (ids, have) = (ids(subnets), verb(subnets, "has", "have"));
    let needed = demand.text(demand.addresses.div_ceil(prefixes::ADDRESSES));
    Diagnostic::warning(
        Code::FewFreePrefixes,
        format!("{ids} {have} {prefixes}, but the pods of this node can use up to {needed}"),
        "add a larger subnet before the node runs out of addresses",
    )
}

fn total(subnets: &[&Subnet]) -> u32 {
    subnets.iter().fold(0, |sum: u32, subnet| sum.saturating_add(subnet.free_addresses))
}

/// Returns the ids, such as `subnet-1, subnet-2 and subnet-3`.
pub(super) fn ids(subnets: &[&Subnet]) -> String {
    let ids: Vec<&str> = subnets.iter().map(|subnet| subnet.id.as_str()).collect();
    match ids.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => ids.concat(),
    }
}

fn verb<'a>(subnets: &[&Subnet], of_one: &'a str, of_many: &'a str) -> &'a str {
    if subnets.len() == 1 { of_one } else { of_many }
}

#[cfg(test)]
pub(super) mod tests;
