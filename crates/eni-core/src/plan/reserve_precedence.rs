//! The precedence between the kube-reserved of the settings and existing values on the node.

use super::PlanError;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::quantity::Quantity;
use crate::domain::reserved::{ReserveOverrides, Reserved};
use crate::host::existing_config::Policy;
use crate::settings::Settings;
use std::collections::BTreeMap;

/// Returns the reserves that replace computed ones: those of the settings and, with
/// `pods.policy = "respect"`, existing ones for the other resources.
///
/// # Errors
///
/// [`PlanError::ExistingReserve`] if an existing reserve is not a quantity.
pub(super) fn overrides(
    settings: &Settings,
    existing: &BTreeMap<String, String>,
) -> Result<ReserveOverrides, PlanError> {
    let ReserveOverrides { cpu, memory, ephemeral_storage } = settings.reserve.overrides();
    let keeps_existing = settings.pods.policy() == Policy::Respect;
    let complete = |setting: Option<Quantity>, resource: &'static str| match existing.get(resource)
    {
        Some(text) if setting.is_none() && keeps_existing => {
            let quantity = text.parse();
            quantity.map(Some).map_err(|source| PlanError::ExistingReserve { resource, source })
        }
        _ => Ok(setting),
    };
    Ok(ReserveOverrides {
        cpu: complete(cpu, "cpu")?,
        memory: complete(memory, "memory")?,
        ephemeral_storage: complete(ephemeral_storage, "ephemeral-storage")?,
    })
}

/// Returns a note for each existing reserve in Bottlerocket's settings that is kept, or that
/// `reserved` replaces.
pub(super) fn diagnostics(
    settings: &Settings,
    existing: &BTreeMap<String, String>,
    reserved: &Reserved,
) -> Vec<Diagnostic> {
    let set = settings.reserve.overrides();
    let policy = settings.pods.policy();
    let resources = [
        ("cpu", &reserved.cpu, set.cpu.is_some()),
        ("ephemeral-storage", &reserved.ephemeral_storage, set.ephemeral_storage.is_some()),
        ("memory", &reserved.memory, set.memory.is_some()),
    ];
    let note = |(resource, value, is_set): (&str, &Quantity, bool)| {
        let current = existing.get(resource)?;
        let subject = format!("settings.kubernetes sets kube-reserved.{resource} to {current}");
        let name = policy.name();
        let (code, reason) = if *current != value.to_string() {
            let reason = if is_set {
                format!("reserve.{resource} = {value} takes precedence")
            } else {
                format!("the computed value {value} takes precedence (pods.policy = \"{name}\")")
            };
            (Code::KubeReservedOverridden, reason)
        } else if policy == Policy::Respect && !is_set {
            let reason = format!("this value is kept (pods.policy = \"{name}\")");
            (Code::KubeReservedKept, reason)
        } else {
            return None;
        };
        Some(Diagnostic::info(code, format!("{subject}; {reason}")))
    };
    resources.into_iter().filter_map(note).collect()
}
