//! The check of the subnet that an ENIConfig names.

use super::free_addresses::check_addresses;
use super::{NodeLocation, SubnetRequirements};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::domain::cni_version::CniVersion;
use eni_core::facts::Subnet;

/// Returns the first problem of the subnet `id`, or a passed check. `subnet` is `None` if EC2 did not
/// return it.
pub(super) fn check(
    requirements: &SubnetRequirements,
    id: &str,
    subnet: Option<&Subnet>,
) -> Diagnostic {
    let SubnetRequirements { location, is_this_node, exclusion, demand, .. } = requirements;
    let subject = if *is_this_node { "the node is in" } else { "this ENIConfig is for" };
    let edit = edit(requirements);
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
    if exclusion.version.is_some()
        && let Some(tag) = exclusion.tag(subnet)
    {
        return Diagnostic::failed(
            Code::SubnetTaggedOut,
            format!("the CNI assigns no pod addresses from {id} because of its tag {tag}"),
            format!("remove the tag, or set spec.subnet to another subnet: {edit}"),
        );
    }
    let id = &subnet.id;
    let help = format!("release addresses in {id}, or set spec.subnet to another subnet: {edit}");
    check_addresses(&[subnet], *demand, help)
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

/// Returns the warning that a tag of the subnet excludes it from pods if the version of the CNI, which is
/// unknown, supports this.
pub(super) fn check_tags(requirements: &SubnetRequirements, subnet: &Subnet) -> Option<Diagnostic> {
    let tag = requirements.exclusion.tag(subnet)?;
    let first = CniVersion::SUBNET_EXCLUSION;
    let (id, edit) = (&subnet.id, edit(requirements));
    let add =
        if requirements.is_this_node { "set `cni.version`" } else { "add `--cni-version VERSION`" };
    requirements.exclusion.version.is_none().then(|| {
        Diagnostic::warning(
            Code::SubnetTaggedOut,
            format!(
                "the version of the CNI is unknown; from {first}, the CNI assigns no pod addresses from {id} because of its tag {tag}"
            ),
            format!(
                "{add}; if it is {first} or later, remove the tag, or set spec.subnet to another subnet: {edit}"
            ),
        )
    })
}

fn edit(requirements: &SubnetRequirements) -> String {
    format!("`kubectl edit eniconfig {}`", requirements.eni_config)
}

#[cfg(test)]
pub(super) mod tests;
