//! The labels that the node registers with, and whether the CNI will find its ENIConfig by them.

use super::PlanError;
use crate::domain::eni_config::{EniConfigName, LookedUp, looked_up};
use crate::domain::label::{self, LabelKey, LabelValue, Labels};
use crate::facts::Instance;
use crate::settings::{EniConfigLabel, Settings};

/// Labels whose value the AWS cloud provider writes, whatever a kubelet says of itself.
///
/// Source: `staging/src/k8s.io/cloud-provider/controllers/node/node_controller.go`,
/// kubernetes/kubernetes.
fn of_the_cloud_provider(instance: &Instance, key: &str) -> Option<String> {
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

/// Zone and region always, the ENIConfig's label where it needs one, and what was asked for.
/// `label_def` is the label that the CNI reads, where that is known.
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
        will_be_found(instance, &labels, name, label_def)?;
    }
    Ok(labels)
}

/// The label to write the name into; none where the CNI reads one that has its value anyway.
fn eni_config_label(
    instance: &Instance,
    settings: &Settings,
    label_def: Option<&str>,
) -> Result<Option<LabelKey>, PlanError> {
    let key = match (&settings.eni_config.label(), label_def) {
        (EniConfigLabel::Nothing, _) => return Ok(None),
        (EniConfigLabel::Key(key), _) => return Ok(Some(key.clone())),
        (EniConfigLabel::OfTheCni, label_def) => {
            label_def.unwrap_or(crate::domain::eni_config::DEFAULT_LABEL)
        }
    };
    if of_the_cloud_provider(instance, key).is_some() {
        return Ok(None);
    }
    key.parse().map(Some).map_err(|source| PlanError::LabelOfTheCni { source })
}

/// The CNI must look up the very ENIConfig that this run waits for.
fn will_be_found(
    instance: &Instance,
    labels: &Labels,
    name: &EniConfigName,
    label_def: &str,
) -> Result<(), PlanError> {
    let value = |key: &str| {
        let ours = key.parse().ok().and_then(|key: LabelKey| labels.get(&key).cloned());
        of_the_cloud_provider(instance, key).or_else(|| ours.map(|value| value.to_string()))
    };
    // A kubelet registers no annotations: those of a node that is known already are looked at when
    // the cluster can be asked.
    let found = looked_up((label_def, value), ("", |_: &str| None));
    if found.name == name.as_str() {
        return Ok(());
    }
    let LookedUp { name: found, by } = found;
    Err(PlanError::NotLookedUp {
        wanted: name.to_string(),
        found,
        by: match by {
            Some(key) => format!("the node's {key} says so"),
            None => format!("no label {label_def}, which it reads, is set"),
        },
    })
}
