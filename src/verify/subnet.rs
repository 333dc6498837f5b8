//! The check of the subnet that an ENIConfig names.

use super::{NodeLocation, SubnetRequirements};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::plural::counted;
use eni_core::domain::prefixes;
use eni_core::facts::Subnet;

/// The minimum number of free addresses: one for a network interface and one for its first pod.
const MIN_FREE_ADDRESSES: u32 = 2;
/// With the value `0`, this tag excludes a subnet from the CNI's subnet discovery.
const ROLE_TAG: &str = "kubernetes.io/role/cni";
/// The prefix of the tags that reserve a subnet for a cluster; the cluster name follows.
///
/// Source: `pkg/awsutils/awsutils.go`, aws/amazon-vpc-cni-k8s.
const CLUSTER_TAG: &str = "cni.networking.k8s.aws/cluster/";

/// Returns the first problem of the subnet `id`, or a passed check. `subnet` is `None` if EC2 did not
/// return it.
pub(super) fn check(
    requirements: &SubnetRequirements,
    id: &str,
    subnet: Option<&Subnet>,
) -> Diagnostic {
    let SubnetRequirements { location, is_this_node, eni_config, .. } = requirements;
    let subject = if *is_this_node { "the node is in" } else { "this ENIConfig is for" };
    let edit = format!("`kubectl edit eniconfig {eni_config}`");
    let Some(subnet) = subnet else {
        return Diagnostic::failed(
            Code::SubnetNotFound,
            format!("{id} not found in {} in this AWS account", location.region),
            format!("set spec.subnet to an existing subnet: {edit}"),
        );
    };
    if let Some((zone, node_zone)) = zone_mismatch(location, subnet) {
        return Diagnostic::failed(
            Code::SubnetWrongZone,
            format!("{id} is in {zone}, but {subject} {node_zone}"),
            format!(
                "set spec.subnet to a subnet in {}: {edit}",
                location.zone.as_deref().unwrap_or("the node's zone")
            ),
        );
    }
    if let Some(vpc) = location.vpc.as_ref().filter(|vpc| **vpc != subnet.vpc) {
        return Diagnostic::failed(
            Code::SubnetWrongVpc,
            format!("{id} is in {}, but {subject} {vpc}", subnet.vpc),
            format!(
                "set spec.subnet to a subnet in {vpc}: {edit}; if pods intentionally use another VPC, set `eni-config.verify = false`"
            ),
        );
    }
    if let Some(tag) = excluding_tag(requirements, subnet) {
        return Diagnostic::failed(
            Code::SubnetTaggedOut,
            format!("the CNI assigns no pod addresses from {id} because of its tag {tag}"),
            format!("remove the tag, or set spec.subnet to another subnet: {edit}"),
        );
    }
    check_addresses(requirements, subnet, &edit)
}

fn check_addresses(requirements: &SubnetRequirements, subnet: &Subnet, edit: &str) -> Diagnostic {
    let Subnet { id, zone, free_addresses, .. } = subnet;
    let free = counted(*free_addresses, "free address");
    if *free_addresses < MIN_FREE_ADDRESSES {
        return Diagnostic::failed(
            Code::SubnetFull,
            format!("{id} has {free}, but a new node needs at least {MIN_FREE_ADDRESSES}"),
            format!("release addresses in {id}, or set spec.subnet to another subnet: {edit}"),
        );
    }
    if *free_addresses < requirements.addresses {
        return Diagnostic::warning(
            Code::FewFreeAddresses,
            format!(
                "{id} has {free}, but the pods of this node can use up to {}",
                requirements.addresses
            ),
            "add a larger subnet before the node runs out of addresses",
        );
    }
    Diagnostic::ok(Code::SubnetOk, format!("{id} is in {zone} and has {free}"))
}

/// Returns the zones of the subnet and of the node if they differ.
///
/// Compares zone IDs if both are known, because the name of a zone differs between AWS accounts.
fn zone_mismatch(location: &NodeLocation, subnet: &Subnet) -> Option<(String, String)> {
    let is_known = |text: &String| !text.is_empty();
    let zone = location.zone.as_ref().filter(|text| is_known(text))?;
    let is_same = match location.zone_id.as_ref().filter(|text| is_known(text)) {
        Some(zone_id) if is_known(&subnet.zone_id) => *zone_id == subnet.zone_id,
        _ => *zone == subnet.zone,
    };
    let with_id = |zone: &str, id: Option<&String>| match id.filter(|id| is_known(id)) {
        Some(id) => format!("{zone} ({id})"),
        None => zone.to_owned(),
    };
    (!is_same).then(|| {
        (with_id(&subnet.zone, Some(&subnet.zone_id)), with_id(zone, location.zone_id.as_ref()))
    })
}

/// Returns the tag that excludes the subnet from the CNI's subnet discovery, if there is one.
fn excluding_tag(requirements: &SubnetRequirements, subnet: &Subnet) -> Option<String> {
    if !requirements.subnet_discovery {
        return None;
    }
    if subnet.tags.get(ROLE_TAG).is_some_and(|value| value == "0") {
        return Some(format!("{ROLE_TAG}=0"));
    }
    let cluster = requirements.cluster.as_deref()?;
    let mut clusters =
        subnet.tags.keys().filter_map(|key| key.strip_prefix(CLUSTER_TAG)).peekable();
    let first = *clusters.peek()?;
    let is_ours = clusters.any(|name| name == cluster);
    (!is_ours).then(|| format!("{CLUSTER_TAG}{first} (this cluster is {cluster})"))
}

/// Checks whether the subnet has enough `/28` prefixes. `least` is the minimum that follows from the number
/// of free addresses.
pub(super) fn check_prefixes(
    requirements: &SubnetRequirements,
    subnet: &Subnet,
    free: u32,
    least: u32,
) -> Diagnostic {
    let id = &subnet.id;
    let needed = requirements.addresses.div_ceil(prefixes::ADDRESSES);
    let prefixes = counted(free, "free /28 prefix");
    if free == 0 {
        let addresses = counted(subnet.free_addresses, "free address");
        return Diagnostic::failed(
            Code::NoFreePrefix,
            format!("{id} has {addresses}, but no free /28 prefix"),
            format!(
                "use a subnet that contains only pods, or reserve a range for prefixes: `aws ec2 create-subnet-cidr-reservation --subnet-id {id} --reservation-type prefix --cidr CIDR`"
            ),
        );
    }
    if free < needed {
        return Diagnostic::warning(
            Code::FewFreePrefixes,
            format!("{id} has {prefixes}, but the pods of this node can use up to {needed}"),
            "add a larger subnet before the node runs out of addresses",
        );
    }
    let at_least = if free == least { "at least " } else { "" };
    Diagnostic::ok(Code::FreePrefixesOk, format!("{id} has {at_least}{prefixes}"))
}

#[cfg(test)]
pub(super) mod tests;
