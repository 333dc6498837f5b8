//! Existing kube-reserved quantities, which eni-bootstrap keeps or replaces.

use super::PlanError;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::quantity::Quantity;
use crate::domain::reserved::{RESOURCES, ReserveOverrides, Reserved, amount};
use crate::host::ExistingConfig;
use crate::host::existing_config::{
    ConfigLocation, ExistingResources, Policy, ResourceMap, resources_in_force,
};
use crate::settings::{ReserveBasis, Settings};
use std::collections::BTreeMap;

/// Where a quantity that eni-bootstrap configures comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReserveSource<'a> {
    /// The setting in `[reserve]`.
    Setting,
    /// An existing quantity, because of `pods.policy = "respect"`.
    Respected(&'a str),
    /// `kubeReserved` of the `EC2NodeClass`, because of `reserve.basis`.
    Karpenter(&'a str),
    /// The formula.
    Computed,
}

/// The existing kube-reserved quantities that eni-bootstrap keeps or replaces, and the settings that
/// decide it.
#[derive(Debug)]
pub(super) struct ExistingReserves<'a> {
    pub settings: &'a Settings,
    /// The quantities in force without eni-bootstrap, by resource.
    by_resource: BTreeMap<String, (String, ConfigLocation)>,
    /// `kubeReserved` of the `EC2NodeClass`.
    karpenter: Option<&'a BTreeMap<String, String>>,
}

impl<'a> ExistingReserves<'a> {
    /// Returns the quantities that the operator or a tool configured, and that are not read after those
    /// of eni-bootstrap.
    ///
    /// The file of `--config` is omitted: the image's own scripts write a computed kube-reserved to it.
    pub(super) fn new(settings: &'a Settings, existing: &'a ExistingConfig) -> Self {
        let is_replaceable = |it: &&ExistingResources| {
            !it.location.is_read_after_own()
                && !matches!(it.location, ConfigLocation::KubeletConfig(_))
        };
        let replaceable: Vec<_> =
            existing.resources.iter().filter(is_replaceable).cloned().collect();
        let in_force = resources_in_force(&replaceable, ResourceMap::KubeReserved).into_iter();
        let in_files = in_force.map(|(resource, (quantity, location))| {
            (resource.to_owned(), (quantity.to_owned(), location.clone()))
        });
        let in_settings = existing.kube_reserved.iter().map(|(resource, quantity)| {
            (resource.clone(), (quantity.clone(), ConfigLocation::Bottlerocket))
        });
        Self {
            settings,
            by_resource: in_files.chain(in_settings).collect(),
            karpenter: existing.karpenter_reserved.as_ref(),
        }
    }

