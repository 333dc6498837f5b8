//! The template of an ENIConfig name: text with fields in braces, filled from instance properties.

use super::EniConfigName;
use crate::domain::identifier::InvalidIdentifier;
use std::fmt;
use std::str::FromStr;

/// A property of the instance that a name can contain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// `{zone}`: the name of the availability zone.
    Zone,
    /// `{zone-id}`: the ID of the availability zone, which is the same in every account.
    ZoneId,
    /// `{region}`.
    Region,
    /// `{instance-type}`.
    InstanceType,
    /// `{vpc-id}`.
    VpcId,
    /// `{subnet-id}`: the subnet of the primary interface.
    SubnetId,
    /// `{tag:KEY}`: an instance tag. Instance metadata must include tags.
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
            Self::SubnetId => formatter.write_str("{subnet-id}"),
            Self::Tag(key) => write!(formatter, "{{tag:{key}}}"),
        }
    }
}

/// Text that is not a valid template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTemplate {
    /// An unknown field.
    #[error(
        "unknown field {{{0}}}; valid fields are {{zone}}, {{zone-id}}, {{region}}, {{instance-type}}, {{vpc-id}}, {{subnet-id}} and {{tag:KEY}}"
    )]
    UnknownField(String),
    /// An opening or closing brace without the other one.
    #[error("unmatched brace in {0:?}")]
    Unbalanced(String),
    /// An empty text.
    #[error("eni-config.name is empty")]
    Empty,
}

/// The template gives no valid name on this instance.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EniConfigNameError {
    /// Instance metadata does not contain the property that a field needs.
    #[error("this instance has no value for {0}")]
    Unknown(Field),
    /// The filled template is not a valid ENIConfig name.
    #[error(transparent)]
    Invalid(#[from] InvalidIdentifier),
}

/// Text with fields in braces, such as `prod-{zone}`.
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
    /// Returns the fields of the template, so that only those are requested.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(field) => Some(field),
            Part::Text(_) => None,
        })
    }

    /// Fills the template. `value` returns `None` for a property that is not available.
    pub fn fill(
        &self,
        value: impl Fn(&Field) -> Option<String>,
    ) -> Result<EniConfigName, EniConfigNameError> {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Field(field) => {
                    name.push_str(
                        &value(field).ok_or_else(|| EniConfigNameError::Unknown(field.clone()))?,
                    );
                }
            }
        }
        Ok(name.parse()?)
    }
}

/// `{zone}`.
impl Default for NameTemplate {
    fn default() -> Self {
        Self { parts: vec![Part::Field(Field::Zone)] }
    }
}

impl fmt::Display for NameTemplate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => formatter.write_str(text),
            Part::Field(field) => field.fmt(formatter),
        })
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
        "subnet-id" => Ok(Field::SubnetId),
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
            Field::SubnetId => Some("subnet-0b".to_owned()),
            Field::Tag(key) if key == "Pool" => Some("blue, green".to_owned()),
            _ => None,
        }
    }

    fn name(template: &str) -> Result<String, EniConfigNameError> {
        template.parse::<NameTemplate>().unwrap().fill(value).map(|name| name.to_string())
    }

    #[test]
    fn a_template_is_filled_with_fields() {
        assert_eq!(name("{zone}"), Ok("us-west-2a".to_owned()));
        assert_eq!(name("prod-{zone}"), Ok("prod-us-west-2a".to_owned()));
        assert_eq!(name("{instance-type}.{zone}"), Ok("c5.large.us-west-2a".to_owned()));
        assert_eq!(name("{region}-{vpc-id}"), Ok("us-west-2-vpc-0a".to_owned()));
        assert_eq!(name("{subnet-id}"), Ok("subnet-0b".to_owned()));
        assert_eq!(name("fixed"), Ok("fixed".to_owned()));
    }

    #[test]
    fn fields_print_as_they_are_written() {
        let text = "a-{zone}-{zone-id}-{region}-{instance-type}-{vpc-id}-{subnet-id}-{tag:Pool}";
        let template: NameTemplate = text.parse().unwrap();
        let fields: Vec<String> = template.fields().map(ToString::to_string).collect();
        assert_eq!(format!("a-{}", fields.join("-")), text);
    }

    #[test]
    fn a_missing_property_or_an_invalid_name_is_an_error() {
        assert_eq!(name("{zone-id}"), Err(EniConfigNameError::Unknown(Field::ZoneId)));
        let error = name("{tag:Pool}").unwrap_err();
        assert_eq!(
            error.to_string(),
            "\"blue, green\" is not an ENIConfig name (at most 63 lowercase letters, digits, dots and dashes)"
        );
    }

    #[test]
    fn an_invalid_template_is_an_error() {
        let error = |text: &str| text.parse::<NameTemplate>().unwrap_err();
        assert_eq!(error("{zones}"), InvalidTemplate::UnknownField("zones".to_owned()));
        assert_eq!(error("{tag:}"), InvalidTemplate::UnknownField("tag:".to_owned()));
        assert_eq!(error("{zone"), InvalidTemplate::Unbalanced("{zone".to_owned()));
        assert_eq!(error("zone}"), InvalidTemplate::Unbalanced("zone}".to_owned()));
        assert_eq!(error(""), InvalidTemplate::Empty);
    }
}
