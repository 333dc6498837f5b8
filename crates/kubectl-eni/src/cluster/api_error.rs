//! A failed request to the API server.

use super::access::{CHECK_API_SERVER, CHECK_NETWORK, NO_CNI, SIGN_IN, denied_help};
use eni_bootstrap::adapter::kubernetes::{KubernetesError, PluginError};
use eni_core::failure::{Advice, ExitCode};
use kube::core::Status;
use std::borrow::Cow;

/// A failed request to the API server.
#[derive(Debug, thiserror::Error)]
#[error("failed to {action}")]
pub struct ApiError {
    /// The action in the imperative, such as `list nodes`.
    pub action: String,
    /// The error of the client or the response of the API server.
    pub source: RequestError,
}

/// The cause of a failed request. The message of [`kube::Error`] repeats the response in its debug format.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The API server returned an error.
    #[error("the API server returned {}: {}", .0.code, .0.message)]
    Status(Box<Status>),
    /// The client ran the exec plugin of the kubeconfig again, and it failed.
    #[error("failed to get credentials from the exec plugin of the kubeconfig")]
    Plugin(#[source] PluginError),
    /// There was no valid response.
    #[error(transparent)]
    Client(kube::Error),
}

impl From<kube::Error> for RequestError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Status(status),
            other => match PluginError::of_client(&other, "the command of the exec plugin") {
                Some(error) => Self::Plugin(error),
                None => Self::Client(other),
            },
        }
    }
}

impl ApiError {
    /// Returns a function that adds `action`, such as `list nodes`, to an error.
    pub fn of(action: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        move |error| Self { action: action.into(), source: error.into() }
    }

    /// Returns the HTTP status of the response; `None` if there was no response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match &self.source {
            RequestError::Status(status) => Some(status.code),
            RequestError::Plugin(_) | RequestError::Client(_) => None,
        }
    }
}

impl Advice for ApiError {
    fn help(&self) -> Cow<'static, str> {
        match &self.source {
            RequestError::Plugin(error) => return KubernetesError::Plugin(error.clone()).help(),
            RequestError::Status(status) => match status.code {
                401 => SIGN_IN,
                403 => denied_help(&status.message),
                404 => NO_CNI,
                _ => CHECK_API_SERVER,
            },
            RequestError::Client(_) => CHECK_NETWORK,
        }
        .into()
    }

    fn exit_code(&self) -> ExitCode {
        match self.status() {
            None if matches!(self.source, RequestError::Plugin(_)) => ExitCode::PermissionDenied,
            Some(401 | 403) => ExitCode::PermissionDenied,
            Some(404) => ExitCode::Settings,
            _ => ExitCode::Unavailable,
        }
    }
}