    /// Returns where the quantity of `resource` comes from.
    pub(super) fn source(&self, resource: &str) -> ReserveSource<'_> {
        let ReserveOverrides { cpu, memory, ephemeral_storage } = self.settings.reserve.overrides();
        let setting = match resource {
            "cpu" => cpu,
            "memory" => memory,
            _ => ephemeral_storage,
        };
        let respects = self.settings.pods.policy() == Policy::Respect;
        let existing = self.by_resource.get(resource).filter(|_| respects);
        let follows_karpenter = self.settings.reserve.basis() != ReserveBasis::MaxPods;
        let planned = self.karpenter.and_then(|it| it.get(resource)).filter(|_| follows_karpenter);
        match (setting, existing, planned) {
            (Some(_), _, _) => ReserveSource::Setting,
            (None, Some((quantity, _)), _) => ReserveSource::Respected(quantity),
            (None, None, Some(quantity)) => ReserveSource::Karpenter(quantity),
            (None, None, None) => ReserveSource::Computed,
        }
    }

    /// Returns where the existing quantity of `resource` is configured.
    pub(super) fn location(&self, resource: &str) -> Option<&ConfigLocation> {
        self.by_resource.get(resource).map(|(_, location)| location)
    }

    /// Returns the reserves that replace computed ones: those of the settings, and existing ones that
    /// are kept.
    ///
    /// # Errors
    ///
    /// [`PlanError::ExistingReserve`] if an existing reserve to keep is not a quantity.
    pub(super) fn overrides(&self) -> Result<ReserveOverrides, PlanError> {
        let ReserveOverrides { cpu, memory, ephemeral_storage } = self.settings.reserve.overrides();
        let complete = |setting: Option<Quantity>, resource: &'static str| {
            let (ReserveSource::Respected(text) | ReserveSource::Karpenter(text)) =
                self.source(resource)
            else {
                return Ok(setting);
            };
            let location = self.location(resource).unwrap_or(&ConfigLocation::UserData);
            let invalid = |source| PlanError::ExistingReserve {
                location: location.to_string(),
                resource,
                source,
            };
            text.parse().map(Some).map_err(invalid)
        };
        Ok(ReserveOverrides {
            cpu: complete(cpu, "cpu")?,
            memory: complete(memory, "memory")?,
            ephemeral_storage: complete(ephemeral_storage, "ephemeral-storage")?,
        })
    }

    /// Returns a note for each existing quantity that is kept, or that `configured` replaces.
    pub(super) fn notes(&self, configured: &Reserved) -> Vec<Diagnostic> {
        let note = |resource: &'static str| {
            let (existing, location) = self.by_resource.get(resource)?;
            self.note(resource, existing, location, configured.get(resource)?)
        };
        RESOURCES.into_iter().filter_map(note).collect()
    }

    fn note(
        &self,
        resource: &str,
        existing: &str,
        location: &ConfigLocation,
        configured: &Quantity,
    ) -> Option<Diagnostic> {
        let subject = format!("{location} sets kube-reserved {resource}={existing}");
        let policy = self.settings.pods.policy().name();
        let basis = self.settings.reserve.basis().name();
        let is_same = existing
            .parse()
            .is_ok_and(|existing| amount(resource, &existing) == amount(resource, configured));
        let kept = |reason: String| {
            let text = format!("{subject}; this value is kept{reason}");
            Some(Diagnostic::info(Code::KubeReservedKept, text))
        };
        let overridden = |reason: String| {
            let text = format!("{subject}; {reason}");
            Some(Diagnostic::warning(
                Code::KubeReservedOverridden,
                text,
                self.help(resource, existing),
            ))
        };
        match self.source(resource) {
            ReserveSource::Respected(_) => kept(format!(" (pods.policy = \"{policy}\")")),
            ReserveSource::Karpenter(_) if is_same => {
                kept(format!(", because Karpenter plans with it (reserve.basis = \"{basis}\")"))
            }
            ReserveSource::Setting | ReserveSource::Computed if is_same => None,
            ReserveSource::Karpenter(_) => overridden(format!(
                "{configured} takes precedence, because Karpenter plans with it (reserve.basis = \"{basis}\")"
            )),
            ReserveSource::Computed => overridden(format!(
                "the computed value {configured} takes precedence (pods.policy = \"{policy}\")"
            )),
            ReserveSource::Setting => Some(Diagnostic::info(
                Code::KubeReservedOverridden,
                format!("{subject}; reserve.{resource} = {configured} takes precedence"),
            )),
        }
    }

    /// Returns how to keep an existing quantity.
    fn help(&self, resource: &str, existing: &str) -> String {
        let is_of_karpenter = self.karpenter.is_some_and(|it| it.contains_key(resource));
        let all = if is_of_karpenter && self.settings.reserve.basis() == ReserveBasis::MaxPods {
            "set reserve.basis = \"auto\" to use Karpenter's plan"
        } else {
            "set pods.policy = \"respect\" to keep every existing value"
        };
        format!("set reserve.{resource} = \"{existing}\" to keep this value, or {all}")
    }
}

#[cfg(test)]
mod tests;
