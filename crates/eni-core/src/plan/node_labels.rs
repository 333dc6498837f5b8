//! The labels that the node registers with, and the check that the CNI selects the right ENIConfig.

use super::PlanError;
use super::eni_config_label::{self, EniConfigChoice};
use crate::diagnostic::{Code, Diagnostic};
use crate::domain::eni_config::{EniConfigName, select};
use crate::domain::label::{self, LabelKey, LabelValue, Labels};
use crate::facts::Instance;
use crate::host::existing_config::{EniConfigPolicy, ExistingLabel, labels_in_force};
use crate::settings::Settings;
use std::collections::BTreeMap;

/// The labels of a node.
#[derive(Debug)]
pub(super) struct NodeLabels {
    /// The labels that eni-bootstrap sets.
    pub labels: Labels,
    /// Those labels with the values that the kubelet gets.
    pub in_force: Labels,
    /// The ENIConfig that the CNI selects by the labels; `None` without custom networking.
    pub eni_config: Option<EniConfigName>,
    /// Notes about existing labels.
    pub diagnostics: Vec<Diagnostic>,
}

/// Returns the value of a label that the AWS cloud provider overwrites after registration; `None`
/// for other labels.
///
/// Source: `staging/src/k8s.io/cloud-provider/controllers/node/node_controller.go`,
/// kubernetes/kubernetes.
pub(super) fn cloud_provider_value(instance: &Instance, key: &str) -> Option<String> {
    match key {
        label::ZONE | "failure-domain.beta.kubernetes.io/zone" => Some(instance.zone.to_string()),
        label::REGION | "failure-domain.beta.kubernetes.io/region" => {
            Some(instance.region.to_string())
        }
        label::INSTANCE_TYPE | "beta.kubernetes.io/instance-type" => {
            Some(instance.instance_type.to_string())
        }
        _ => None,
    }
}

/// Returns the labels for zone, region and ENIConfig, and the labels in the settings. `existing`
/// are the labels that other sources set, the lowest precedence first.
///
/// `label_def` is the label that the CNI reads the ENIConfig name from, if it is known, and
/// `reads_external` is whether it reads [`EXTERNAL_LABEL`](crate::domain::eni_config::EXTERNAL_LABEL)
/// before.
pub(super) fn node_labels(
    instance: &Instance,
    settings: &Settings,
    name: Option<EniConfigName>,
    (label_def, reads_external): (Option<&str>, bool),
    existing: &[ExistingLabel],
) -> Result<NodeLabels, PlanError> {
    let existing = labels_in_force(existing);
    let choice = name
        .map(|name| {
            eni_config_label::choose(
                instance,
                settings,
                name,
                (label_def, reads_external),
                &existing,
            )
        })
        .transpose()?;
    let labels = own_labels(instance, settings, choice.as_ref())?;
    check_existing(&labels, &existing)?;
    if let (Some(choice), Some(label_def)) = (&choice, label_def) {
        check_selection(instance, &labels, &existing, &choice.name, (label_def, reads_external))?;
    }
    let in_force = labels_with_later_values(&labels, &existing)?;
    let mut diagnostics = differences(&labels, &existing, choice.as_ref());
    let (eni_config, kept) = choice.map(|it| (it.name, it.diagnostic)).unzip();
    diagnostics.extend(kept.flatten());
    Ok(NodeLabels { labels, in_force, eni_config, diagnostics })
}

/// Returns the labels that eni-bootstrap sets.
fn own_labels(
    instance: &Instance,
    settings: &Settings,
    choice: Option<&EniConfigChoice>,
) -> Result<Labels, PlanError> {
    let mut labels = Labels::default();
    let clash = |key: &LabelKey, one: String, other: &LabelValue| PlanError::LabelClash {
        key: key.to_string(),
        one,
        other: other.to_string(),
    };
    let mut set = |key: LabelKey, value: LabelValue| match labels.get(&key) {
        Some(present) if *present != value => Err(clash(&key, present.to_string(), &value)),
        _ => {
            labels.insert(key, value);
            Ok(())
        }
    };
    set(label::ZONE.parse()?, instance.zone.as_str().parse()?)?;
    set(label::REGION.parse()?, instance.region.as_str().parse()?)?;
    if let Some(EniConfigChoice { name, keys, .. }) = choice {
        for key in keys {
            set(key.clone(), name.as_str().parse()?)?;
        }
    }
    for (key, value) in settings.labels.0.iter() {
        match cloud_provider_value(instance, key.as_str()) {
            Some(fixed) if fixed != value.as_str() => return Err(clash(key, fixed, value)),
            _ => set(key.clone(), value.clone())?,
        }
    }
    Ok(labels)
}

