//! What max-pods depends on besides the instance type and the CNI configuration: the tags of the
//! node's subnet, and the attached network interfaces.

use super::attached_interfaces::{AttachedCounts, attached_interfaces};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::aws_node::AwsNode;
use crate::domain::capacity::{
    Capacity, CapacityOptions, NodeNetwork, PrimarySubnet, addresses_per_slot, counts_interfaces,
};
use crate::domain::cni::{Cni, IpFamily};
use crate::domain::cni_version::CniVersion;
use crate::domain::identifier::SubnetId;
use crate::domain::subnet_tags::{excluding_tag, is_discovered};
use crate::facts::{Facts, Instance, Subnet, ZoneSubnets};
use crate::settings::Settings;

/// Returns whether max-pods depends on the tags of the subnets in the zone, so that the agent must
/// read them.
#[must_use]
pub fn depends_on_zone_subnets(
    facts: &Facts,
    settings: &Settings,
    aws_node: Option<&AwsNode>,
) -> bool {
    let (cni, _) = super::effective_cni(&settings.cni, aws_node);
    let is_configured = settings.cni.primary_subnet_excluded.is_some();
    let depends = |aws_node: &AwsNode| {
        applies(&cni.config, aws_node)
            || has_attached_in_own_subnet(&facts.instance)
                && cni.config.custom_networking
                && aws_node.subnet_discovery
                && cni.config.may_be_since(CniVersion::SUBNET_EXCLUSION)
    };
    !is_configured && aws_node.is_some_and(depends)
}

/// Returns whether another network interface than the primary one is in the subnet of the node. With
/// custom networking, the CNI did not create it.
fn has_attached_in_own_subnet(instance: &Instance) -> bool {
    let own = instance.subnet_id.as_ref();
    let mut attached = instance.interfaces.iter().flatten();
    own.is_some() && attached.any(|it| Some(&it.subnet_id) == own)
}

/// Returns whether max-pods depends on the tag of the subnet of the primary network interface. Without
/// subnet discovery, the tag only prevents new network interfaces.
///
/// Source: `setupENI` and `nodeInit`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.2.
fn applies(cni: &Cni, aws_node: &AwsNode) -> bool {
    let uses_primary = !cni.custom_networking || cni.uses_attached_only();
    let attaches = cni.ip_family == IpFamily::Ipv4 && !cni.uses_attached_only();
    uses_primary
        && (aws_node.subnet_discovery || attaches)
        && cni.may_be_since(CniVersion::SUBNET_EXCLUSION)
}

/// Returns the network of the node, with notes about the tags.
pub(super) fn node_network(
    facts: &Facts,
    settings: &Settings,
    cni: &Cni,
    aws_node: Option<&AwsNode>,
) -> (NodeNetwork, Vec<Diagnostic>) {
    let (primary_subnet, mut diagnostics) = primary_subnet(facts, settings, cni, aws_node);
    let addresses_per_slot = addresses_per_slot(&facts.limits, *cni).0;
    let of_primary = (primary_subnet, addresses_per_slot);
    let (attached, notes) = attached_interfaces(facts, settings, cni, aws_node, of_primary);
    diagnostics.extend(notes);
    let counts = AttachedCounts::new(facts, settings, cni, aws_node);
    let depends_on_version = cni.version.is_none() && counts_interfaces(*cni);
    if depends_on_version && counts.excluded > 0 && primary_subnet == PrimarySubnet::Included {
        diagnostics.push(version_unknown());
    }
    let is_read = settings.cni.primary_subnet_excluded.is_none();
    let network = NodeNetwork {
        primary_subnet,
        exclusion_is_assumed: is_read && cni.version.is_none(),
        attached_excluded: counts.excluded,
        attached_for_pods: counts.for_pods,
        attached,
    };
    if let (ZoneSubnets::Unknown { reason, is_denied }, Some(aws_node), true) =
        (&facts.zone_subnets, aws_node, is_read)
        && applies(cni, aws_node)
    {
        let since = cni.version.is_some_and(|it| it >= CniVersion::SUBNET_EXCLUSION);
        let predicts = *is_denied && since && aws_node.subnet_discovery;
        let prediction = if predicts && !cni.uses_attached_only() {
            prediction(facts, settings, cni, &network)
        } else {
            String::new()
        };
        diagnostics.insert(0, not_checked(reason, *is_denied, &prediction));
    }
    (network, diagnostics)
}

