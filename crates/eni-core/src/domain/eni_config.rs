//! The name of the ENIConfig that the VPC CNI uses for a node.
//!
//! The CNI reads the name from a node label, so it must be valid both as an object name and as a
//! label value.
//!
//! Source: `GetNodeSpecificENIConfigName`, `pkg/eniconfig/eniconfig.go`, aws/amazon-vpc-cni-k8s.

use crate::domain::identifier::identifier;
use crate::domain::label::{LabelValue, is_subdomain};

mod eni_config_diagnostics;
mod name_template;

pub use eni_config_diagnostics::{default_exists, not_found, without_subnet};
pub use name_template::{EniConfigNameError, Field, InvalidTemplate, NameTemplate};

/// The node label that the CNI reads the name from by default. `ENI_CONFIG_LABEL_DEF` changes it.
pub const DEFAULT_LABEL: &str = "k8s.amazonaws.com/eniConfig";
/// The node label that takes precedence over every other label and annotation, from version 1.11.0 of
/// the CNI.
pub const EXTERNAL_LABEL: &str = "vpc.amazonaws.com/externalEniConfig";
/// The name that the CNI uses if no label and no annotation gives one.
pub const FALLBACK: &str = "default";

identifier! {
    /// The name of an ENIConfig: valid as a Kubernetes object name and as a label value.
    EniConfigName, "an ENIConfig name (at most 63 lowercase letters, digits, dots and dashes)",
    |text| is_subdomain(text) && text.parse::<LabelValue>().is_ok()
}

/// The ENIConfig that the CNI selects for a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The name of the ENIConfig.
    pub name: String,
    /// The label or annotation that the name comes from, such as `label example.com/eni`; `None` if
    /// the CNI uses [`FALLBACK`].
    pub source: Option<String>,
}

/// Returns the ENIConfig that the CNI selects for a node with these labels and annotations.
///
/// `label_def` and `annotation_def` are the values of `ENI_CONFIG_LABEL_DEF` and
/// `ENI_CONFIG_ANNOTATION_DEF`. The CNI reads [`EXTERNAL_LABEL`] first if `reads_external`, then the
/// annotation, then the label.
pub fn select(
    reads_external: bool,
    (label_def, label): (&str, impl Fn(&str) -> Option<String>),
    (annotation_def, annotation): (&str, impl Fn(&str) -> Option<String>),
) -> Selection {
    let by_label = |key: &str| {
        let source = format!("label {key}");
        label(key).map(|name| Selection { name, source: Some(source) })
    };
    let by_annotation = || {
        let source = format!("annotation {annotation_def}");
        annotation(annotation_def).map(|name| Selection { name, source: Some(source) })
    };
    let external = reads_external.then(|| by_label(EXTERNAL_LABEL)).flatten();
    external
        .or_else(by_annotation)
        .or_else(|| by_label(label_def))
        .unwrap_or_else(|| Selection { name: FALLBACK.to_owned(), source: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_valid_as_an_object_and_as_a_label() {
        let valid = |text: &str| text.parse::<EniConfigName>().is_ok();
        assert_eq!("us-west-2a".parse::<EniConfigName>().unwrap().as_str(), "us-west-2a");
        assert!(valid(&"x".repeat(63)));
        assert!(!valid(&"x".repeat(64)), "valid as an object name, too long for a label");
        assert!(!valid("Upper"), "valid as a label value, not as an object name");
    }

    #[test]
    fn the_external_label_precedes_the_annotation_which_precedes_the_label() {
        let selected = |labels: &[(&str, &str)], annotations: &[(&str, &str)]| {
            let value = |of: &[(&str, &str)], key: &str| {
                of.iter().find(|one| one.0 == key).map(|one| one.1.to_owned())
            };
            let Selection { name, source } = select(
                true,
                ("zone", |key: &str| value(labels, key)),
                ("note", |key: &str| value(annotations, key)),
            );
            (name, source.unwrap_or_default())
        };
        let expected = |name: &str, source: &str| (name.to_owned(), source.to_owned());
        let zone = ("zone", "a");
        let external = (EXTERNAL_LABEL, "b");
        assert_eq!(
            selected(&[zone, external], &[("note", "c")]),
            expected("b", "label vpc.amazonaws.com/externalEniConfig")
        );
        assert_eq!(selected(&[zone], &[("note", "c")]), expected("c", "annotation note"));
        assert_eq!(selected(&[zone, (DEFAULT_LABEL, "b")], &[]), expected("a", "label zone"));
        assert_eq!(selected(&[(DEFAULT_LABEL, "b")], &[]), expected("default", ""));
        assert_eq!(
            selected(&[("zone", "")], &[]),
            expected("", "label zone"),
            "an empty value counts"
        );
        let label = |key: &str| (key == EXTERNAL_LABEL).then(|| "b".to_owned());
        let earlier = select(false, ("zone", label), ("note", |_: &str| None));
        assert_eq!(earlier, Selection { name: "default".to_owned(), source: None });
    }
}