/// Checks that the kubelet accepts the existing labels. It exits if it does not.
///
/// Source: `ValidateKubeletFlags`, `cmd/kubelet/app/options/options.go`, kubernetes/kubernetes.
fn check_existing(
    own: &Labels,
    existing: &BTreeMap<&str, &ExistingLabel>,
) -> Result<(), PlanError> {
    for label in existing.values() {
        let rejected =
            |source| PlanError::RejectedLabel { existing: Box::new((*label).clone()), source };
        let key: LabelKey = label.key.parse().map_err(rejected)?;
        if own.get(&key).is_none() || label.location.is_read_after_own() {
            label.value.parse::<LabelValue>().map_err(rejected)?;
        }
    }
    Ok(())
}

/// Returns the labels of eni-bootstrap with the values that the kubelet gets.
fn labels_with_later_values(
    own: &Labels,
    existing: &BTreeMap<&str, &ExistingLabel>,
) -> Result<Labels, PlanError> {
    let mut in_force = own.clone();
    for (key, _) in own.iter() {
        let existing = existing.get(key.as_str());
        if let Some(later) = existing.filter(|label| label.location.is_read_after_own()) {
            in_force.insert(key.clone(), later.value.parse()?);
        }
    }
    Ok(in_force)
}

/// Returns a warning for each existing label with another value than the label of eni-bootstrap.
fn differences(
    own: &Labels,
    existing: &BTreeMap<&str, &ExistingLabel>,
    choice: Option<&EniConfigChoice>,
) -> Vec<Diagnostic> {
    let both =
        own.iter().filter_map(|(key, value)| Some((key, value, *existing.get(key.as_str())?)));
    let different = both.filter(|(_, value, existing)| existing.value != value.as_str());
    different
        .map(|(key, value, existing)| {
            let location = &existing.location;
            if location.is_read_after_own() {
                let reason = location.reason_for_precedence();
                return Diagnostic::warning(
                    Code::LabelLaterDropIn,
                    format!("{existing}; {reason}, so it takes precedence over {value}"),
                    location.help("the label"),
                );
            }
            let text = format!("{existing}; eni-bootstrap's value {value} takes precedence");
            if choice.is_some_and(|choice| choice.overridden.contains(key)) {
                let policy = EniConfigPolicy::Override.name();
                return Diagnostic::warning(
                    Code::LabelOverridden,
                    format!("{text} (eni-config.policy = \"{policy}\")"),
                    "remove the existing label, or set eni-config.policy = \"respect\" to use its ENIConfig",
                );
            }
            Diagnostic::warning(Code::LabelOverridden, text, "remove the existing label")
        })
        .collect()
}

/// Checks that the CNI selects the ENIConfig that this run waits for.
fn check_selection(
    instance: &Instance,
    own: &Labels,
    existing: &BTreeMap<&str, &ExistingLabel>,
    name: &EniConfigName,
    (label_def, reads_external): (&str, bool),
) -> Result<(), PlanError> {
    let value = |key: &str| {
        let existing = existing.get(key).map(|label| (label.value.clone(), &label.location));
        let own = key.parse().ok().and_then(|key: LabelKey| own.get(&key)).map(ToString::to_string);
        let registered = match existing {
            Some((value, location)) if own.is_none() || location.is_read_after_own() => Some(value),
            _ => own,
        };
        cloud_provider_value(instance, key).or(registered)
    };
    // A kubelet registers no annotations. Those of a node that is already registered are checked
    // with the cluster.
    let selection = select(reads_external, (label_def, value), ("", |_: &str| None));
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

#[cfg(test)]
mod tests;