/// Returns what the CNI does if IAM denies `ec2:DescribeSubnets` to it, too.
///
/// Source: `createENI`, `pkg/awsutils/awsutils.go`, and `nodeInit`, `pkg/ipamd/ipamd.go`,
/// aws/amazon-vpc-cni-k8s v1.23.2.
fn prediction(facts: &Facts, settings: &Settings, cni: &Cni, network: &NodeNetwork) -> String {
    if cni.ip_family == IpFamily::Ipv6 {
        return "; if aws-node uses the IAM role of the node, aws-node exits".to_owned();
    }
    let network = NodeNetwork { primary_subnet: PrimarySubnet::NoNewInterfaces, ..network.clone() };
    let options = CapacityOptions { network, ..settings.pods.capacity_options() };
    let options = CapacityOptions { max_pods_override: None, ..options };
    let max_pods = match Capacity::compute(&facts.limits, *cni, options) {
        Ok(capacity) => format!(" (max-pods {})", capacity.max_pods),
        Err(_) => String::new(),
    };
    format!(
        "; if aws-node uses the IAM role of the node, it creates no network interface, and only the addresses of the attached network interfaces serve pods{max_pods}"
    )
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
    let Some(aws_node) = aws_node.filter(|aws_node| applies(cni, aws_node)) else {
        return (PrimarySubnet::Included, Vec::new());
    };
    match &facts.zone_subnets {
        ZoneSubnets::NotRead | ZoneSubnets::Unknown { .. } => (PrimarySubnet::Included, Vec::new()),
        ZoneSubnets::Read(subnets) => {
            by_tags(subnets, own_id(&facts.instance), cni.version, aws_node)
        }
        ZoneSubnets::Recorded(recorded) => recorded_subnet(*recorded, cni.version, aws_node),
    }
}

/// Returns the effect of the tags for the record of a successful run; `None` if it was not read, or if
/// max-pods does not depend on it.
pub(crate) fn read_primary_subnet(
    facts: &Facts,
    cni: &Cni,
    aws_node: &AwsNode,
) -> Option<PrimarySubnet> {
    match &facts.zone_subnets {
        ZoneSubnets::Read(subnets) if applies(cni, aws_node) => {
            Some(by_tags(subnets, own_id(&facts.instance), cni.version, aws_node).0)
        }
        _ => None,
    }
}

fn own_id(instance: &Instance) -> Option<&str> {
    instance.subnet_id.as_ref().map(SubnetId::as_str)
}

/// Returns the recorded effect of the tags, for the current configuration of the CNI: subnet discovery
/// and the version may have changed since the last run.
fn recorded_subnet(
    recorded: PrimarySubnet,
    version: Option<CniVersion>,
    aws_node: &AwsNode,
) -> (PrimarySubnet, Vec<Diagnostic>) {
    let subnet = match recorded {
        PrimarySubnet::Included => return (recorded, Vec::new()),
        _ if !aws_node.subnet_discovery => PrimarySubnet::NoNewInterfaces,
        // Whether another subnet has the tag now is unknown, and the node worked in the last run.
        _ => PrimarySubnet::Excluded,
    };
    (subnet, version.is_none().then(version_unknown).into_iter().collect())
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
        "subnet discovery is off, so the CNI creates no network interface, and only the attached ones serve pods"
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
        CniVersion::HELP,
    )
}

/// The warning that EC2 did not return the tags.
fn not_checked(reason: &str, is_denied: bool, prediction: &str) -> Diagnostic {
    let help = if is_denied {
        "allow ec2:DescribeSubnets for the IAM role of the node, or set cni.primary-subnet-excluded"
    } else {
        "check the route to the EC2 endpoint, or set cni.primary-subnet-excluded"
    };
    Diagnostic::warning(
        Code::PrimarySubnetNotChecked,
        format!(
            "{reason}; max-pods is computed as if no tag excludes the subnet of the node{prediction}"
        ),
        help,
    )
}

#[cfg(test)]
pub(super) mod tests;
