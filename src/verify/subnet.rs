//! Whether a subnet can serve this node's pods.

use super::{Fit, SUBNET};
use eni_core::domain::finding::Finding;
use eni_core::domain::prefixes;
use eni_core::facts::Subnet;

/// An interface takes one address for itself, and a pod another one.
const FEWEST: u32 = 2;
/// The tag that decides whether the CNI's subnet discovery uses a subnet.
const ROLE: &str = "kubernetes.io/role/cni";
/// With a cluster's name after it: the subnet is that cluster's.
///
/// Source: `pkg/awsutils/awsutils.go`, aws/amazon-vpc-cni-k8s.
const OF_CLUSTER: &str = "cni.networking.k8s.aws/cluster/";

/// Where the node is, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The zone's name.
    pub zone: Option<String>,
    /// The zone's id: another account may have another name for it.
    pub zone_id: Option<String>,
    /// The VPC of the primary interface.
    pub vpc: Option<String>,
    /// The region.
    pub region: String,
}

/// The first thing that is wrong with the subnet `id`; `found` is what EC2 has of that id.
pub(super) fn judge(fit: &Fit, id: &str, found: Option<&Subnet>) -> Finding {
    let Fit { place, name, .. } = fit;
    let edit = format!("`kubectl edit eniconfig {name}`, field spec.subnet");
    let Some(found) = found else {
        return Finding::fails(
            SUBNET,
            format!("there is no subnet {id} in {} for this account", place.region),
            format!("name one that there is: {edit}"),
        );
    };
    if let Some(elsewhere) = elsewhere(place, found) {
        return Finding::fails(
            SUBNET,
            elsewhere,
            format!("name a subnet of the node's own zone: {edit}"),
        );
    }
    if let Some(vpc) = place.vpc.as_ref().filter(|vpc| **vpc != found.vpc) {
        return Finding::fails(
            SUBNET,
            format!("its subnet {id} is in {}, and this node is in {vpc}", found.vpc),
            format!(
                "name a subnet of {vpc}: {edit}; where interfaces of two VPCs are meant, set eni-config.verify = false"
            ),
        );
    }
    if let Some(tag) = excluded(fit, found) {
        return Finding::fails(
            SUBNET,
            format!("its subnet {id} is tagged {tag}: the CNI keeps pods off its interfaces"),
            format!("remove the tag, or name another subnet: {edit}"),
        );
    }
    let free = found.free_addresses;
    if free < FEWEST {
        return Finding::fails(
            SUBNET,
            format!(
                "its subnet {id} has {free} free addresses, and a node needs {FEWEST} at least"
            ),
            format!("free addresses in it, or name another subnet: {edit}"),
        );
    }
    if free < fit.addresses {
        return Finding::warning(
            SUBNET,
            format!(
                "its subnet {id} has {free} free addresses, and this node's pods take up to {}",
                fit.addresses
            ),
            "add a larger subnet before the node fills up",
        );
    }
    Finding::ok(SUBNET, format!("{id} is in {}, with {free} free addresses", found.zone))
}

/// By the zone's id where both are known: one zone has another name in another account.
fn elsewhere(place: &Place, found: &Subnet) -> Option<String> {
    let known = |text: &String| !text.is_empty();
    let zone = place.zone.as_ref().filter(|text| known(text))?;
    let same = match place.zone_id.as_ref().filter(|text| known(text)) {
        Some(zone_id) if known(&found.zone_id) => *zone_id == found.zone_id,
        _ => *zone == found.zone,
    };
    let named = |zone: &str, id: Option<&String>| match id.filter(|id| known(id)) {
        Some(id) => format!("{zone} ({id})"),
        None => zone.to_owned(),
    };
    (!same).then(|| {
        format!(
            "its subnet {} is in {}, and this node is in {}",
            found.id,
            named(&found.zone, Some(&found.zone_id)),
            named(zone, place.zone_id.as_ref())
        )
    })
}

/// The tag by which the CNI's subnet discovery sets its interfaces aside, custom networking or not.
fn excluded(fit: &Fit, found: &Subnet) -> Option<String> {
    if !fit.subnet_discovery {
        return None;
    }
    if found.tags.get(ROLE).is_some_and(|value| value == "0") {
        return Some(format!("{ROLE}=0"));
    }
    let cluster = fit.cluster.as_deref()?;
    let mut of_clusters =
        found.tags.keys().filter_map(|key| key.strip_prefix(OF_CLUSTER)).peekable();
    let first = *of_clusters.peek()?;
    let ours = of_clusters.any(|name| name == cluster);
    (!ours).then(|| format!("{OF_CLUSTER}{first}, and not for {cluster}"))
}

/// Whether there are prefixes for the node's pods: `free` of them, of which `least` is what the
/// count of free addresses alone promises.
pub(super) fn judge_prefixes(fit: &Fit, found: &Subnet, free: u32, least: u32) -> Finding {
    let (id, addresses) = (&found.id, found.free_addresses);
    let wanted = fit.addresses.div_ceil(prefixes::ADDRESSES);
    let check = "free prefixes";
    if free == 0 {
        return Finding::fails(
            check,
            format!("its subnet {id} has {addresses} free addresses, but no 16 of them in one /28"),
            "add a subnet for pods alone, or reserve ranges of this one for prefixes (`aws ec2 create-subnet-cidr-reservation --reservation-type prefix`)",
        );
    }
    if free < wanted {
        return Finding::warning(
            check,
            format!(
                "its subnet {id} has {free} free /28, and this node's pods take up to {wanted}"
            ),
            "add a larger subnet before the node fills up",
        );
    }
    let at_least = if free == least { "at least " } else { "" };
    Finding::ok(check, format!("{id} has {at_least}{free} free /28"))
}

#[cfg(test)]
mod tests;
