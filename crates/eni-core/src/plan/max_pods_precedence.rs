//! The precedence between the computed max-pods and an existing value on the node.

use super::karpenter_max_pods;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::capacity::{Capacity, CapacityOptions, MaxPodsOverride, NoCapacity};
use crate::domain::cni::Cni;
use crate::domain::instance_limits::InstanceLimits;
use crate::host::existing_config::{ConfigOwner, ExistingMaxPods, Policy};

/// An existing max-pods on the node, compared with the value that eni-bootstrap configures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MaxPodsPrecedence {
    /// The existing value and where it is configured.
    pub existing: ExistingMaxPods,
    /// The value that eni-bootstrap configures.
    pub configured: u32,
    /// Which of the two takes precedence, and why.
    pub decision: Decision,
}

/// Which of two max-pods values takes precedence, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Both values are the same.
    Same,
    /// The existing value takes precedence, because of `pods.policy`.
    Kept(Policy),
    /// The computed value takes precedence, because of `pods.policy`.
    Overridden(Policy),
    /// `pods.max` takes precedence.
    OverriddenBySetting,
    /// The existing value takes precedence, because it is read after that of eni-bootstrap: it is
    /// in a later drop-in of nodeadm, or in later arguments of the kubelet.
    LaterDropIn,
}

impl Decision {
    /// Returns the stable name for JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Kept(_) => "kept",
            Self::Overridden(_) | Self::OverriddenBySetting => "overridden",
            Self::LaterDropIn => "later-drop-in",
        }
    }
}

impl MaxPodsPrecedence {
    /// Returns the name of the existing setting.
    pub(super) fn setting(&self) -> &'static str {
        if self.existing.location.is_flag() { "--max-pods" } else { "maxPods" }
    }

    /// Returns a warning if Karpenter or a later drop-in uses another max-pods, and otherwise a
    /// note. `capacity` is the calculation of the configured value.
    pub(super) fn diagnostic(&self, capacity: &Capacity) -> Diagnostic {
        let Self { existing, configured, decision } = self;
        let reason = match decision {
            Decision::Same => {
                let text = format!("{existing}; eni-bootstrap uses the same value");
                return Diagnostic::info(Code::MaxPodsSame, text);
            }
            Decision::Kept(policy) => {
                let policy = policy.name();
                let text = format!("{existing}; this value is kept (pods.policy = \"{policy}\")");
                return Diagnostic::info(Code::MaxPodsKept, text);
            }
            Decision::LaterDropIn => {
                let location = &existing.location;
                let reason = location.reason_for_precedence();
                return Diagnostic::warning(
                    Code::MaxPodsLaterDropIn,
                    format!("{existing}; {reason}, so it takes precedence over {configured}"),
                    location.help(self.setting()),
                );
            }
            Decision::Overridden(policy) => format!(
                "the computed value {configured} takes precedence (pods.policy = \"{}\")",
                policy.name()
            ),
            Decision::OverriddenBySetting => {
                format!("pods.max = {configured} takes precedence")
            }
        };
        let text = format!("{existing}; {reason}");
        if existing.owner == ConfigOwner::Karpenter {
            return Diagnostic::warning(
                Code::KarpenterMaxPodsDiffers,
                format!("{text}, but Karpenter schedules pods with its own value"),
                karpenter_max_pods::help(capacity, existing.max_pods),
            );
        }
        Diagnostic::info(Code::MaxPodsOverridden, text)
    }
}

