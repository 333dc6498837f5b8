//! The calculation for another version of the CNI, if its version is unknown.

use super::{Capacity, CapacityOptions, NoCapacity, NodeNetwork, PrimarySubnet};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::cni::Cni;
use crate::domain::cni_version::CniVersion;
use crate::domain::instance_limits::InstanceLimits;

impl Capacity {
    /// Returns max-pods by the rules of another version if the version is unknown, with a warning. The
    /// rules with fewer pods resulted in `error`, so a node with the CNI of their version serves no pods,
    /// but a node with another version does.
    pub(super) fn of_other_version(
        limits: &InstanceLimits,
        cni: Cni,
        options: CapacityOptions,
        error: NoCapacity,
    ) -> Result<Self, NoCapacity> {
        // The version has no effect on the other reasons.
        let depends = matches!(
            error,
            NoCapacity::OnlyThePrimaryInterface
                | NoCapacity::MaxEniTooLow { .. }
                | NoCapacity::NoInterfaceLeft { .. }
                | NoCapacity::NoSubnetForPods { .. }
        );
        if cni.version.is_some() || !depends {
            return Err(error);
        }
        let later = Cni { version: Some(CniVersion::REFERENCE), ..cni };
        if let Ok(capacity) = Self::of_version(limits, later, options.clone()) {
            let first = CniVersion::TRUNK_BY_TYPE;
            return Ok(capacity.with_version_note(format!(
                "the version of the CNI is unknown; before {first}, the CNI keeps a network interface for the trunk on every instance type, and no network interface is left for pods, so max-pods is computed for a later version"
            )));
        }
        if !options.network.exclusion_is_assumed {
            return Err(error);
        }
        // The careful rule about the trunk first.
        let network = NodeNetwork {
            primary_subnet: PrimarySubnet::Included,
            attached_excluded: 0,
            exclusion_is_assumed: false,
            ..options.network.clone()
        };
        let options = CapacityOptions { network, ..options };
        let earlier = Cni { version: Some(CniVersion::TRUNK_BY_TYPE), ..cni };
        let capacity = Self::of_version(limits, cni, options.clone())
            .or_else(|_| Self::of_version(limits, earlier, options))
            .map_err(|_| error)?;
        let first = CniVersion::SUBNET_EXCLUSION;
        Ok(capacity.with_version_note(format!(
            "the version of the CNI is unknown; from {first}, tags exclude subnets of this node, and no network interface is left for pods, so max-pods is computed for an earlier version"
        )))
    }

    fn with_version_note(mut self, text: String) -> Self {
        self.diagnostics.push(Diagnostic::warning(Code::CniVersionUnknown, text, CniVersion::HELP));
        self
    }
}
