//! The precedence between the labels of eni-bootstrap and those in Bottlerocket's settings.

use super::PlanError;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::eni_config::{EXTERNAL_LABEL, EniConfigName};
use crate::domain::label::{self, LabelKey, LabelValue, Labels};
use crate::host::ExistingConfig;
use crate::host::existing_config::{ConfigLocation, Policy};
use crate::settings::Settings;

/// Replaces labels of the settings with existing ones if `pods.policy` keeps these. Returns a note
/// for each existing label with another value.
pub(super) fn apply_policy(
    settings: &Settings,
    existing: &ExistingConfig,
    labels: &mut Labels,
) -> Vec<Diagnostic> {
    let policy = settings.pods.policy();
    let mut diagnostics = Vec::new();
    let live = existing.node_labels.iter().filter(|it| it.location == ConfigLocation::Bottlerocket);
    for live in live {
        let Ok(key) = live.key.parse::<LabelKey>() else { continue };
        let Some(own) = labels.get(&key).filter(|own| own.as_str() != live.value) else { continue };
        let subject = format!("settings.kubernetes sets label {key} to {:?}", live.value);
        let own = own.to_string();
        let existing: Result<LabelValue, _> = live.value.parse();
        let (code, reason) = match (live.key.as_str(), existing) {
            (label::ZONE, _) => (
                Code::LabelOverridden,
                format!("{own:?} takes precedence, because it is the zone of the instance"),
            ),
            (label::REGION, _) => (
                Code::LabelOverridden,
                format!("{own:?} takes precedence, because it is the region of the instance"),
            ),
            // The label of the ENIConfig: `pods.policy` does not apply to it.
            _ if settings.labels.0.get(&key).is_none() => {
                (Code::LabelOverridden, format!("{own:?} takes precedence"))
            }
            (_, Ok(value)) if policy == Policy::Respect => {
                labels.insert(key, value);
                (Code::LabelKept, "this value is kept (pods.policy = \"respect\")".to_owned())
            }
            _ => {
                let policy = policy.name();
                let text = format!("{own:?} takes precedence (pods.policy = \"{policy}\")");
                (Code::LabelOverridden, text)
            }
        };
        diagnostics.push(Diagnostic::info(code, format!("{subject}; {reason}")));
    }
    diagnostics
}

/// Returns a warning for each label that an earlier run set and that is not in `labels`: the API
/// cannot remove a label.
///
/// # Errors
///
/// [`PlanError::OldEniConfigLabel`] if the CNI would read the ENIConfig name from such a label.
pub(super) fn old_labels(
    existing: &ExistingConfig,
    labels: &Labels,
    eni_config: Option<&EniConfigName>,
    label_def: Option<&str>,
) -> Result<Vec<Diagnostic>, PlanError> {
    let is_set = |key: &str| key.parse().is_ok_and(|key: LabelKey| labels.get(&key).is_some());
    let mut diagnostics = Vec::new();
    for (key, value) in existing.own_labels.iter().filter(|(key, _)| !is_set(key)) {
        let is_read = key == EXTERNAL_LABEL || label_def == Some(key);
        if let Some(expected) = eni_config
            && is_read
            && expected.as_str() != value
        {
            return Err(PlanError::OldEniConfigLabel {
                key: key.clone(),
                selected: value.clone(),
                expected: expected.to_string(),
            });
        }
        diagnostics.push(Diagnostic::warning(
            Code::OldLabel,
            format!(
                "label {key}={value} of an earlier run remains in settings.kubernetes.node-labels, because the Bottlerocket API cannot remove a label"
            ),
            "replace the node to remove the label",
        ));
    }
    Ok(diagnostics)
}
