//! The ENIConfig that the VPC CNI will look for, and how its name is made.
//!
//! Source: `GetNodeSpecificENIConfigName`, `pkg/eniconfig/eniconfig.go`, aws/amazon-vpc-cni-k8s:
//! the name is a label's value, so it must be valid both as an object name and as a label value.

use crate::domain::identifier::InvalidIdentifier;
use crate::domain::label::{LabelValue, is_subdomain};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

mod template;

pub use template::{Field, InvalidTemplate, NameTemplate, NoName};

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

/// What the CNI will look up on a node that has just registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LookedUp {
    /// The name.
    pub name: String,
    /// The label that says it; none where the CNI falls back to [`FALLBACK`].
    pub by: Option<String>,
}

/// The name that the CNI will look up, given the node's labels and the key that its
/// `ENI_CONFIG_LABEL_DEF` names. A kubelet registers no annotations, so those have no say here.
pub fn looked_up(label_def: &str, value: impl Fn(&str) -> Option<String>) -> LookedUp {
    let found = |key: &str| value(key).map(|name| LookedUp { name, by: Some(key.to_owned()) });
    found(EXTERNAL_LABEL)
        .or_else(|| found(label_def))
        .unwrap_or_else(|| LookedUp { name: FALLBACK.to_owned(), by: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_valid_as_an_object_and_as_a_label() {
        let valid = |text: &str| text.parse::<EniConfigName>().is_ok();
        assert!(valid(&"x".repeat(63)));
        assert!(!valid(&"x".repeat(64)), "an object name, and too long for a label");
        assert!(!valid("Upper"), "a label value, and no object name");
    }

    #[test]
    fn the_cni_reads_its_own_label_first_then_the_one_it_is_told() {
        let found = |labels: &[(&str, &str)]| {
            let value = |key: &str| {
                let label = labels.iter().find(|label| label.0 == key);
                label.map(|label| label.1.to_owned())
            };
            let LookedUp { name, by } = looked_up("zone", value);
            (name, by)
        };
        let by = |key: &str| Some(key.to_owned());
        assert_eq!(
            found(&[("zone", "a"), (EXTERNAL_LABEL, "b")]),
            ("b".into(), by(EXTERNAL_LABEL))
        );
        assert_eq!(found(&[("zone", "a"), (DEFAULT_LABEL, "b")]), ("a".into(), by("zone")));
        assert_eq!(found(&[(DEFAULT_LABEL, "b")]), ("default".into(), None));
        assert_eq!(found(&[("zone", "")]), (String::new(), by("zone")), "an empty value wins");
    }
}
