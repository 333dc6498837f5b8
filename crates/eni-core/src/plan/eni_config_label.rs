//! Which ENIConfig the node uses, and which labels name it: `eni-config.name`, or an existing label.

use super::PlanError;
use super::node_labels::cloud_provider_value;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::aws_node::AwsNode;
use crate::domain::cni::Cni;
use crate::domain::eni_config::{DEFAULT_LABEL, EXTERNAL_LABEL, EniConfigName};
use crate::domain::label::LabelKey;
use crate::facts::Instance;
use crate::host::ExistingConfig;
use crate::host::existing_config::{ConfigLocation, EniConfigPolicy, ExistingLabel};
use crate::settings::{EniConfigLabel, Settings};
use std::collections::BTreeMap;

/// The ENIConfig of a node and the labels that name it.
#[derive(Debug)]
pub(super) struct EniConfigChoice {
    pub name: EniConfigName,
    /// The labels that eni-bootstrap sets to the name.
    pub keys: Vec<LabelKey>,
    /// Those of `keys` whose existing value selects another ENIConfig.
    pub overridden: Vec<LabelKey>,
    /// The note about an existing label that is kept.
    pub diagnostic: Option<Diagnostic>,
}

/// Returns the ENIConfig of the node. `name` comes from `eni-config.name`.
///
/// If `reads_external`, the CNI reads the label [`EXTERNAL_LABEL`] before the label in `label_def`, so an
/// existing label with either key takes part. A label in the section `[labels]` is a decision of the operator, and
/// the existing label with that key takes no part.
pub(super) fn choose(
    instance: &Instance,
    settings: &Settings,
    name: EniConfigName,
    (label_def, reads_external): (Option<&str>, bool),
    existing: &BTreeMap<&str, &ExistingLabel>,
) -> Result<EniConfigChoice, PlanError> {
    let own_key = own_key(instance, settings, label_def)?;
    let is_configured =
        |key: &str| settings.labels.0.iter().any(|(configured, _)| configured.as_str() == key);
    let external = reads_external.then_some(EXTERNAL_LABEL).into_iter();
    let read_by_the_cni = external.chain([label_def.unwrap_or(DEFAULT_LABEL)]);
    let candidates: Vec<&ExistingLabel> = read_by_the_cni
        .filter(|key| cloud_provider_value(instance, key).is_none() && !is_configured(key))
        .filter_map(|key| existing.get(key).copied())
        .collect();
    let deciding = candidates.first().filter(|label| label.value != name.as_str());
    if settings.eni_config.policy() == EniConfigPolicy::Respect {
        let (name, diagnostic) = match deciding {
            Some(label) => kept(label, settings, &name)?,
            None => (name, None),
        };
        // Another existing label, which the CNI does not read, stays as well.
        let differs = |key: &LabelKey| {
            !is_configured(key.as_str())
                && existing.get(key.as_str()).is_some_and(|label| label.value != name.as_str())
        };
        let keys = own_key.into_iter().filter(|key| !differs(key)).collect();
        return Ok(EniConfigChoice { name, keys, overridden: Vec::new(), diagnostic });
    }
    let overridden = match deciding {
        Some(_) => overridden(&candidates, &name)?,
        None => Vec::new(),
    };
    let keys = own_key.into_iter().chain(overridden.iter().cloned()).collect();
    Ok(EniConfigChoice { name, keys, overridden, diagnostic: None })
}

/// Checks that the CNI reads the label that `eni-config.label` sets. `aws_node` is `None` if the settings
/// alone describe the CNI.
///
/// # Errors
///
/// [`PlanError::ExternalLabelNotRead`] if the version of the CNI is known and does not read it.
pub(super) fn check_external(
    settings: &Settings,
    cni: &Cni,
    aws_node: Option<&AwsNode>,
) -> Result<(), PlanError> {
    let is_external = matches!(settings.eni_config.label(), EniConfigLabel::Key(key) if key.as_str() == EXTERNAL_LABEL);
    let is_label_def = aws_node.is_some_and(|it| it.eni_config_label == EXTERNAL_LABEL);
    match cni.version {
        Some(version) if is_external && !is_label_def && !cni.reads_external_label() => {
            Err(PlanError::ExternalLabelNotRead { version })
        }
        _ => Ok(()),
    }
}

/// Returns the ENIConfig that an existing label names, with a note.
fn kept(
    label: &ExistingLabel,
    settings: &Settings,
    name: &EniConfigName,
) -> Result<(EniConfigName, Option<Diagnostic>), PlanError> {
    if settings.eni_config.name.is_some() {
        return Err(PlanError::EniConfigConflict {
            existing: label.to_string(),
            name: name.to_string(),
            is_removable: label.location != ConfigLocation::Bottlerocket,
        });
    }
    let kept = label.value.parse().map_err(|source| PlanError::ExistingEniConfigName {
        existing: label.to_string(),
        source,
    })?;
    let policy = EniConfigPolicy::Respect.name();
    let text = format!(
        "{label}; this ENIConfig is used instead of {name} (eni-config.policy = \"{policy}\")"
    );
    Ok((kept, Some(Diagnostic::info(Code::EniConfigLabelKept, text))))
}

/// Returns the keys of the existing labels that select another ENIConfig than `name`.
fn overridden(
    candidates: &[&ExistingLabel],
    name: &EniConfigName,
) -> Result<Vec<LabelKey>, PlanError> {
    let others = candidates.iter().filter(|label| label.value != name.as_str());
    others
        .map(|label| {
            let location = &label.location;
            if location.is_read_after_own() {
                return Err(PlanError::EniConfigLabelReadLater {
                    existing: label.to_string(),
                    reason: location.reason_for_precedence(),
                    help: location.help("the label"),
                });
            }
            Ok(label.key.parse()?)
        })
        .collect()
}

/// Returns the labels that other sources set, the lowest precedence first. A label of version 0.1.0, which
/// did not record it, is not among them.
pub(super) fn of_others(
    instance: &Instance,
    settings: &Settings,
    label_def: Option<&str>,
    existing: &ExistingConfig,
) -> Result<Vec<ExistingLabel>, PlanError> {
    let mut labels = existing.node_labels.clone();
    if existing.has_unrecorded_labels
        && let Some(own) = own_key(instance, settings, label_def)?
    {
        labels.retain(|label| {
            label.location != ConfigLocation::Bottlerocket || label.key != own.as_str()
        });
    }
    Ok(labels)
}

/// Returns the label for the ENIConfig name; `None` if the cluster sets the label that the CNI
/// reads.
fn own_key(
    instance: &Instance,
    settings: &Settings,
    label_def: Option<&str>,
) -> Result<Option<LabelKey>, PlanError> {
    let key = match (&settings.eni_config.label(), label_def) {
        (EniConfigLabel::Nothing, _) => return Ok(None),
        (EniConfigLabel::Key(key), _) => return Ok(Some(key.clone())),
        (EniConfigLabel::OfTheCni, label_def) => label_def.unwrap_or(DEFAULT_LABEL),
    };
    if cloud_provider_value(instance, key).is_some() {
        return Ok(None);
    }
    key.parse().map(Some).map_err(|source| PlanError::LabelOfTheCni { source })
}
