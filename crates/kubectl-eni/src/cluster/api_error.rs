//! A failed request to the API server.

use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;

/// A failed request to the API server.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action}")]
pub struct ApiError {
    /// The action in the imperative, such as `list nodes`.
    pub action: String,
    /// The error of the client or the response of the API server.
    pub source: kube::Error,
}

impl ApiError {
    /// Returns a function that adds `action`, such as `list nodes`, to an error.
    pub fn of(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        move |source| Self { action: action.into(), source }
    }

    /// Returns the HTTP status of the response; `None` if there was no response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.source {
            kube::Error::Api(status) => Some(status.code),
            _ => None,
        }
    }
}

impl Advice for ApiError {
    fn help(&self) -> Cow<'static, str> {
        match self.status() {
            Some(401) => "sign in again, or check the user of the kubeconfig: `kubectl auth whoami`",
            Some(403) => {
                "grant this permission: `kubectl apply -f packaging/rbac-operator.yaml` contains every permission"
            }
            Some(404) => "install the VPC CNI, or select another cluster with `--context`",
            Some(_) => "check the API server: `kubectl get --raw /readyz`",
            None => "check the network path to the API server: `kubectl version`",
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self.status() {
            Some(401 | 403) => ExitCode::PermissionDenied,
            Some(404) => ExitCode::Settings,
            _ => ExitCode::Unavailable,
        }
    }
}
