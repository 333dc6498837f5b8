//! The precedence between the kube-reserved of the settings and existing values on the node.

use super::PlanError;
use crate::domain::quantity::Quantity;
use crate::domain::reserved::ReserveOverrides;
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
