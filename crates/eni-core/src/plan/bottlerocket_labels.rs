//! Labels in Bottlerocket's settings: of the user, and of earlier runs.

use super::PlanError;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::eni_config::{EXTERNAL_LABEL, EniConfigName};
use crate::domain::label::{LabelKey, Labels};
use crate::host::ExistingConfig;
use crate::host::existing_config::{ConfigLocation, ExistingLabel};

/// Returns a warning for each existing label with another value than the label of eni-bootstrap.
pub(super) fn overridden(existing: &ExistingConfig, labels: &Labels) -> Vec<Diagnostic> {
    let live = existing.node_labels.iter().filter(|it| it.location == ConfigLocation::Bottlerocket);
    let own = |key: &str| key.parse().ok().and_then(|key: LabelKey| labels.get(&key));
    let different = live.filter_map(|live| {
        let own = own(&live.key).filter(|own| own.as_str() != live.value)?;
        let ExistingLabel { key, value, location } = live;
        Some(Diagnostic::warning(
            Code::LabelOverridden,
            format!(
                "{location}.node-labels sets label {key}={value}; eni-bootstrap's value {own} takes precedence"
            ),
            "remove the existing label",
        ))
    });
    different.collect()
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
