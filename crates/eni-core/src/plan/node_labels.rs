//! The labels that the node registers with, and the check that the CNI selects the right ENIConfig.

use super::PlanError;
use crate::domain::eni_config::{DEFAULT_LABEL, EniConfigName, select};
use crate::domain::label::{self, LabelKey, LabelValue, Labels};
use crate::facts::Instance;
use crate::settings::{EniConfigLabel, Settings};

/// Returns the value of a label that the AWS cloud provider overwrites after registration; `None`
/// for other labels.
///
/// Source: `staging/src/k8s.io/cloud-provider/controllers/node/node_controller.go`,
/// kubernetes/kubernetes.
fn cloud_provider_value(instance: &Instance, key: &str) -> Option<String> {
    match key {
        label::ZONE | "failure-domain.beta.kubernetes.io/zone" => Some(instance.zone.to_string()),
        label::REGION | "failure-domain.beta.kubernetes.io/region" => {
            Some(instance.region.to_string())
        }
        "node.kubernetes.io/instance-type" | "beta.kubernetes.io/instance-type" => {
            Some(instance.instance_type.to_string())
        }
        _ => None,
    }
}

/// Returns the labels for zone, region and ENIConfig, and the labels in the settings.
///
/// `label_def` is the label that the CNI reads the ENIConfig name from, if it is known.
pub(super) fn labels(
    instance: &Instance,
    settings: &Settings,
    eni_config: Option<&EniConfigName>,
    label_def: Option<&str>,
) -> Result<Labels, PlanError> {
    let mut labels = Labels::default();
    let mut set = |key: LabelKey, value: LabelValue| match labels.get(&key) {
        Some(present) if *present != value => Err(PlanError::LabelClash {
            key: key.to_string(),
            one: present.to_string(),
            other: value.to_string(),
        }),
        _ => {
            labels.insert(key, value);
            Ok(())
        }
    };
    set(label::ZONE.parse()?, instance.zone.as_str().parse()?)?;
    set(label::REGION.parse()?, instance.region.as_str().parse()?)?;
    if let Some(name) = eni_config
        && let Some(key) = eni_config_label(instance, settings, label_def)?
    {
        set(key, name.as_str().parse()?)?;
    }
    for (key, value) in settings.labels.0.iter() {
        set(key.clone(), value.clone())?;
    }
    if let (Some(name), Some(label_def)) = (eni_config, label_def) {
        check_selection(instance, &labels, name, label_def)?;
    }
    Ok(labels)
}

/// Returns the label for the ENIConfig name; `None` if the cluster sets the label that the CNI
/// reads.
fn eni_config_label(
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

/// Checks that the CNI selects the ENIConfig that this run waits for.
fn check_selection(
    instance: &Instance,
    labels: &Labels,
    name: &EniConfigName,
    label_def: &str,
) -> Result<(), PlanError> {
    let value = |key: &str| {
        let registered = key.parse().ok().and_then(|key: LabelKey| labels.get(&key).cloned());
        cloud_provider_value(instance, key).or_else(|| registered.map(|value| value.to_string()))
    };
    // A kubelet registers no annotations. Those of a node that is already registered are checked
    // with the cluster.
    let selection = select((label_def, value), ("", |_: &str| None));
    if selection.name == name.as_str() {
        return Ok(());
    }
    Err(PlanError::OtherEniConfigSelected {
        expected: name.to_string(),
        selected: selection.name,
        reason: match selection.source {
            Some(label) => format!("it reads {label}"),
            None => format!("label {label_def} is not set"),
        },
    })
}
