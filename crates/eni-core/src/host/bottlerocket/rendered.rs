//! The check that Bottlerocket has rendered the kubelet's files from its settings.

use super::KubeletSettings;
use serde_json::Value;

/// The kubelet's configuration file on the host.
pub const KUBELET_CONFIG: &str = "/etc/kubernetes/kubelet/config";
/// The kubelet's environment file on the host. Its `NODE_LABELS` become `--node-labels`.
pub const KUBELET_ENV: &str = "/etc/kubernetes/kubelet/env";

/// The first difference between the kubelet's files and the settings.
#[derive(Debug, thiserror::Error)]
pub enum NotRendered {
    /// A file does not exist.
    #[error("{0} does not exist")]
    Missing(&'static str),
    /// The configuration file is not YAML. The parser's message is left out, because it quotes the file.
    #[error("{KUBELET_CONFIG} is not valid YAML")]
    NotYaml,
    /// A key in [`KUBELET_CONFIG`] has another value than the settings.
    #[error("{key} is {current} instead of {expected} in {KUBELET_CONFIG}")]
    Value {
        /// Such as `maxPods` or `kubeReserved.memory`.
        key: String,
        /// The value in the file, or "not set".
        current: String,
        /// The value in the settings.
        expected: String,
    },
    /// A label is missing from [`KUBELET_ENV`].
    #[error("label {0} is missing from {KUBELET_ENV}")]
    Label(String),
}

/// Checks that the kubelet's files contain every value of `settings`. `config` is the text of
/// [`KUBELET_CONFIG`], and `env` that of [`KUBELET_ENV`].
pub fn check_rendered(
    settings: &KubeletSettings,
    config: &str,
    env: &str,
) -> Result<(), NotRendered> {
    let config: Value = serde_saphyr::from_str(config).map_err(|_| NotRendered::NotYaml)?;
    let to_text = |value: &Value| match value {
        Value::Null => "not set".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let max_pods = settings
        .max_pods
        .map(|max_pods| ("maxPods".to_owned(), &config["maxPods"], max_pods.to_string()));
    let reserved = settings.kube_reserved.iter().map(|(resource, quantity)| {
        (format!("kubeReserved.{resource}"), &config["kubeReserved"][resource], quantity.clone())
    });
    for (key, value, expected) in max_pods.into_iter().chain(reserved) {
        let current = to_text(value);
        if current != expected {
            return Err(NotRendered::Value { key, current, expected });
        }
    }
    let words: Vec<&str> = env
        .lines()
        .filter_map(|line| line.trim().split_once('='))
        .flat_map(|(_, value)| value.trim_matches('"').split(','))
        .collect();
    let mut labels = settings.node_labels.iter().map(|(key, value)| format!("{key}={value}"));
    match labels.find(|label| !words.contains(&label.as_str())) {
        Some(label) => Err(NotRendered::Label(label)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::one_line;

    #[test]
    fn an_error_about_invalid_yaml_does_not_quote_the_file() {
        let config = "bootstrapToken: s3cret\nmaxPods: [20";
        let error = check_rendered(&KubeletSettings::default(), config, "").unwrap_err();
        assert_eq!(one_line(&error), "/etc/kubernetes/kubelet/config is not valid YAML");
    }
}
