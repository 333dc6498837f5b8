//! The entries of a kubeconfig that the flags select.

use super::{ClusterError, ClusterOptions};
use kube::config::Kubeconfig;

/// Returns the error about the first flag of `options` whose entry does not exist in `kubeconfig`. Without it,
/// kube would send requests without credentials for an unknown user.
pub(super) fn check(options: &ClusterOptions, kubeconfig: &Kubeconfig) -> Result<(), ClusterError> {
    let contexts: Vec<&str> = kubeconfig.contexts.iter().map(|it| it.name.as_str()).collect();
    let clusters: Vec<&str> = kubeconfig.clusters.iter().map(|it| it.name.as_str()).collect();
    let users: Vec<&str> = kubeconfig.auth_infos.iter().map(|it| it.name.as_str()).collect();
    for (kind, selected, existing) in [
        ("context", &options.context, contexts),
        ("cluster", &options.cluster, clusters),
        ("user", &options.user, users),
    ] {
        if let Some(name) = selected.as_ref().filter(|name| !existing.contains(&name.as_str())) {
            return Err(ClusterError::NoEntry { kind, name: name.clone() });
        }
    }
    Ok(())
}
