//! Decides which cluster to connect to and how: from the settings, the sources on the instance, or
//! EKS.

use super::PlanError;
use super::plan_error::UnusableSources;
use crate::domain::cluster::{Cluster, ClusterConfig, ClusterSource};
use crate::facts::Facts;
use crate::host::HostKind;
use crate::host::cluster_hints::ClusterHint;
use crate::settings::Settings;
use std::fmt;
use std::path::PathBuf;

/// How to connect to the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterAccess {
    /// With a kubeconfig, including its credentials.
    Kubeconfig(PathBuf),
    /// As the node, with a token for this cluster.
    Node(Cluster),
    /// As the node, after `eks:DescribeCluster` has returned the endpoint.
    DescribeCluster { name: String },
}

impl ClusterAccess {
    /// Returns the cluster's name; `None` for a kubeconfig.
    #[must_use]
    pub fn cluster_name(&self) -> Option<&str> {
        match self {
            Self::Kubeconfig(_) => None,
            Self::Node(cluster) => Some(&cluster.name),
            Self::DescribeCluster { name } => Some(name),
        }
    }
}

impl fmt::Display for ClusterAccess {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kubeconfig(path) => {
                write!(formatter, "kubeconfig {} (including its credentials)", path.display())
            }
            Self::Node(cluster) => cluster.fmt(formatter),
            Self::DescribeCluster { name } => {
                write!(formatter, "{name} (source: {})", ClusterSource::Eks)
            }
        }
    }
}

/// Returns how to connect to the cluster.
///
/// Each setting takes precedence over the same field of a source. All fields that the settings
/// leave open come from the same source, the first one that has them, so the name of one cluster is
/// never combined with the endpoint of another.
///
/// # Errors
///
/// [`PlanError::NoCluster`] if no source has the fields that the settings leave open.
pub fn access(facts: &Facts, settings: &Settings) -> Result<ClusterAccess, PlanError> {
    match resolve(settings, &facts.cluster_hints) {
        Ok(access) => Ok(access),
        Err(name) => describe_cluster(facts, &settings.cluster.config(), name),
    }
}

/// Returns the cluster to connect to as the node, if the settings and `hints` alone determine it.
#[must_use]
pub fn known_cluster(settings: &Settings, hints: &[ClusterHint]) -> Option<Cluster> {
    match resolve(settings, hints) {
        Ok(ClusterAccess::Node(cluster)) => Some(cluster),
        _ => None,
    }
}

/// Returns how to connect to the cluster without EKS, or else its name, if that is known.
fn resolve(settings: &Settings, hints: &[ClusterHint]) -> Result<ClusterAccess, Option<String>> {
    if let Some(path) = &settings.cluster.kubeconfig {
        return Ok(ClusterAccess::Kubeconfig(path.clone()));
    }
    let set = &settings.cluster.config();
    if let Some(cluster) = set.clone().complete(ClusterSource::Settings) {
        return Ok(ClusterAccess::Node(cluster));
    }
    let mut name = set.name.clone();
    for hint in hints {
        let (source, config) = match hint {
            // If the settings name a cluster, a kubeconfig may belong to another one.
            ClusterHint::Kubeconfig(path) if set.name.is_none() => {
                return Ok(ClusterAccess::Kubeconfig(path.clone()));
            }
            ClusterHint::Kubeconfig(_) | ClusterHint::Skipped { .. } => continue,
            ClusterHint::Config { source, config } => {
                (*source, config.clone().without_empty_fields())
            }
        };
        let described = config.token_name().map(str::to_owned);
        if set.name.is_some() && described.is_some() && set.name != described {
            continue;
        }
        if let Some(cluster) = set.clone().or(config).complete(source) {
            return Ok(ClusterAccess::Node(cluster));
        }
        name = name.or(described);
    }
    Err(name)
}

/// Returns the sources that exist but are unusable, for the error; `None` without such a source.
fn unusable_sources(facts: &Facts) -> Option<UnusableSources> {
    let reason = |hint: &ClusterHint| match hint {
        ClusterHint::Skipped { source, reason } => Some(format!("{source} skipped: {reason}")),
        ClusterHint::Config { .. } | ClusterHint::Kubeconfig(_) => None,
    };
    let reasons: Vec<String> = facts.cluster_hints.iter().filter_map(reason).collect();
    (!reasons.is_empty()).then_some(UnusableSources(reasons))
}

/// Returns access by `eks:DescribeCluster`, unless the settings contain an endpoint or a
/// certificate authority: the endpoint may be a private one, which EKS must not replace.
fn describe_cluster(
    facts: &Facts,
    set: &ClusterConfig,
    name: Option<String>,
) -> Result<ClusterAccess, PlanError> {
    match name {
        Some(name) if set.endpoint.is_none() && set.certificate_authority.is_none() => {
            Ok(ClusterAccess::DescribeCluster { name })
        }
        name => {
            let fields = [
                ("cluster.name", name.is_none()),
                ("cluster.endpoint", set.endpoint.is_none()),
                ("cluster.certificate-authority", set.certificate_authority.is_none()),
            ];
            let missing = fields.into_iter().filter_map(|(key, is)| is.then_some(key)).collect();
            let is_bottlerocket = facts.host.kind == HostKind::Bottlerocket;
            let source = unusable_sources(facts);
            Err(PlanError::NoCluster { missing, source, is_bottlerocket })
        }
    }
}

#[cfg(test)]
mod tests;
