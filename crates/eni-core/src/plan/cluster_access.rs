//! Where the cluster is: what was set by hand, then the sources on the machine, then EKS itself.

use super::PlanError;
use crate::facts::Facts;
use crate::host::cluster_hints::{ClusterSource, Said};
use crate::settings::Settings;
use std::path::PathBuf;

/// How the cluster is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterAccess {
    /// As a kubeconfig says, its user included.
    Kubeconfig(PathBuf),
    /// As the node itself, by a token for this cluster.
    Node(NamedCluster),
    /// As the node itself; EKS says where the cluster of this name is.
    AskEks {
        /// The cluster's name.
        name: String,
    },
}

/// A cluster, and who said where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedCluster {
    /// The cluster's name, or the id of one on an Outpost: what the token is bound to.
    pub name: String,
    /// The API server's URL.
    pub endpoint: String,
    /// PEM in base64.
    pub certificate_authority: String,
    /// Who said so.
    pub source: ClusterSource,
}

/// Settings first, key by key; what they leave open is taken whole from the first source that has
/// it, so that no cluster's name meets another one's address.
pub fn access(facts: &Facts, settings: &Settings) -> Result<ClusterAccess, PlanError> {
    let said = &settings.cluster;
    if let Some(path) = &said.kubeconfig {
        return Ok(ClusterAccess::Kubeconfig(path.clone()));
    }
    if let (Some(name), Some(endpoint), Some(certificate_authority)) =
        (&said.name, &said.endpoint, &said.certificate_authority)
    {
        return Ok(ClusterAccess::Node(NamedCluster {
            name: name.clone(),
            endpoint: endpoint.clone(),
            certificate_authority: certificate_authority.clone(),
            source: ClusterSource::Settings,
        }));
    }
    let mut a_name = said.name.clone();
    for told in &facts.told {
        let found = match &told.said {
            // Settings that name a cluster mean that one, and not this file's.
            Said::Whole(path) if said.name.is_none() => {
                return Ok(ClusterAccess::Kubeconfig(path.clone()));
            }
            Said::Whole(_) | Said::PassedOver(_) => continue,
            Said::Cluster(found) => found,
        };
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let found_name = given(&found.id).or_else(|| given(&found.name));
        if said.name.is_some() && found_name.is_some() && said.name != found_name {
            continue;
        }
        let name = said.name.clone().or(found_name);
        let endpoint = said.endpoint.clone().or_else(|| given(&found.api_server_endpoint));
        let authority =
            said.certificate_authority.clone().or_else(|| given(&found.certificate_authority));
        if let (Some(name), Some(endpoint), Some(certificate_authority)) =
            (&name, endpoint, authority)
        {
            let (name, source) = (name.clone(), told.source);
            return Ok(ClusterAccess::Node(NamedCluster {
                name,
                endpoint,
                certificate_authority,
                source,
            }));
        }
        a_name = a_name.or(name);
    }
    // An endpoint set by hand may be a private one: EKS must not replace it.
    match a_name {
        Some(name) if said.endpoint.is_none() && said.certificate_authority.is_none() => {
            Ok(ClusterAccess::AskEks { name })
        }
        name => {
            let missing = [
                ("cluster.name", name.is_none()),
                ("cluster.endpoint", said.endpoint.is_none()),
                ("cluster.certificate-authority", said.certificate_authority.is_none()),
            ];
            let missing = missing.into_iter().filter_map(|(key, is)| is.then_some(key)).collect();
            Err(PlanError::NoCluster { missing })
        }
    }
}

#[cfg(test)]
mod tests;
