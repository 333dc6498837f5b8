//! Settings: one definition, and their values from files, environment variables and flags.
//!
//! ```text
//! definition   every setting with its default and its documentation
//! table        the types and the documentation that follow from the definition
//! flags        the flags and environment variables
//! reference    packaging/50-defaults.toml
//! value        types of single settings
//! text         settings files
//! ```

mod definition;
mod flags;
mod reference;
mod table;
mod text;
mod value;

pub use definition::{
    ClusterSettings, CniSettings, EniConfigSettings, HostSettings, ImdsSettings, PodsSettings,
    ReserveSettings, Settings,
};
pub use reference::reference;
pub use table::{Section, Setting, all, sections};
pub use text::FileError;
pub use value::{
    CniSource, EniConfigLabel, InvalidCeiling, InvalidDuration, InvalidLabels, LabelMap, OnTimeout,
    TimeSpan, Wait,
};

use crate::domain::max_pods::{CapacityOptions, MaxPodsOverride};
use crate::domain::reserved::ReserveOverrides;
use std::path::PathBuf;

/// Invalid settings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A file contains an error.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file that `--config` names does not exist. The other settings files are optional.
    #[error("{} does not exist", .0.display())]
    NoSuchFile(PathBuf),
    /// An environment variable has a value that its setting does not accept.
    #[error("variable {name} is invalid: {reason}")]
    Variable {
        /// Name of the variable.
        name: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// An environment variable starts with `ENI_BOOTSTRAP_` and is not a setting.
    #[error("variable {name} is not a setting")]
    UnknownVariable {
        /// Name of the variable.
        name: String,
        /// The most similar variable that is a setting.
        nearest: Option<String>,
    },
}

impl SettingsError {
    /// Returns what the operator does next.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoSuchFile(_) => "correct the path, or remove `--config`".to_owned(),
            Self::File(FileError { nearest: Some(nearest), .. })
            | Self::UnknownVariable { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?")
            }
            _ => "see /usr/lib/eni-bootstrap/50-defaults.toml for every setting".to_owned(),
        }
    }
}

impl EniConfigSettings {
    /// Returns the label that holds the ENIConfig name.
    #[must_use]
    pub fn label(&self) -> EniConfigLabel {
        self.label.clone().unwrap_or_default()
    }
}

impl PodsSettings {
    /// Returns the options of the max-pods calculation.
    #[must_use]
    pub fn capacity_options(&self) -> CapacityOptions {
        let value = self.max();
        CapacityOptions {
            ceiling: self.ceiling(),
            max_pods_override: (value > 0).then_some(MaxPodsOverride::Setting { value }),
            extra: self.extra(),
        }
    }
}

impl ReserveSettings {
    /// Returns the reserves that replace computed ones.
    #[must_use]
    pub fn overrides(&self) -> ReserveOverrides {
        let Self { cpu, memory, ephemeral_storage } = self.clone();
        ReserveOverrides { cpu, memory, ephemeral_storage }
    }
}

#[cfg(test)]
mod tests;
