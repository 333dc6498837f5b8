//! The precedence between the kube-reserved of eni-bootstrap and existing values on the node.

use super::PlanError;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::quantity::Quantity;
use crate::domain::reserved::{RESOURCES, Reserved};
use crate::host::ExistingConfig;
use crate::host::existing_config::{
    ConfigLocation, ExistingResources, ResourceMap, resources_in_force,
};
use std::collections::BTreeMap;

/// Returns the existing reserves of resources that eni-bootstrap does not configure, such as `pid`:
/// the flag of eni-bootstrap would remove them, because it replaces the map of all files.
///
/// Empty if the kubelet keeps them: if eni-bootstrap needs no flag, or if an existing flag, which
/// the kubelet merges with that of eni-bootstrap, has replaced the map of the files already.
///
/// # Errors
///
/// [`PlanError::OtherReserve`] if an existing reserve is not a quantity, and [`PlanError::OtherResource`]
/// if its name is not that of a resource.
pub(super) fn others(
    existing: &ExistingConfig,
    uses_flags: bool,
) -> Result<BTreeMap<String, Quantity>, PlanError> {
    let earlier: Vec<ExistingResources> = existing
        .resources
        .iter()
        .filter(|it| !it.location.is_flag() || !it.location.is_read_after_own())
        .cloned()
        .collect();
    let in_force = resources_in_force(&earlier, ResourceMap::KubeReserved).into_iter();
    let others = in_force.filter(|(resource, (_, location))| {
        uses_flags && !location.is_flag() && !RESOURCES.contains(resource)
    });
    others
        .map(|(resource, (quantity, location))| {
            if !is_resource_name(resource) {
                let (location, resource) = (location.to_string(), resource.to_owned());
                return Err(PlanError::OtherResource { location, resource });
            }
            let invalid = |source| PlanError::OtherReserve {
                location: location.to_string(),
                resource: resource.to_owned(),
                source,
            };
            Ok((resource.to_owned(), quantity.parse().map_err(invalid)?))
        })
        .collect()
}

/// Returns whether a text has only characters of the name of a resource.
fn is_resource_name(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    !text.is_empty() && text.bytes().all(is_plain)
}

/// An existing kube-reserved quantity that takes precedence over that of eni-bootstrap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LaterReserve {
    /// Such as `cpu`.
    pub resource: String,
    /// The quantity in force, as it is written.
    pub quantity: String,
    pub location: ConfigLocation,
}

/// Returns the existing reserves that are read after those of eni-bootstrap and differ from them.
pub(super) fn later(
    existing: &ExistingConfig,
    configured: &Reserved,
    uses_flags: bool,
) -> Vec<LaterReserve> {
    let later: Vec<ExistingResources> = existing
        .resources
        .iter()
        .filter(|it| it.location.is_read_after_own() && (it.location.is_flag() || !uses_flags))
        .cloned()
        .collect();
    // The flags of one command line are merged, so a file only counts without flags.
    let in_force = resources_in_force(&later, ResourceMap::KubeReserved);
    let Reserved { cpu, ephemeral_storage, memory, others } = configured;
    let own = [("cpu", cpu), ("ephemeral-storage", ephemeral_storage), ("memory", memory)];
    let others = others.iter().map(|(resource, quantity)| (resource.as_str(), quantity));
    let different = own.into_iter().chain(others).filter_map(|(resource, own)| {
        let (quantity, location) = *in_force.get(resource)?;
        (quantity != own.to_string()).then(|| LaterReserve {
            resource: resource.to_owned(),
            quantity: quantity.to_owned(),
            location: location.clone(),
        })
    });
    different.collect()
}

impl LaterReserve {
    /// Returns the warning. `configured` are the reserves of eni-bootstrap.
    pub(super) fn diagnostic(&self, configured: &Reserved) -> Diagnostic {
        let Self { resource, quantity, location } = self;
        let own = match resource.as_str() {
            "cpu" => &configured.cpu,
            "memory" => &configured.memory,
            other => configured.others.get(other).unwrap_or(&configured.ephemeral_storage),
        };
        let reason = location.reason_for_precedence();
        let what = if location.is_flag() { "--kube-reserved" } else { "kubeReserved" };
        Diagnostic::warning(
            Code::ReserveLaterDropIn,
            format!(
                "{location} sets kube-reserved {resource}={quantity}; {reason}, so it takes precedence over {own}"
            ),
            location.help(what),
        )
    }
}

/// Returns the reserves in force: a later reserve replaces that of eni-bootstrap. Ignores a later
/// reserve that is not a quantity, because the kubelet rejects it.
pub(super) fn in_force(configured: &Reserved, later: &[LaterReserve]) -> Reserved {
    let mut reserved = configured.clone();
    for LaterReserve { resource, quantity, .. } in later {
        let Ok(quantity) = quantity.parse() else { continue };
        match resource.as_str() {
            "cpu" => reserved.cpu = quantity,
            "memory" => reserved.memory = quantity,
            "ephemeral-storage" => reserved.ephemeral_storage = quantity,
            other => {
                reserved.others.insert(other.to_owned(), quantity);
            }
        }
    }
    reserved
}
