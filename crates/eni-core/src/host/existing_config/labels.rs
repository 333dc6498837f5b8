//! Existing node labels.

use super::{ConfigLocation, flags};
use crate::domain::named_values::named_values;
use std::collections::BTreeMap;
use std::fmt;

named_values! {
    /// The precedence between the ENIConfig name and an existing label (`eni-config.policy`).
    EniConfigPolicy {
        /// Keep the label, and wait for the ENIConfig that it names
        #[default]
        Respect = "respect",
        /// Overwrite the label with the name from eni-config.name
        Override = "override",
    }
}

/// An existing label on the node: of a `--node-labels` flag, or in Bottlerocket's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingLabel {
    pub key: String,
    pub value: String,
    pub location: ConfigLocation,
}

/// Formats the location and the label, such as `user data sets label team=blue`.
impl fmt::Display for ExistingLabel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, value, location } = self;
        match location {
            ConfigLocation::Bottlerocket => write!(formatter, "{location}.node-labels")?,
            _ => write!(formatter, "{location}")?,
        }
        write!(formatter, " sets label {key}={value}")
    }
}

/// Returns the labels of all `--node-labels` flags in `arguments`.
///
/// On a command line, labels with a character that systemd or a shell replaces are omitted, because
/// their value is unknown. In flags that nodeadm passes on, nothing is replaced.
pub(super) fn labels_in_arguments(
    arguments: &[String],
    location: &ConfigLocation,
) -> Vec<ExistingLabel> {
    let is_literal =
        matches!(location, ConfigLocation::UserDataFlag | ConfigLocation::DropInFlag(_));
    let is_known = |text: &str| is_literal || !text.contains(['$', '%', '`']);
    let values = flags::values(arguments, "--node-labels").into_iter();
    let labels = values.flat_map(|value| flags::pairs(value, '='));
    labels
        .filter(|(key, value)| is_known(key) && is_known(value))
        .map(|(key, value)| ExistingLabel {
            key: key.to_owned(),
            value: value.to_owned(),
            location: location.clone(),
        })
        .collect()
}

/// Returns the label in force for each key.
///
/// The kubelet merges all occurrences of `--node-labels` into one map, and the last value of a key
/// takes precedence. A flag never removes the labels of another flag.
///
/// Source: `ConfigurationMap`, `staging/src/k8s.io/component-base/cli/flag/configuration_map.go`,
/// kubernetes/kubernetes.
#[must_use]
pub(crate) fn in_force<'a>(
    labels: impl IntoIterator<Item = &'a ExistingLabel>,
) -> BTreeMap<&'a str, &'a ExistingLabel> {
    labels.into_iter().map(|label| (label.key.as_str(), label)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{ExistingConfig, locate::locate};
    use super::*;

    #[test]
    fn a_label_with_an_unknown_value_is_omitted() {
        let keys = |location| {
            let arguments = "--node-labels=a=$A,b=%H,c=1 --node-labels=d=\"1\" --node-labels=`e`";
            let labels = labels_in_arguments(&flags::words(arguments), &location);
            labels.into_iter().map(|label| label.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(ConfigLocation::Arguments), ["c", "d"]);
        assert_eq!(keys(ConfigLocation::UserDataFlag), ["a", "b", "c", "d", "`e`"]);
    }

    #[test]
    fn the_last_label_of_a_key_is_in_force() {
        let arguments = "--node-labels=a=1,b=2 --v=2 --node-labels=a=3,role= --node-labels=c=$C";
        let node_labels = labels_in_arguments(&flags::words(arguments), &ConfigLocation::Arguments);
        let sources = [
            ("/usr/lib/kubelet.service".to_owned(), "--node-labels=a=1,b=2 --v=2 $MORE".to_owned()),
            ("/etc/default/kubelet".to_owned(), "MORE=--node-labels=a=3,role=".to_owned()),
        ];
        let mut existing = ExistingConfig { node_labels, ..ExistingConfig::default() };
        locate(&mut existing, &sources);
        let texts: Vec<String> =
            in_force(&existing.node_labels).values().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "a kubelet flag in /etc/default/kubelet sets label a=3",
                "a kubelet flag in /usr/lib/kubelet.service sets label b=2",
                "a kubelet flag in /etc/default/kubelet sets label role=",
            ]
        );
    }
}
