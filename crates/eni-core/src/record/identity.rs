//! The identity of the instance, from IMDS and from its hardware.

use super::{InvalidRecord, versioned, with_version};
use crate::facts::Instance;
use serde::{Deserialize, Serialize};

/// The DMI values that identify the instance without the network. On Nitro, the asset tag is the
/// instance id, and the product name is the instance type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hardware {
    pub asset_tag: Option<String>,
    pub product_name: Option<String>,
}

impl Hardware {
    /// Returns whether a value is known for both and differs.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        let differ = |one: &Option<String>, two: &Option<String>| {
            one.is_some() && two.is_some() && one != two
        };
        differ(&self.asset_tag, &other.asset_tag) || differ(&self.product_name, &other.product_name)
    }
}

/// The identity of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Identity {
    pub instance_id: String,
    pub instance_type: String,
    pub hardware: Hardware,
}

impl Identity {
    /// Returns the identity of `instance`.
    #[must_use]
    pub fn new(instance: &Instance, hardware: Hardware) -> Self {
        Self {
            instance_id: instance.instance_id.to_string(),
            instance_type: instance.instance_type.to_string(),
            hardware,
        }
    }

    /// Returns whether this is the identity of the instance with this id and type.
    #[must_use]
    pub fn is_of(&self, instance_id: &str, instance_type: &str) -> bool {
        self.instance_id == instance_id && self.instance_type == instance_type
    }

    /// Parses the marker.
    pub fn from_marker(text: &str) -> Result<Self, InvalidRecord> {
        Ok(serde_json::from_value(versioned(text)?)?)
    }

    /// Returns the text of the marker.
    pub fn to_marker(&self) -> Result<String, InvalidRecord> {
        with_version(self)
    }
}
