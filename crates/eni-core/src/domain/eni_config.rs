//! The ENIConfig that the VPC CNI will look for, and how its name is made.
//!
//! Source: `GetNodeSpecificENIConfigName`, `pkg/eniconfig/eniconfig.go`, aws/amazon-vpc-cni-k8s:
//! the name is a label's value, so it must be valid both as an object name and as a label value.

use crate::domain::identifier::InvalidIdentifier;
use crate::domain::label::{LabelValue, is_subdomain};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

mod name_template;

pub use name_template::{Field, InvalidTemplate, NameTemplate, NoName};

/// The node label from which the CNI takes the name, unless its `ENI_CONFIG_LABEL_DEF` says
/// otherwise.
pub const DEFAULT_LABEL: &str = "k8s.amazonaws.com/eniConfig";
/// The node label that the CNI reads before anything else, whatever its settings say.
pub const EXTERNAL_LABEL: &str = "vpc.amazonaws.com/externalEniConfig";
/// The name that the CNI takes where no label and no annotation says one.
pub const FALLBACK: &str = "default";

/// An ENIConfig's name: valid as a Kubernetes object name and as a label value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct EniConfigName(String);

impl EniConfigName {
    /// The text itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EniConfigName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl FromStr for EniConfigName {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, InvalidIdentifier> {
        if is_subdomain(text) && text.parse::<LabelValue>().is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidIdentifier::new(
                "an ENIConfig name (an object name that fits a label)",
                text,
            ))
        }
    }
}

/// What the CNI will look up on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedUp {
    /// The name.
    pub name: String,
    /// The label or annotation that says it; none where the CNI falls back to [`FALLBACK`].
    pub by: Option<String>,
}

/// The name that the CNI will look up, given the node's labels and annotations and the keys that its
/// `ENI_CONFIG_LABEL_DEF` and `ENI_CONFIG_ANNOTATION_DEF` name.
pub fn looked_up(
    (label_def, label): (&str, impl Fn(&str) -> Option<String>),
    (annotation_def, annotation): (&str, impl Fn(&str) -> Option<String>),
) -> LookedUp {
    let labelled = |key: &str| {
        let by = format!("label {key}");
        label(key).map(|name| LookedUp { name, by: Some(by) })
    };
    let annotated = || {
        let by = format!("annotation {annotation_def}");
        annotation(annotation_def).map(|name| LookedUp { name, by: Some(by) })
    };
    labelled(EXTERNAL_LABEL)
        .or_else(annotated)
        .or_else(|| labelled(label_def))
        .unwrap_or_else(|| LookedUp { name: FALLBACK.to_owned(), by: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_valid_as_an_object_and_as_a_label() {
        let valid = |text: &str| text.parse::<EniConfigName>().is_ok();
        assert_eq!("us-west-2a".parse::<EniConfigName>().unwrap().as_str(), "us-west-2a");
        assert!(valid(&"x".repeat(63)));
        assert!(!valid(&"x".repeat(64)), "an object name, and too long for a label");
        assert!(!valid("Upper"), "a label value, and no object name");
    }

    #[test]
    fn the_cni_reads_its_own_label_first_then_the_annotation_then_the_label() {
        let found = |labels: &[(&str, &str)], annotations: &[(&str, &str)]| {
            let value = |of: &[(&str, &str)], key: &str| {
                let found = of.iter().find(|one| one.0 == key);
                found.map(|one| one.1.to_owned())
            };
            let LookedUp { name, by } = looked_up(
                ("zone", |key: &str| value(labels, key)),
                ("note", |key: &str| value(annotations, key)),
            );
            (name, by.unwrap_or_default())
        };
        let expected = |name: &str, by: &str| (name.to_owned(), by.to_owned());
        let zone = ("zone", "a");
        let external = (EXTERNAL_LABEL, "b");
        assert_eq!(
            found(&[zone, external], &[("note", "c")]),
            expected("b", "label vpc.amazonaws.com/externalEniConfig")
        );
        assert_eq!(found(&[zone], &[("note", "c")]), expected("c", "annotation note"));
        assert_eq!(found(&[zone, (DEFAULT_LABEL, "b")], &[]), expected("a", "label zone"));
        assert_eq!(found(&[(DEFAULT_LABEL, "b")], &[]), expected("default", ""));
        assert_eq!(found(&[("zone", "")], &[]), expected("", "label zone"), "an empty value wins");
    }
}
