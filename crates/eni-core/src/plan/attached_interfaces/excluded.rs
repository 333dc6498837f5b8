//! Attached network interfaces whose subnet a tag excludes from pods.

use crate::domain::aws_node::AwsNode;
use crate::domain::capacity::PrimarySubnet;
use crate::domain::cni::Cni;
use crate::domain::cni_version::CniVersion;
use crate::domain::subnet_tags::excluding_tag;
use crate::facts::{Facts, NetworkInterface, ZoneSubnets};
use crate::settings::Settings;

/// The numbers of attached network interfaces, without the primary one, the trunk interface and those
/// that the CNI does not manage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plan) struct AttachedCounts {
    /// Those whose subnet a tag excludes.
    pub excluded: u32,
    /// The others.
    pub for_pods: u32,
}

impl AttachedCounts {
    /// Counts the attached network interfaces; none if IMDS does not describe them.
    pub fn new(facts: &Facts, settings: &Settings, cni: &Cni, aws_node: Option<&AwsNode>) -> Self {
        let attached = facts.instance.interfaces.as_deref().unwrap_or_default();
        let trunk = cni.pod_eni && facts.limits.trunking;
        let trunk =
            if trunk { attached.iter().position(|it| is_like_trunk(it, facts)) } else { None };
        let attached = attached.iter().enumerate().filter(|(index, _)| Some(*index) != trunk);
        let attached: Vec<&NetworkInterface> = attached.map(|(_, it)| it).collect();
        let count = |excluded: usize| u32::try_from(excluded).unwrap_or(u32::MAX);
        let managed = count(attached.len()).saturating_sub(cni.reserved_enis);
        // An EFA-only network interface has no IPv4 address, and the CNI does not manage it.
        let (excluded, others): (Vec<_>, Vec<_>) = attached
            .into_iter()
            .filter(|it| it.has_ipv4)
            .partition(|it| is_in_excluded_subnet(it, facts, settings, cni, aws_node));
        // Which network interfaces are reserved is unknown: those with fewer pods count as managed.
        let excluded = count(excluded.len()).min(managed);
        Self { excluded, for_pods: count(others.len()).min(managed - excluded) }
    }
}

/// Returns whether `interface` can be the trunk interface of a node that restarts: the VPC resource
/// controller attaches it in the subnet of the node, and it has no addresses for pods. The trunk is a
/// term of the calculation already.
fn is_like_trunk(interface: &NetworkInterface, facts: &Facts) -> bool {
    let own = facts.instance.subnet_id.as_ref();
    own == Some(&interface.subnet_id) && interface.has_ipv4 && interface.pod_addresses() == 0
}

/// Returns whether a tag excludes the subnet of `interface` from pods.
///
/// Source: `excludedENIBasedOnSubnetTags`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.2.
pub(super) fn is_in_excluded_subnet(
    interface: &NetworkInterface,
    facts: &Facts,
    settings: &Settings,
    cni: &Cni,
    aws_node: Option<&AwsNode>,
) -> bool {
    let is_own = facts.instance.subnet_id.as_ref() == Some(&interface.subnet_id);
    if let Some(is_excluded) = settings.cni.primary_subnet_excluded {
        return is_own && is_excluded;
    }
    let applies =
        |it: &&AwsNode| it.subnet_discovery && cni.may_be_since(CniVersion::SUBNET_EXCLUSION);
    let Some(aws_node) = aws_node.filter(applies) else { return false };
    match &facts.zone_subnets {
        ZoneSubnets::Read(subnets) => subnets
            .iter()
            .find(|subnet| subnet.id == interface.subnet_id.as_str())
            .and_then(|it| excluding_tag(&it.tags, aws_node.cluster_name.as_deref()))
            .is_some(),
        ZoneSubnets::Recorded(recorded) => is_own && *recorded != PrimarySubnet::Included,
        ZoneSubnets::NotRead | ZoneSubnets::Unknown { .. } => false,
    }
}

#[cfg(test)]
mod tests;
