//! Notes about labels of earlier runs in Bottlerocket's settings.

use super::PlanError;
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::eni_config::{EXTERNAL_LABEL, EniConfigName};
use crate::domain::label::{LabelKey, Labels};
use crate::host::ExistingConfig;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::facts::fixture::facts;
    use crate::failure::Advice as _;
    use crate::plan::plan;
    use crate::plan::tests::settings;

    /// Returns the diagnostics of a plan for an m5.large in us-west-2a, or the error with its help.
    fn diagnostics(existing: ExistingConfig, text: &str) -> Result<Vec<Diagnostic>, String> {
        let facts = Facts { existing, ..facts("m5.large") };
        let plan = plan(&facts, &settings(text), None);
        plan.map(|it| it.diagnostics).map_err(|error| format!("{error}; {}", error.help()))
    }

    #[test]
    fn an_old_label_of_an_earlier_run_is_an_error_only_if_the_cni_would_read_another_eniconfig() {
        let note = |key: &str, value: &str, text: &str| {
            let own_labels = [(key.to_owned(), value.to_owned())].into();
            diagnostics(ExistingConfig { own_labels, ..ExistingConfig::default() }, text)
        };
        let warning = |label: &str| {
            Ok(vec![Diagnostic::warning(
                Code::OldLabel,
                format!(
                    "label {label} of an earlier run remains in settings.kubernetes.node-labels, because the Bottlerocket API cannot remove a label"
                ),
                "replace the node to remove the label",
            )])
        };
        assert_eq!(
            note(EXTERNAL_LABEL, "other", ""),
            Err("the CNI would use ENIConfig \"other\" instead of \"us-west-2a\": an earlier run set label vpc.amazonaws.com/externalEniConfig, and the Bottlerocket API cannot remove a label; set eni-config.label = \"vpc.amazonaws.com/externalEniConfig\", so that eni-bootstrap updates this label, or replace the node".to_owned())
        );
        assert_eq!(
            note(EXTERNAL_LABEL, "us-west-2a", ""),
            warning("vpc.amazonaws.com/externalEniConfig=us-west-2a")
        );
        assert_eq!(
            note(EXTERNAL_LABEL, "other", "cni.custom-networking = false"),
            warning("vpc.amazonaws.com/externalEniConfig=other")
        );
        assert_eq!(note("example.com/eni", "other", ""), warning("example.com/eni=other"));
        let label = format!("eni-config.label = \"{EXTERNAL_LABEL}\"");
        assert_eq!(note(EXTERNAL_LABEL, "other", &label), Ok(Vec::new()), "it is overwritten");
    }
}
