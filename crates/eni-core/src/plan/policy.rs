//! Whose max-pods it is: ours, or one that somebody else has set on this node.

use super::PlanError;
use crate::domain::cni::Cni;
use crate::domain::limits::InstanceLimits;
use crate::domain::max_pods::{self, Capacity, CapacityOptions, MaxPodsOverride, NoCapacity};
use crate::domain::quantity::Quantity;
use crate::domain::reserved::ReserveOverrides;
use crate::host::nodeadm::DROP_IN_NAME;
use crate::host::other_figures::{OtherFigure, Owner, Policy};
use crate::settings::Settings;
use std::collections::BTreeMap;
use std::fmt;

/// What became of a figure that somebody else has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Theirs.
    pub theirs: OtherFigure,
    /// The one in force.
    pub in_force: u32,
    /// By which policy; none where a figure set by hand in our settings leaves nothing to decide.
    pub policy: Option<Policy>,
}

impl Settled {
    /// Whether whoever planned with their figure will be wrong.
    #[must_use]
    pub fn misleads(&self) -> bool {
        let Self { theirs, in_force, .. } = self;
        let surprises = theirs.comes_after_ours() || theirs.owner == Owner::Karpenter;
        theirs.max_pods != *in_force && surprises
    }
}

impl fmt::Display for Settled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { theirs, in_force, policy } = self;
        write!(formatter, "{theirs}; ")?;
        if theirs.max_pods == *in_force {
            return formatter.write_str("so do we");
        }
        if theirs.comes_after_ours() {
            return write!(
                formatter,
                "it comes after {DROP_IN_NAME}, so it wins over our {in_force}: rename it, or take maxPods out of it"
            );
        }
        match policy {
            None => write!(formatter, "pods.max, {in_force}, wins")?,
            Some(policy) => {
                let policy = match policy {
                    Policy::Override => "override",
                    Policy::Respect => "respect",
                    Policy::Lower => "lower",
                };
                write!(formatter, "ours, {in_force}, wins: pods.policy = \"{policy}\"")?;
            }
        }
        if theirs.owner == Owner::Karpenter {
            write!(
                formatter,
                ". Karpenter plans pods by its own figure: set kubelet.maxPods: {in_force} in the EC2NodeClass, or its RESERVED_ENIS, so that the two agree"
            )?;
        }
        Ok(())
    }
}

/// The capacity with the figure in force, and what became of the other one.
pub(super) fn settle(
    limits: &InstanceLimits,
    cni: Cni,
    settings: &Settings,
    others: &[OtherFigure],
) -> Result<(Capacity, Option<Settled>), NoCapacity> {
    let options = settings.pods.capacity_options();
    let by_hand = options.max_pods_override.is_some();
    let ours = max_pods::capacity(limits, cni, options.clone())?;
    let Some(theirs) = others.last() else { return Ok((ours, None)) };
    let takes_theirs = !by_hand
        && match settings.pods.policy() {
            Policy::Override => false,
            Policy::Respect => true,
            Policy::Lower => theirs.max_pods < ours.max_pods,
        };
    let capacity = if takes_theirs && theirs.max_pods != ours.max_pods {
        let (value, source) = (theirs.max_pods, theirs.place.to_string());
        let existing = Some(MaxPodsOverride::Existing { value, source });
        max_pods::capacity(limits, cni, CapacityOptions { max_pods_override: existing, ..options })?
    } else {
        ours
    };
    let policy = (!by_hand).then_some(settings.pods.policy());
    let settled = Settled { theirs: theirs.clone(), in_force: capacity.max_pods, policy };
    Ok((capacity, Some(settled)))
}

/// The reserve by hand: ours, and under `respect` what somebody else has set of the rest.
pub(super) fn reserve(
    settings: &Settings,
    theirs: &BTreeMap<String, String>,
) -> Result<ReserveOverrides, PlanError> {
    let ReserveOverrides { cpu, memory, ephemeral_storage } = settings.reserve.overrides();
    let kept =
        |ours: Option<Quantity>, resource: &'static str| -> Result<Option<Quantity>, PlanError> {
            match theirs.get(resource) {
                Some(text) if ours.is_none() && settings.pods.policy() == Policy::Respect => {
                    let quantity =
                        text.parse().map_err(|source| PlanError::Reserve { resource, source })?;
                    Ok(Some(quantity))
                }
                _ => Ok(ours),
            }
        };
    Ok(ReserveOverrides {
        cpu: kept(cpu, "cpu")?,
        memory: kept(memory, "memory")?,
        ephemeral_storage: kept(ephemeral_storage, "ephemeral-storage")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::other_figures::Place;
    use crate::plan::tests::{facts, settings};

    /// An m5.large with custom networking: 20 pods.
    fn settled(text: &str, max_pods: u32, place: Place, owner: Owner) -> (u32, String, bool) {
        let limits = facts("m5.large").limits.limits;
        let cni = Cni { custom_networking: true, ..Cni::default() };
        let others = [OtherFigure { max_pods, place, owner }];
        let (capacity, settled) = settle(&limits, cni, &settings(text), &others).unwrap();
        let settled = settled.unwrap();
        assert_eq!(capacity.max_pods, settled.in_force);
        (settled.in_force, settled.to_string(), settled.misleads())
    }

    #[test]
    fn the_policy_decides_and_says_so() {
        let said = |text: &str, theirs| {
            let (figure, words, misleads) =
                settled(text, theirs, Place::UserData, Owner::ManagedNodeGroup);
            assert!(!misleads);
            (figure, words)
        };
        let user_data = |figure: u32| {
            format!("user data sets max-pods to {figure} (the managed node group's); ")
        };
        assert_eq!(
            said("", 110),
            (20, user_data(110) + "ours, 20, wins: pods.policy = \"override\"")
        );
        assert_eq!(said("", 20), (20, user_data(20) + "so do we"));
        let respect = "[pods]\npolicy = \"respect\"";
        assert_eq!(said(respect, 110), (110, user_data(110) + "so do we"));
        assert_eq!(said(respect, 8), (8, user_data(8) + "so do we"));
        let lower = "[pods]\npolicy = \"lower\"";
        assert_eq!(said(lower, 8), (8, user_data(8) + "so do we"));
        assert_eq!(
            said(lower, 110),
            (20, user_data(110) + "ours, 20, wins: pods.policy = \"lower\"")
        );
        assert_eq!(
            said("[pods]\nmax = 17\npolicy = \"respect\"", 8),
            (17, user_data(8) + "pods.max, 17, wins")
        );
    }

    #[test]
    fn karpenter_and_later_drop_ins_are_warned_of() {
        assert_eq!(
            settled("", 29, Place::UserData, Owner::Karpenter),
            (
                20,
                "user data sets max-pods to 29 (Karpenter's); ours, 20, wins: pods.policy = \"override\". Karpenter plans pods by its own figure: set kubelet.maxPods: 20 in the EC2NodeClass, or its RESERVED_ENIS, so that the two agree".to_owned(),
                true
            )
        );
        assert_eq!(
            settled("", 58, Place::DropIn("95-site.yaml".to_owned()), Owner::Somebody),
            (
                20,
                "/etc/eks/nodeadm.d/95-site.yaml sets max-pods to 58; it comes after 90-eni-bootstrap.yaml, so it wins over our 20: rename it, or take maxPods out of it".to_owned(),
                true
            )
        );
        let (_, _, misleads) =
            settled("", 58, Place::DropIn("10-a.yaml".to_owned()), Owner::Somebody);
        assert!(!misleads);
    }
}
