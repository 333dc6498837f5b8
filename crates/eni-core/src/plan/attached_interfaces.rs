//! The attached network interfaces: the addresses that pods get if the CNI attaches none, and notes about
//! network interfaces that were attached before the node started.

use crate::diagnostic::{Code, Diagnostic};
use crate::domain::aws_node::AwsNode;
use crate::domain::capacity::{AttachedAddresses, InterfaceAddresses};
use crate::domain::cni::{Addressing, Cni, IpFamily};
use crate::domain::cni_version::CniVersion;
use crate::domain::plural::counted;
use crate::domain::prefixes;
use crate::domain::subnet_tags::excluding_tag;
use crate::facts::{Facts, Instance, NetworkInterface, ZoneSubnets};
use crate::settings::Settings;

/// Returns whether max-pods depends on the attached network interfaces, so that the agent must read all
/// of them.
#[must_use]
pub fn depends_on_attached_interfaces(settings: &Settings, aws_node: Option<&AwsNode>) -> bool {
    let (cni, _) = super::effective_cni(&settings.cni, aws_node);
    cni.config.ip_family == IpFamily::Ipv4 && cni.config.uses_attached_only()
}

/// Returns the addresses of the attached network interfaces, with notes. `None` if IMDS does not
/// describe the network interfaces.
pub(super) fn attached_interfaces(
    facts: &Facts,
    settings: &Settings,
    cni: &Cni,
    aws_node: Option<&AwsNode>,
) -> (Option<AttachedAddresses>, Vec<Diagnostic>) {
    let Instance { primary_interface, interfaces, .. } = &facts.instance;
    let mut diagnostics = Vec::new();
    if cni.ip_family == IpFamily::Ipv4 && cni.custom_networking {
        diagnostics.extend(primary_interface.as_ref().and_then(unused_prefixes));
        diagnostics.extend(primary_interface.as_ref().and_then(|it| pods_on_primary(it, cni)));
    }
    let (Some(primary), Some(others)) = (primary_interface, interfaces) else {
        return (None, diagnostics);
    };
    let (counts_others, note) = match aws_node {
        Some(aws_node) if !aws_node.manages_untagged && settings.cni.reserved_enis.is_none() => {
            untagged(primary, others, cni)
        }
        _ => (true, None),
    };
    diagnostics.extend(note);
    let serves_pods = |it: &&NetworkInterface| {
        counts_others && !is_in_excluded_subnet(it, &facts.zone_subnets, cni, aws_node)
    };
    let others = others.iter().filter(serves_pods).map(addresses).collect();
    (Some(AttachedAddresses { primary: addresses(primary), others }), diagnostics)
}

fn addresses(interface: &NetworkInterface) -> InterfaceAddresses {
    let NetworkInterface { secondary_addresses: secondary, prefixes, .. } = *interface;
    InterfaceAddresses { secondary, prefixes }
}

/// Returns whether a tag excludes the subnet of `interface` from pods.
///
/// Source: `excludedENIBasedOnSubnetTags`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.2.
fn is_in_excluded_subnet(
    interface: &NetworkInterface,
    zone_subnets: &ZoneSubnets,
    cni: &Cni,
    aws_node: Option<&AwsNode>,
) -> bool {
    let (ZoneSubnets::Read(subnets), Some(aws_node)) = (zone_subnets, aws_node) else {
        return false;
    };
    let subnet = subnets.iter().find(|subnet| subnet.id == interface.subnet_id.as_str());
    let tag = subnet.and_then(|it| excluding_tag(&it.tags, aws_node.cluster_name.as_deref()));
    aws_node.subnet_discovery && cni.may_be_since(CniVersion::SUBNET_EXCLUSION) && tag.is_some()
}

/// Returns whether the calculation counts the network interfaces besides the primary one if
/// `MANAGE_UNTAGGED_ENI` is false, with a note. Their tags are unknown: only the CNI and EC2 read them.
///
/// In IMDS-only mode the CNI does not read the tags either, and uses all network interfaces.
///
/// Source: `setUnmanagedENIs`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s v1.23.2.
fn untagged(
    primary: &NetworkInterface,
    others: &[NetworkInterface],
    cni: &Cni,
) -> (bool, Option<Diagnostic>) {
    if others.is_empty() || cni.ip_family == IpFamily::Ipv6 || cni.reads_imds_only() {
        return (true, None);
    }
    let ids: Vec<&str> = others.iter().map(|it| it.id.as_str()).collect();
    let ids = ids.join(", ");
    let warning = |text: &str, help: String| {
        let text = format!(
            "MANAGE_UNTAGGED_ENI=false: the CNI does not use network interfaces without its tag node.k8s.amazonaws.com/instance_id; {text}"
        );
        Some(Diagnostic::warning(Code::UntaggedInterfaces, text, help))
    };
    let count = others.len();
    if !cni.disable_provisioning {
        let text = format!("max-pods is computed as if the CNI had created {ids}");
        let help = format!(
            "set cni.reserved-enis to the number of network interfaces without the tag (0 to {count})"
        );
        return (true, warning(&text, help));
    }
    let help =
        "set cni.reserved-enis to the number of network interfaces without the tag".to_owned();
    // A node whose primary interface has no address for pods depends on the others.
    let counts_others = primary.pod_addresses() == 0;
    let verb = if counts_others { "includes" } else { "does not include" };
    (counts_others, warning(&format!("max-pods {verb} the addresses of {ids}"), help))
}

/// Returns a warning about the prefixes of the primary network interface, which the CNI does not read
/// under custom networking.
///
/// Source: `getENIMetadata`, `pkg/awsutils/awsutils.go`, aws/amazon-vpc-cni-k8s v1.23.2.
fn unused_prefixes(primary: &NetworkInterface) -> Option<Diagnostic> {
    let count = primary.prefixes;
    (count > 0).then(|| {
        let subnet = &primary.subnet_id;
        Diagnostic::warning(
            Code::PrimaryAddressesUnused,
            format!(
                "the primary network interface has {}, which the CNI does not use with custom networking: {} of {subnet} remain unused",
                counted(count, "/28 prefix"),
                counted(count.saturating_mul(prefixes::ADDRESSES), "IPv4 address")
            ),
            "remove the IPv4 prefixes from the network interface in the launch template (Ipv4PrefixCount) or in the EC2NodeClass",
        )
    })
}

/// Returns a warning about the secondary addresses of the primary network interface, which the CNI
/// assigns to pods also under custom networking. With prefix delegation it releases them.
///
/// Source: `AssignPodIPv4Address`, `pkg/ipamd/datastore/data_store.go`,
/// aws/amazon-vpc-cni-k8s v1.23.2.
fn pods_on_primary(primary: &NetworkInterface, cni: &Cni) -> Option<Diagnostic> {
    let count = primary.secondary_addresses;
    (count > 0 && cni.addressing == Addressing::SecondaryAddresses).then(|| {
        let subnet = &primary.subnet_id;
        Diagnostic::warning(
            Code::PodsInNodeSubnet,
            format!(
                "the primary network interface has {}, which the CNI also assigns to pods: these pods are in the subnet of the node, {subnet}, and have its security groups instead of those of the ENIConfig",
                counted(count, "secondary IPv4 address")
            ),
            "remove the secondary IPv4 addresses from the network interface in the launch template (SecondaryPrivateIpAddressCount), and replace the node",
        )
    })
}

#[cfg(test)]
mod tests;
