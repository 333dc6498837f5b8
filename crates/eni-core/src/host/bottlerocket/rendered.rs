//! Whether the kubelet's files show the settings yet.

use super::KubeletSettings;
use serde_json::Value;

/// The kubelet's files that show whether the settings are rendered.
pub const KUBELET_CONFIG: &str = "/etc/kubernetes/kubelet/config";
/// The same; its `NODE_LABELS` become `--node-labels`.
pub const KUBELET_ENV: &str = "/etc/kubernetes/kubelet/env";

/// What the kubelet's files do not say yet, of what they should; `None` where they say all of it.
#[must_use]
pub fn not_rendered(wanted: &KubeletSettings, config: &str, env: &str) -> Option<String> {
    let Ok(config) = serde_saphyr::from_str::<Value>(config) else {
        return Some(format!("{KUBELET_CONFIG} is not YAML"));
    };
    let said = |value: &Value| match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let max_pods = wanted
        .max_pods
        .map(|max_pods| ("maxPods".to_owned(), &config["maxPods"], max_pods.to_string()));
    let reserved = wanted.kube_reserved.iter().map(|(resource, quantity)| {
        (format!("kubeReserved.{resource}"), &config["kubeReserved"][resource], quantity.clone())
    });
    let differs = max_pods.into_iter().chain(reserved).find(|(_, is, should)| said(is) != *should);
    if let Some((key, is, should)) = differs {
        return Some(format!("{KUBELET_CONFIG} says {} and not {should} for {key}", said(is)));
    }
    let words: Vec<&str> = env
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .flat_map(|(_, value)| value.trim_matches('"').split(','))
        .collect();
    let mut labels = wanted.node_labels.iter().map(|(key, value)| format!("{key}={value}"));
    let missing = labels.find(|label| !words.contains(&label.as_str()))?;
    Some(format!("{KUBELET_ENV} lacks the label {missing}"))
}
