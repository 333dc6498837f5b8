//! Facts + settings → what this node should be. Pure, so `plan` on the command line is exact.

use crate::domain::eni_config::{EniConfigName, NoName};
use crate::domain::kubelet::Kubelet;
use crate::domain::label::{self, InvalidLabel, LabelKey, LabelValue, Labels};
use crate::domain::max_pods::{self, Capacity, NoCapacity};
use crate::domain::reserved::Reserved;
use crate::facts::{Facts, Instance};
use crate::host::Change;
use crate::settings::Settings;
use std::path::PathBuf;

/// Everything that `apply` will do and `wait` will wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The pod count, and its sum.
    pub capacity: Capacity,
    /// What the kubelet is told.
    pub kubelet: Kubelet,
    /// The same, as this image wants to hear it.
    pub changes: Vec<Change>,
    /// What to wait for; none without custom networking.
    pub wait: Option<Awaited>,
}

/// The ENIConfig to wait for, and where to ask for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Awaited {
    /// Its name.
    pub name: EniConfigName,
    /// Where, or why that is not known: a plan can be shown without it, and a run needs it.
    pub cluster: Result<ClusterAccess, PlanError>,
}

/// How the cluster is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterAccess {
    /// As a kubeconfig says, its user included.
    Kubeconfig(PathBuf),
    /// As the node itself, by a token for this cluster.
    Node {
        /// The cluster's name, which the token is bound to.
        name: String,
        /// The API server's URL.
        endpoint: String,
        /// PEM in base64.
        certificate_authority: String,
    },
}

/// Why no plan exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// No pod could ever get an address.
    #[error("no pod could ever get an address on {instance_type}")]
    NoCapacity {
        /// Such as `m5.large`.
        instance_type: String,
        /// Why not.
        source: NoCapacity,
    },
    /// The ENIConfig's name cannot be made here.
    #[error("the ENIConfig's name cannot be made from eni-config.name")]
    NoName(#[from] NoName),
    /// A fact that should be a label is not one.
    #[error("the node cannot be labelled")]
    Label(#[from] InvalidLabel),
    /// Two sources want one label to say different things.
    #[error("the label {key} cannot be both {one:?} and {other:?}")]
    LabelClash {
        /// The label.
        key: String,
        /// What the machine or the ENIConfig says.
        one: String,
        /// What the settings say.
        other: String,
    },
    /// There is an ENIConfig to wait for, and no cluster to ask.
    #[error("it is not known where the cluster's API server is: {} missing", missing.join(", "))]
    NoCluster {
        /// The settings that would say it.
        missing: Vec<&'static str>,
    },
}

impl PlanError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::NoCapacity { source, .. } => source.help(),
            Self::NoName(NoName::Unknown(_)) => {
                "use another field; for {tag:KEY} allow tags in instance metadata (InstanceMetadataTags=enabled)"
            }
            Self::NoName(NoName::Invalid(_)) | Self::Label(_) => {
                "set eni-config.name so that it makes lower-case letters, digits, dots and dashes, at most 63"
            }
            Self::LabelClash { .. } => {
                "remove the label from [labels], or give eni-config.label another key (\"\" where the zone label serves)"
            }
            Self::NoCluster { .. } => {
                "put a NodeConfig in user data, or set cluster.name, cluster.endpoint and cluster.certificate-authority, or cluster.kubeconfig"
            }
        }
    }
}

/// Decides what this node should be.
pub fn plan(facts: &Facts, settings: &Settings) -> Result<Plan, PlanError> {
    let Facts { instance, limits, machine, host, .. } = facts;
    let capacity =
        max_pods::capacity(&limits.limits, settings.cni, settings.pods).map_err(|source| {
            PlanError::NoCapacity { instance_type: instance.instance_type.to_string(), source }
        })?;
    let eni_config = settings
        .cni
        .custom_networking
        .then(|| settings.eni_config_name.fill(|field| instance.value(field)))
        .transpose()?;
    let cpus = machine.map_or(limits.limits.row.vcpus, |machine| machine.cpus);
    let kubelet = Kubelet {
        max_pods: capacity.max_pods,
        kube_reserved: Reserved::of(cpus, capacity.max_pods, &settings.reserve),
        node_labels: labels(instance, settings, eni_config.as_ref())?,
    };
    let changes = host.host.render(&kubelet);
    let wait = eni_config.map(|name| Awaited { name, cluster: cluster(facts, settings) });
    Ok(Plan { capacity, kubelet, changes, wait })
}

/// Zone and region always, the ENIConfig's label where there is one, and what was asked for.
fn labels(
    instance: &Instance,
    settings: &Settings,
    eni_config: Option<&EniConfigName>,
) -> Result<Labels, PlanError> {
    let mut labels = Labels::default();
    let mut set = |key: LabelKey, value: LabelValue| match labels.get(&key) {
        Some(present) if *present != value => Err(PlanError::LabelClash {
            key: key.to_string(),
            one: present.to_string(),
            other: value.to_string(),
        }),
        _ => {
            labels.insert(key, value);
            Ok(())
        }
    };
    set(label::ZONE.parse()?, instance.zone.as_str().parse()?)?;
    set(label::REGION.parse()?, instance.region.as_str().parse()?)?;
    if let (Some(name), Some(key)) = (eni_config, &settings.eni_config_label) {
        set(key.clone(), name.as_str().parse()?)?;
    }
    for (key, value) in settings.labels.iter() {
        set(key.clone(), value.clone())?;
    }
    Ok(labels)
}

/// Settings first, key by key, then the `NodeConfig` in user data.
fn cluster(facts: &Facts, settings: &Settings) -> Result<ClusterAccess, PlanError> {
    if let Some(path) = &settings.cluster.kubeconfig {
        return Ok(ClusterAccess::Kubeconfig(path.clone()));
    }
    let found = facts.node_config.clone().unwrap_or_default();
    let said = settings.cluster.clone();
    let name = said.name.or(found.name);
    let endpoint = said.endpoint.or(found.api_server_endpoint);
    let certificate_authority = said.certificate_authority.or(found.certificate_authority);
    match (name, endpoint, certificate_authority) {
        (Some(name), Some(endpoint), Some(certificate_authority)) => {
            Ok(ClusterAccess::Node { name, endpoint, certificate_authority })
        }
        (name, endpoint, certificate_authority) => {
            let missing = [
                ("cluster.name", name.is_none()),
                ("cluster.endpoint", endpoint.is_none()),
                ("cluster.certificate-authority", certificate_authority.is_none()),
            ];
            let missing = missing.into_iter().filter_map(|(key, is)| is.then_some(key)).collect();
            Err(PlanError::NoCluster { missing })
        }
    }
}

#[cfg(test)]
mod tests;
