//! The features of the CNI that not every instance type and version supports.

use super::Capacity;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::cni::{Addressing, Cni};
use crate::domain::cni_version::CniVersion;
use crate::domain::instance_limits::{InstanceLimits, Platform};
use crate::domain::prefixes;

/// The effect of the CNI's features on an instance type.
pub(super) struct Features {
    /// Network interfaces that the CNI keeps for the trunk: 0 or 1.
    pub trunk: u32,
    /// Addresses in each slot: 1, or [`prefixes::ADDRESSES`].
    pub addresses_per_slot: u32,
    /// Notes on features without effect.
    pub diagnostics: Vec<Diagnostic>,
}

/// Returns the effect of the features that `cni` enables.
pub(super) fn features(limits: &InstanceLimits, cni: Cni) -> Features {
    let (trunk, mut diagnostics) = trunk(limits, cni);
    let (addresses_per_slot, note) = addresses_per_slot(limits, cni);
    diagnostics.extend(note);
    Features { trunk, addresses_per_slot, diagnostics }
}

/// Returns the network interfaces that the CNI keeps for the trunk.
///
/// Source: `hasRoomForEni`, `pkg/ipamd/ipamd.go`, aws/amazon-vpc-cni-k8s.
fn trunk(limits: &InstanceLimits, cni: Cni) -> (u32, Vec<Diagnostic>) {
    if !cni.pod_eni {
        return (0, Vec::new());
    }
    if limits.trunking {
        return (1, Vec::new());
    }
    let mut diagnostics = vec![Diagnostic::warning(
        Code::NoTrunkInterface,
        "this instance type supports no trunk interface, so pods with a SecurityGroupPolicy cannot start on this node",
        "schedule these pods on instance types that support trunk interfaces",
    )];
    let first = CniVersion::TRUNK_BY_TYPE;
    match cni.version {
        Some(version) if version >= first => (0, diagnostics),
        Some(_) => (1, diagnostics),
        None => {
            diagnostics.push(Diagnostic::warning(
                Code::CniVersionUnknown,
                format!(
                    "the version of the CNI is unknown; before {first}, the CNI keeps a network interface for the trunk on every instance type, so max-pods counts one network interface less"
                ),
                "set cni.version",
            ));
            (1, diagnostics)
        }
    }
}

/// Returns the addresses in each slot, with a note if prefix delegation has no effect.
fn addresses_per_slot(limits: &InstanceLimits, cni: Cni) -> (u32, Option<Diagnostic>) {
    let first = CniVersion::PREFIX_DELEGATION;
    match (cni.addressing, limits.platform, cni.version) {
        (Addressing::SecondaryAddresses, ..) => (1, None),
        (Addressing::Prefixes, _, Some(version)) if version < first => {
            let diagnostic = Diagnostic::warning(
                Code::PrefixesNotSupported,
                format!(
                    "version {version} of the CNI does not support prefix delegation; the CNI assigns secondary IPv4 addresses"
                ),
                format!("upgrade the CNI to {first} or later"),
            );
            (1, Some(diagnostic))
        }
        (Addressing::Prefixes, Platform::Nitro | Platform::BareMetal, _) => {
            (prefixes::ADDRESSES, None)
        }
        (Addressing::Prefixes, Platform::Xen, _) => {
            let diagnostic = Diagnostic::warning(
                Code::PrefixesNeedNitro,
                "prefix delegation requires a Nitro or bare metal instance type; on this Xen instance type the CNI falls back to secondary IPv4 addresses",
                "choose a Nitro instance type if the node needs more pods",
            );
            (1, Some(diagnostic))
        }
    }
}

impl Capacity {
    /// Returns the network interfaces that the CNI keeps for the trunk, if it uses `usable` network
    /// interfaces for the trunk and pods.
    ///
    /// With one usable network interface, which serves pods already, the CNI requests no trunk.
    pub(super) fn trunk_of(&self, usable: u32) -> u32 {
        let serves_pods = self.primary_set_aside == 0 && self.primary_excluded == 0;
        if serves_pods && usable == 1 { 0 } else { self.trunk }
    }
}
