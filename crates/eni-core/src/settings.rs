//! Settings: one definition, and their values from files, environment variables and flags.
//!
//! ```text
//! definition     every setting with its default and its documentation
//! table          the types and the documentation that follow from the definition
//! documentation  the texts about the settings
//! flags          the flags and environment variables
//! reference      packaging/50-defaults.toml
//! value          types of single settings
//! basis          the values of reserve.basis
//! time_limit     time limits that also accept a word
//! text           settings files
//! ```

mod basis;
mod definition;
mod documentation;
mod flags;
mod labels;
mod reference;
mod table;
mod text;
mod time_limit;
mod value;

pub use basis::ReserveBasis;
pub use definition::{
    ClusterSettings, CniSettings, EniConfigSettings, FallbackSettings, HostSettings, ImdsSettings,
    MetricsSettings, PodsSettings, ReserveSettings, RetrySettings, Settings,
};
pub use documentation::Documentation;
pub use reference::reference;
pub use table::{Section, Setting, all, sections};
pub use text::FileError;
pub use value::{
    CniSource, EniConfigLabel, InvalidCeiling, InvalidDuration, InvalidLabels, LabelMap,
    OnFullSubnet, OnTimeout, TimeSpan, Wait,
};

pub use time_limit::{FallbackWait, RetryLimit, Timeout};

use crate::domain::capacity::{CapacityOptions, MaxPodsOverride, NodeNetwork};
use crate::domain::cluster::ClusterConfig;
use crate::domain::label::SET_BY_THE_KUBELET;
use crate::domain::reserved::ReserveOverrides;
use crate::failure::{Advice, ExitCode};
use std::borrow::Cow;
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
    #[error("environment variable {name} is invalid: {reason}")]
    Variable {
        name: String,
        /// What is wrong with the value.
        reason: String,
    },
    /// An environment variable starts with `ENI_BOOTSTRAP_` and is not a setting.
    #[error("unknown environment variable {name}")]
    UnknownVariable {
        name: String,
        /// The most similar variable that is a setting.
        nearest: Option<String>,
    },
}

impl Advice for SettingsError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::NoSuchFile(_) => "correct the path, or remove `--config`".into(),
            Self::File(FileError { nearest: Some(nearest), .. })
            | Self::UnknownVariable { nearest: Some(nearest), .. } => {
                format!("did you mean `{nearest}`?").into()
            }
            Self::File(FileError { reason, .. }) | Self::Variable { reason, .. }
                if reason.contains(SET_BY_THE_KUBELET) =>
            {
                "remove the label, or use your own key, such as example.com/team".into()
            }
            _ => "see /usr/lib/eni-bootstrap/50-defaults.toml for every setting".into(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Settings
    }
}

impl ClusterSettings {
    /// Returns the fields of the cluster. Sources on the instance provide the fields that are
    /// `None`.
    #[must_use]
    pub fn config(&self) -> ClusterConfig {
        let Self { name, endpoint, certificate_authority, kubeconfig: _ } = self.clone();
        let config = ClusterConfig { name, endpoint, certificate_authority, id: None };
        config.without_empty_fields()
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
        let value = self.max.unwrap_or(0);
        CapacityOptions {
            ceiling: self.ceiling(),
            max_pods_override: (value > 0).then_some(MaxPodsOverride::Setting { value }),
            extra: self.extra(),
            network: NodeNetwork::default(),
        }
    }
}

impl ReserveSettings {
    /// Returns the reserves that replace computed ones.
    #[must_use]
    pub fn overrides(&self) -> ReserveOverrides {
        let Self { cpu, memory, ephemeral_storage, basis: _ } = self.clone();
        ReserveOverrides { cpu, memory, ephemeral_storage }
    }
}

#[cfg(test)]
mod tests;
