//! What was asked for: layers merged key by key, then checked.
//!
//! [`Layer`] is one source as it was written; [`Settings`] is what the program wants to know.

mod layer;
mod text;
mod value;

pub use layer::{
    ClusterLayer, CniLayer, EniConfigLayer, HostLayer, ImdsLayer, Layer, PodsLayer, ReserveLayer,
};
pub use text::{FileError, nearest};
pub use value::ceiling;
pub use value::{CniSource, EniConfigLabel, LabelMap, OnTimeout, Wait};

use crate::domain::cluster::ClusterConfig;
use crate::domain::eni_config::{InvalidTemplate, NameTemplate};
use crate::domain::label::{InvalidLabel, Labels};
use crate::domain::max_pods::Wishes;
use crate::domain::reserved::Overrides;
use crate::error::{Advice, ExitCode};
use crate::host::HostKind;
use crate::host::existing_config::Policy;
use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

/// How long an ENIConfig is waited for. Long enough for a pipeline that creates it beside the node.
const DEFAULT_WAIT: Duration = Duration::from_mins(10);
/// How long the machine may take to say what it is. IMDS answers in milliseconds once the network
/// is up; two minutes is what EKS's own nodeadm gives it.
const DEFAULT_IMDS_WAIT: Duration = Duration::from_mins(2);

/// How long Bottlerocket may take to render the kubelet's files: it takes less than a second.
const DEFAULT_RENDER_WAIT: Duration = Duration::from_secs(30);

/// What was asked for, merged and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where the CNI's settings are taken from.
    pub cni_source: CniSource,
    /// What was said of the CNI by hand.
    pub cni: CniLayer,
    /// How the ENIConfig's name is made.
    pub eni_config_name: NameTemplate,
    /// The label that carries it.
    pub eni_config_label: EniConfigLabel,
    /// Whether its subnet and security groups are compared with EC2.
    pub verify: bool,
    /// How long to wait for the ENIConfig.
    pub wait: Wait,
    /// What a wait in vain comes to.
    pub on_timeout: OnTimeout,
    /// Ceiling, fixed figure, further host-network pods.
    pub pods: Wishes,
    /// What becomes of a max-pods that somebody else has set.
    pub policy: Policy,
    /// Further node labels.
    pub labels: Labels,
    /// Reserves given by hand.
    pub reserve: Overrides,
    /// The fields of the cluster in `[cluster]`. Sources on the instance provide the others.
    pub cluster: ClusterConfig,
    /// A kubeconfig that replaces `cluster` and the node's own credentials.
    pub kubeconfig: Option<PathBuf>,
    /// Which host to write for.
    pub host: HostKind,
    /// How long Bottlerocket may take to render the kubelet's files.
    pub render_wait: Duration,
    /// How long the machine may take to say what it is.
    pub imds_wait: Duration,
}

/// Settings that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A file is wrong.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file that `--config` names is not there; the others need not be.
    #[error("{}: there is no such file", .0.display())]
    NoSuchFile(PathBuf),
    /// A further label is not one.
    #[error("[labels] holds a label that no kubelet takes")]
    Label(#[source] InvalidLabel),
    /// The ENIConfig's label is not one.
    #[error("eni-config.label is not a label that a kubelet takes")]
    EniConfigLabel(#[source] InvalidLabel),
    /// The name's template is not one.
    #[error("eni-config.name cannot be used")]
    EniConfigName(#[source] InvalidTemplate),
    /// An environment variable with a value that its setting does not take.
    #[error("the variable {name} cannot be used: {reason}")]
    Variable {
        /// As it stands in the environment.
        name: String,
        /// What is wrong with its value.
        reason: String,
    },
    /// An environment variable that means nothing, in our name.
    #[error("there is no setting {name}")]
    UnknownVariable {
        /// As it stands in the environment.
        name: String,
        /// The known one most like it.
        nearest: Option<String>,
    },
}

impl Advice for SettingsError {
    fn help(&self) -> Cow<'static, str> {
        let nearest = |nearest: &Option<String>| {
            nearest.as_ref().map(|nearest| format!("did you mean `{nearest}`?"))
        };
        match self {
            Self::NoSuchFile(_) => Some("correct the path, or leave --config out".to_owned()),
            Self::File(error) => nearest(&error.nearest),
            Self::UnknownVariable { nearest: name, .. } => nearest(name),
            _ => None,
        }
        .unwrap_or_else(|| {
            "correct it; /usr/lib/eni-bootstrap/50-defaults.toml explains every key".to_owned()
        })
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        ExitCode::Settings
    }
}

impl Settings {
    /// Fills in what no layer says and checks what they say.
    pub fn from_layer(layer: Layer) -> Result<Self, SettingsError> {
        // Taken apart whole, so that a new key cannot be forgotten here.
        let Layer { cni, eni_config, pods, labels, reserve, cluster, host, imds } = layer;
        let EniConfigLayer { name, label, wait, on_timeout, verify } = eni_config;
        let PodsLayer { ceiling, max, policy, extra } = pods;
        let ReserveLayer { cpu, memory, ephemeral_storage } = reserve;
        let ClusterLayer { name: cluster_name, endpoint, certificate_authority, kubeconfig } =
            cluster;
        let eni_config_label = match label.as_deref() {
            None => EniConfigLabel::OfTheCni,
            Some("") => EniConfigLabel::Nothing,
            Some(key) => EniConfigLabel::Key(key.parse().map_err(SettingsError::EniConfigLabel)?),
        };
        let mut further = Labels::default();
        for (key, value) in labels.unwrap_or_default().0 {
            let key = key.parse().map_err(SettingsError::Label)?;
            further.insert(key, value.parse().map_err(SettingsError::Label)?);
        }
        Ok(Self {
            cni_source: cni.source.unwrap_or_default(),
            // Its source is said above; the same settings must be equal.
            cni: CniLayer { source: None, ..cni },
            eni_config_name: name
                .as_deref()
                .unwrap_or("{zone}")
                .parse()
                .map_err(SettingsError::EniConfigName)?,
            eni_config_label,
            verify: verify.unwrap_or(true),
            wait: wait.unwrap_or(Wait::For(DEFAULT_WAIT)),
            on_timeout: on_timeout.unwrap_or_default(),
            pods: Wishes {
                ceiling: ceiling.unwrap_or_default(),
                fixed: max.filter(|max| *max > 0),
                extra: extra.unwrap_or(0),
            },
            policy: policy.unwrap_or_default(),
            labels: further,
            reserve: Overrides { cpu, memory, ephemeral_storage },
            cluster: ClusterConfig {
                name: cluster_name,
                endpoint,
                certificate_authority,
                id: None,
            },
            kubeconfig,
            host: host.kind.unwrap_or_default(),
            render_wait: host.render_wait.map_or(DEFAULT_RENDER_WAIT, Into::into),
            imds_wait: imds.wait.map_or(DEFAULT_IMDS_WAIT, Into::into),
        })
    }
}

#[cfg(test)]
mod tests;