/// Returns the capacity with the max-pods to configure, compared with the existing value of the
/// highest precedence, which is the last one in `existing`.
///
/// `uses_flags` is whether eni-bootstrap configures max-pods with a kubelet flag.
pub(super) fn decide(
    limits: &InstanceLimits,
    cni: Cni,
    (options, policy): (CapacityOptions, Policy),
    existing: &[ExistingMaxPods],
    uses_flags: bool,
) -> Result<(Capacity, Option<MaxPodsPrecedence>), NoCapacity> {
    let is_configured = options.max_pods_override.is_some();
    let computed = Capacity::compute(limits, cni, options.clone())?;
    let Some(last) = existing.last() else { return Ok((computed, None)) };
    let is_kept = !is_configured
        && last.max_pods != computed.max_pods
        && match policy {
            Policy::Override => false,
            Policy::Respect => true,
            Policy::Lower => last.max_pods < computed.max_pods,
        };
    let capacity = if is_kept {
        let (value, source) = (last.max_pods, last.location.to_string());
        let max_pods_override = Some(MaxPodsOverride::Existing { value, source });
        Capacity::compute(limits, cni, CapacityOptions { max_pods_override, ..options })?
    } else {
        computed
    };
    let configured = capacity.max_pods;
    // A file never takes precedence over a flag.
    let takes_precedence = |it: &&ExistingMaxPods| {
        it.location.is_read_after_own() && (it.location.is_flag() || !uses_flags)
    };
    let later = existing.iter().rfind(takes_precedence).filter(|it| it.max_pods != configured);
    let (existing, decision) = match later {
        Some(later) => (later, Decision::LaterDropIn),
        None if is_kept => (last, Decision::Kept(policy)),
        None if last.max_pods == configured => (last, Decision::Same),
        None if is_configured => (last, Decision::OverriddenBySetting),
        None => (last, Decision::Overridden(policy)),
    };
    let existing = existing.clone();
    Ok((capacity, Some(MaxPodsPrecedence { existing, configured, decision })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::existing_config::ConfigLocation;
    use crate::plan::tests::{facts, settings};

    fn options(text: &str) -> (CapacityOptions, Policy) {
        let pods = settings(text).pods;
        (pods.capacity_options(), pods.policy())
    }

    /// Returns the result for an m5.large with custom networking, which has a capacity of 20 pods.
    fn decided(
        text: &str,
        max_pods: u32,
        location: ConfigLocation,
        owner: ConfigOwner,
    ) -> (u32, Diagnostic) {
        let limits = facts("m5.large").limits;
        let cni = Cni { custom_networking: true, ..Cni::default() };
        let existing = [ExistingMaxPods { max_pods, location, owner }];
        let (capacity, precedence) = decide(&limits, cni, options(text), &existing, false).unwrap();
        let precedence = precedence.unwrap();
        assert_eq!(capacity.max_pods, precedence.configured);
        (capacity.max_pods, precedence.diagnostic(&capacity))
    }

    #[test]
    fn the_policy_decides() {
        let decided = |text: &str, max_pods| {
            decided(text, max_pods, ConfigLocation::UserData, ConfigOwner::ManagedNodeGroup)
        };
        let expected = |configured: u32, code, existing: u32, rest: &str| {
            let owner = ExistingMaxPods {
                max_pods: existing,
                location: ConfigLocation::UserData,
                owner: ConfigOwner::ManagedNodeGroup,
            };
            (configured, Diagnostic::info(code, format!("{owner}{rest}")))
        };
        assert_eq!(
            decided("", 110),
            expected(
                20,
                Code::MaxPodsOverridden,
                110,
                "; the computed value 20 takes precedence (pods.policy = \"override\")"
            )
        );
        assert_eq!(
            decided("", 20),
            expected(20, Code::MaxPodsSame, 20, "; eni-bootstrap uses the same value")
        );
        let respect = "[pods]\npolicy = \"respect\"";
        for max_pods in [110, 8] {
            assert_eq!(
                decided(respect, max_pods),
                expected(
                    max_pods,
                    Code::MaxPodsKept,
                    max_pods,
                    "; this value is kept (pods.policy = \"respect\")"
                )
            );
        }
        let lower = "[pods]\npolicy = \"lower\"";
        assert_eq!(
            decided(lower, 8),
            expected(8, Code::MaxPodsKept, 8, "; this value is kept (pods.policy = \"lower\")")
        );
        assert_eq!(
            decided(lower, 110),
            expected(
                20,
                Code::MaxPodsOverridden,
                110,
                "; the computed value 20 takes precedence (pods.policy = \"lower\")"
            )
        );
        assert_eq!(
            decided("[pods]\nmax = 17\npolicy = \"respect\"", 8),
            expected(17, Code::MaxPodsOverridden, 8, "; pods.max = 17 takes precedence")
        );
    }

    #[test]
    fn karpenter_and_a_later_drop_in_are_warnings() {
        let (configured, diagnostic) =
            decided("", 29, ConfigLocation::UserData, ConfigOwner::Karpenter);
        let existing = ExistingMaxPods {
            max_pods: 29,
            location: ConfigLocation::UserData,
            owner: ConfigOwner::Karpenter,
        };
        assert_eq!(configured, 20);
        assert_eq!(
            diagnostic,
            Diagnostic::warning(
                Code::KarpenterMaxPodsDiffers,
                format!(
                    "{existing}; the computed value 20 takes precedence (pods.policy = \"override\"), but Karpenter schedules pods with its own value"
                ),
                "set RESERVED_ENIS=1 on the Karpenter controller; or set kubelet.maxPods: 20 in the EC2NodeClass, if it has only this instance type",
            )
        );
        let later = ConfigLocation::DropIn("95-site.yaml".to_owned());
        let (configured, diagnostic) = decided("", 58, later.clone(), ConfigOwner::Unknown);
        let existing =
            ExistingMaxPods { max_pods: 58, location: later, owner: ConfigOwner::Unknown };
        assert_eq!(configured, 20);
        assert_eq!(
            diagnostic,
            Diagnostic::warning(
                Code::MaxPodsLaterDropIn,
                format!(
                    "{existing}; nodeadm reads this file after 90-eni-bootstrap.yaml, so it takes precedence over 20"
                ),
                "rename the file so that it sorts before 90-eni-bootstrap.yaml, or remove maxPods from it",
            )
        );
        let earlier = ConfigLocation::DropIn("10-a.yaml".to_owned());
        let (_, diagnostic) = decided("", 58, earlier, ConfigOwner::Unknown);
        assert_eq!(diagnostic.code, Code::MaxPodsOverridden);
    }

    #[test]
    fn a_kept_value_of_karpenter_is_not_a_warning() {
        let respect = "[pods]\npolicy = \"respect\"";
        let (configured, diagnostic) =
            decided(respect, 29, ConfigLocation::UserData, ConfigOwner::Karpenter);
        assert_eq!((configured, diagnostic.code), (29, Code::MaxPodsKept));
    }
}
