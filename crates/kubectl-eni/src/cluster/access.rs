//! The help for a person or a job whose request the API server does not accept.

use eni_bootstrap::adapter::kubernetes::KubernetesError;
use std::borrow::Cow;

/// The help for 401.
pub(super) const SIGN_IN: &str =
    "sign in again, or check the user of the kubeconfig: `kubectl auth whoami`";
/// The help for a resource type that does not exist.
pub(super) const NO_CNI: &str = "install the VPC CNI, or select another cluster with `--context`";
/// The help for 5xx and invalid responses.
pub(super) const CHECK_API_SERVER: &str = "check the API server: `kubectl get --raw /readyz`";
/// The help if there is no response.
pub(super) const CHECK_NETWORK: &str =
    "check the network path to the API server: `kubectl version`";

/// Returns the help for 403 with this message of the API server, which contains the name of the user. The plugin runs with
/// the groups of a person, or in a pod with the roles of its `ServiceAccount`.
pub(super) fn denied_help(message: &str) -> &'static str {
    if message.contains("User \"system:serviceaccount:") {
        "apply packaging/kubectl-eni/audit-cronjob.yaml again, or upgrade the Helm chart; the roles of the ServiceAccount must contain this permission"
    } else if message.contains("cannot get resource \"eniconfigs\"") || is_write(message) {
        "ask a cluster administrator to apply packaging/rbac-operator.yaml, or to set `operators.rbac.apply=true` in the Helm chart, and to add you to the group kubectl-eni; `kubectl auth whoami` prints your groups"
    } else {
        "ask a cluster administrator to apply packaging/rbac-operator.yaml, or to set `operators.rbac.create=true` in the Helm chart, and to add you to the group kubectl-eni; `kubectl auth whoami` prints your groups"
    }
}

/// Returns whether the denied request changes an object.
fn is_write(message: &str) -> bool {
    ["cannot create resource", "cannot patch resource"].iter().any(|it| message.contains(it))
}

/// Returns the help for the failed request of a person or a job. The help of [`KubernetesError`] itself is for nodes.
pub(crate) fn access_help(error: &KubernetesError) -> &'static str {
    match error {
        KubernetesError::Forbidden(message) => denied_help(message),
        KubernetesError::Unauthorized => SIGN_IN,
        KubernetesError::NoResourceType => NO_CNI,
        KubernetesError::Unreachable(_) => CHECK_NETWORK,
        _ => CHECK_API_SERVER,
    }
}

/// Returns the help for a `ConfigMap` of the `DaemonSet` aws-node that RBAC does not allow to read.
pub(crate) fn config_map_help(config_map: &str) -> Cow<'static, str> {
    format!(
        "ask a cluster administrator for the permission to get ConfigMap {config_map} in namespace kube-system: add its name to `operators.rbac.configMaps` of the Helm chart, or to the Role in packaging/rbac-operator.yaml"
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_depends_on_the_user_and_on_the_request() {
        let help = |user: &str, request: &str| {
            denied_help(&format!("a is forbidden: User \"{user}\" cannot {request} in API group"))
        };
        let read = help("operator", "list resource \"nodes\"");
        assert!(read.contains("`operators.rbac.create=true`"), "{read}");
        for request in ["get resource \"eniconfigs\"", "patch resource \"eniconfigs\""] {
            let write = help("operator", request);
            assert!(write.contains("`operators.rbac.apply=true`"), "{write}");
        }
        let job = help("system:serviceaccount:kube-system:eni-audit", "list resource \"nodes\"");
        assert!(job.starts_with("apply packaging/kubectl-eni/audit-cronjob.yaml again"), "{job}");
    }
}
