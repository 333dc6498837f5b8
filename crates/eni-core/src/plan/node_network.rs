//! What max-pods depends on besides the instance type and the CNI configuration: the tags of the
//! node's subnet, and the attached network interfaces.

use crate::diagnostic::{Code, Diagnostic};
use crate::domain::aws_node::AwsNode;
use crate::domain::capacity::{AttachedAddresses, NodeNetwork, PrimarySubnet};
use crate::domain::cni::Cni;
use crate::domain::cni_version::CniVersion;
use crate::domain::identifier::SubnetId;
use crate::domain::subnet_tags::{excluding_tag, is_discovered};
use crate::facts::{Facts, Instance, NetworkInterface, Subnet, ZoneSubnets};
use crate::settings::Settings;

/// Returns whether max-pods depends on the tags of the subnets in the zone, so that the agent must
/// read them.
#[must_use]
pub fn depends_on_zone_subnets(settings: &Settings, aws_node: Option<&AwsNode>) -> bool {
    let (cni, _) = super::effective_cni(&settings.cni, aws_node);
    let is_configured = settings.cni.primary_subnet_excluded.is_some() || aws_node.is_none();
    !is_configured && applies(&cni.config)
}

/// Returns whether the tags of a subnet can exclude the primary network interface from pods.
fn applies(cni: &Cni) -> bool {
    !cni.custom_networking && cni.may_be_since(CniVersion::SUBNET_EXCLUSION)
}

/// Returns the network of the node, with notes about the tags.
pub(super) fn node_network(
    facts: &Facts,
    settings: &Settings,
    cni: &Cni,
    aws_node: Option<&AwsNode>,
) -> (NodeNetwork, Vec<Diagnostic>) {
    let (primary_subnet, diagnostics) = primary_subnet(facts, settings, cni, aws_node);
    let attached = attached(&facts.instance);
    (NodeNetwork { primary_subnet, attached }, diagnostics)
}

/// Returns the addresses of the attached network interfaces; `None` if they are unknown.
fn attached(instance: &Instance) -> Option<AttachedAddresses> {
    let primary = instance.primary_interface.as_ref()?.pod_addresses();
    let others = instance.interfaces.as_ref()?.iter();
    Some(AttachedAddresses {
        primary,
        others: others.map(NetworkInterface::pod_addresses).collect(),
    })
}

/// Returns whether the subnet of the primary network interface serves pods.
fn primary_subnet(
    facts: &Facts,
    settings: &Settings,
    cni: &Cni,
    aws_node: Option<&AwsNode>,
) -> (PrimarySubnet, Vec<Diagnostic>) {
    if let Some(is_excluded) = settings.cni.primary_subnet_excluded {
        let subnet = if is_excluded { PrimarySubnet::Excluded } else { PrimarySubnet::Included };
        return (subnet, Vec::new());
    }
    let (Some(aws_node), true) = (aws_node, applies(cni)) else {
        return (PrimarySubnet::Included, Vec::new());
    };
    match &facts.zone_subnets {
        ZoneSubnets::NotRead => (PrimarySubnet::Included, Vec::new()),
        ZoneSubnets::Unknown { reason, is_denied } => {
            let diagnostic = not_checked(reason, *is_denied, cni.version, aws_node);
            (PrimarySubnet::Included, vec![diagnostic])
        }
        ZoneSubnets::Read(subnets) => {
            let own = facts.instance.subnet_id.as_ref().map(SubnetId::as_str);
            by_tags(subnets, own, cni.version, aws_node)
        }
    }
}

/// Returns whether the subnet `own` serves pods, by the tags of all subnets in the zone.
fn by_tags(
    subnets: &[Subnet],
    own: Option<&str>,
    version: Option<CniVersion>,
    aws_node: &AwsNode,
) -> (PrimarySubnet, Vec<Diagnostic>) {
    let cluster = aws_node.cluster_name.as_deref();
    let own = subnets.iter().find(|subnet| Some(subnet.id.as_str()) == own);
    let excluded = own.and_then(|it| Some((it, excluding_tag(&it.tags, cluster)?)));
    let Some((own, tag)) = excluded else {
        return (PrimarySubnet::Included, Vec::new());
    };
    let mut others = subnets.iter().filter(|subnet| subnet.id != own.id);
    let has_other = others.any(|subnet| is_discovered(&subnet.tags, cluster));
    let subnet = match (aws_node.subnet_discovery, has_other, version) {
        (false, ..) => PrimarySubnet::NoNewInterfaces,
        // An earlier version serves pods from the excluded subnet, so the node may work.
        (true, true, _) | (true, false, None) => PrimarySubnet::Excluded,
        (true, false, Some(_)) => PrimarySubnet::ExcludedWithoutOther,
    };
    let mut diagnostics = vec![excluded_by(&own.id, &tag, subnet)];
    diagnostics.extend(version.is_none().then(version_unknown));
    (subnet, diagnostics)
}

fn excluded_by(id: &str, tag: &str, subnet: PrimarySubnet) -> Diagnostic {
    let effect = if subnet == PrimarySubnet::NoNewInterfaces {
        "subnet discovery is off, so the CNI creates no network interface, and only the primary one serves pods"
    } else {
        "the CNI assigns no addresses of the primary network interface to pods"
    };
    let text = format!("the tag {tag} excludes the subnet of the node, {id}: {effect}");
    Diagnostic::info(Code::PrimarySubnetExcluded, text)
}

fn version_unknown() -> Diagnostic {
    let first = CniVersion::SUBNET_EXCLUSION;
    Diagnostic::warning(
        Code::CniVersionUnknown,
        format!(
            "the version of the CNI is unknown; before {first}, no tag excludes a subnet, so max-pods may be too low"
        ),
        "set cni.version",
    )
}

/// The warning that EC2 did not return the tags.
fn not_checked(
    reason: &str,
    is_denied: bool,
    version: Option<CniVersion>,
    aws_node: &AwsNode,
) -> Diagnostic {
    let since = version.is_some_and(|version| version >= CniVersion::SUBNET_EXCLUSION);
    let prediction = if is_denied && since && aws_node.subnet_discovery {
        "; if aws-node uses the IAM role of the node, it also needs ec2:DescribeSubnets and does not work without it"
    } else {
        ""
    };
    Diagnostic::warning(
        Code::PrimarySubnetNotChecked,
        format!(
            "{reason}; max-pods is computed as if no tag excludes the subnet of the node{prediction}"
        ),
        "allow ec2:DescribeSubnets for the IAM role of the node, or set cni.primary-subnet-excluded",
    )
}

#[cfg(test)]
mod tests;
