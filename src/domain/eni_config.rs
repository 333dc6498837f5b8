//! The ENIConfig that the VPC CNI will look for, and how its name is made.
//!
//! Source: `GetNodeSpecificENIConfigName`, `pkg/eniconfig/eniconfig.go`, aws/amazon-vpc-cni-k8s:
//! the name is a label's value, so it must be valid both as an object name and as a label value.

use crate::domain::identifier::InvalidIdentifier;
use crate::domain::label::{LabelValue, is_subdomain};
use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// The node label from which the CNI takes the name, unless its `ENI_CONFIG_LABEL_DEF` says
/// otherwise.
pub const DEFAULT_LABEL: &str = "k8s.amazonaws.com/eniConfig";

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

/// What a name may be made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `{zone}`: the availability zone's name.
    Zone,
    /// `{zone-id}`: the zone's id, the same in every account.
    ZoneId,
    /// `{region}`.
    Region,
    /// `{instance-type}`.
    InstanceType,
    /// `{vpc-id}`.
    VpcId,
    /// `{tag:KEY}`: an instance tag, where the metadata service may show tags.
    Tag(String),
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone => formatter.write_str("{zone}"),
            Self::ZoneId => formatter.write_str("{zone-id}"),
            Self::Region => formatter.write_str("{region}"),
            Self::InstanceType => formatter.write_str("{instance-type}"),
            Self::VpcId => formatter.write_str("{vpc-id}"),
            Self::Tag(key) => write!(formatter, "{{tag:{key}}}"),
        }
    }
}

/// A template that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// A field that there is not.
    #[error(
        "there is no field {{{0}}} (there are {{zone}} {{zone-id}} {{region}} {{instance-type}} {{vpc-id}} {{tag:KEY}})"
    )]
    UnknownField(String),
    /// A brace without its partner.
    #[error("{0:?} has a brace without its partner")]
    Unbalanced(String),
    /// Nothing at all.
    #[error("the template is empty")]
    Empty,
}

/// Why a name could not be made on this machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoName {
    /// The machine does not say what a field stands for.
    #[error("{0} is not known on this machine")]
    Unknown(Field),
    /// What came out is no name.
    #[error(transparent)]
    Invalid(#[from] InvalidIdentifier),
}

/// How the name is made: text with fields in braces, such as `prod-{zone}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameTemplate {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

impl NameTemplate {
    /// The fields in use, so that no request is made for one that is not.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(field) => Some(field),
            Part::Text(_) => None,
        })
    }

    /// Fills the fields in by `value`, which answers `None` for what the machine does not say.
    pub fn fill(&self, value: impl Fn(&Field) -> Option<String>) -> Result<EniConfigName, NoName> {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Field(field) => {
                    name.push_str(&value(field).ok_or_else(|| NoName::Unknown(field.clone()))?);
                }
            }
        }
        Ok(name.parse()?)
    }
}

impl FromStr for NameTemplate {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (plain, after) = rest.split_at(rest.find('{').unwrap_or(rest.len()));
            if plain.contains('}') {
                return Err(InvalidTemplate::Unbalanced(text.to_owned()));
            }
            if !plain.is_empty() {
                parts.push(Part::Text(plain.to_owned()));
            }
            rest = after;
            if let Some(inner) = rest.strip_prefix('{') {
                let (field, after) = inner
                    .split_once('}')
                    .ok_or_else(|| InvalidTemplate::Unbalanced(text.to_owned()))?;
                parts.push(Part::Field(field_named(field)?));
                rest = after;
            }
        }
        if parts.is_empty() { Err(InvalidTemplate::Empty) } else { Ok(Self { parts }) }
    }
}

fn field_named(name: &str) -> Result<Field, InvalidTemplate> {
    match name {
        "zone" => Ok(Field::Zone),
        "zone-id" => Ok(Field::ZoneId),
        "region" => Ok(Field::Region),
        "instance-type" => Ok(Field::InstanceType),
        "vpc-id" => Ok(Field::VpcId),
        _ => match name.strip_prefix("tag:") {
            Some(key) if !key.is_empty() => Ok(Field::Tag(key.to_owned())),
            _ => Err(InvalidTemplate::UnknownField(name.to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(field: &Field) -> Option<String> {
        match field {
            Field::Zone => Some("us-west-2a".to_owned()),
            Field::InstanceType => Some("c5.large".to_owned()),
            Field::Region => Some("us-west-2".to_owned()),
            Field::VpcId => Some("vpc-0a".to_owned()),
            Field::Tag(key) if key == "Pool" => Some("blue, green".to_owned()),
            _ => None,
        }
    }

    fn name(template: &str) -> Result<String, NoName> {
        template.parse::<NameTemplate>().unwrap().fill(value).map(|name| name.to_string())
    }

    #[test]
    fn names_are_made_from_fields_and_text() {
        assert_eq!(name("{zone}"), Ok("us-west-2a".to_owned()));
        assert_eq!(name("prod-{zone}"), Ok("prod-us-west-2a".to_owned()));
        assert_eq!(name("{instance-type}.{zone}"), Ok("c5.large.us-west-2a".to_owned()));
        assert_eq!(name("{region}-{vpc-id}"), Ok("us-west-2-vpc-0a".to_owned()));
        assert_eq!(name("fixed"), Ok("fixed".to_owned()));
        assert_eq!("fixed".parse::<EniConfigName>().unwrap().as_str(), "fixed");
    }

    #[test]
    fn a_template_tells_its_fields_as_they_are_written() {
        let text = "a-{zone}-{zone-id}-{region}-{instance-type}-{vpc-id}-{tag:Pool}";
        let template: NameTemplate = text.parse().unwrap();
        let fields: Vec<String> = template.fields().map(ToString::to_string).collect();
        assert_eq!(format!("a-{}", fields.join("-")), text);
    }

    #[test]
    fn a_name_is_valid_as_an_object_and_as_a_label() {
        let valid = |text: &str| text.parse::<EniConfigName>().is_ok();
        assert!(valid(&"x".repeat(63)));
        assert!(!valid(&"x".repeat(64)), "an object name, and too long for a label");
        assert!(!valid("Upper"), "a label value, and no object name");
    }

    #[test]
    fn a_name_that_the_machine_cannot_give_is_refused() {
        assert_eq!(name("{zone-id}"), Err(NoName::Unknown(Field::ZoneId)));
        let error = name("{tag:Pool}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"blue, green\" is not an ENIConfig name (an object name that fits a label)"
        );
    }

    #[test]
    fn a_template_that_is_none_says_why() {
        let error = |text: &str| text.parse::<NameTemplate>().unwrap_err();
        assert_eq!(error("{zones}"), InvalidTemplate::UnknownField("zones".to_owned()));
        assert_eq!(error("{tag:}"), InvalidTemplate::UnknownField("tag:".to_owned()));
        assert_eq!(error("{zone"), InvalidTemplate::Unbalanced("{zone".to_owned()));
        assert_eq!(error("zone}"), InvalidTemplate::Unbalanced("zone}".to_owned()));
        assert_eq!(error(""), InvalidTemplate::Empty);
    }
}
