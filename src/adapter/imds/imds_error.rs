//! Failed requests to the instance metadata service, their help and their exit codes.

use super::MAX_ITEM_BYTES;
use crate::adapter::Transient;
use eni_core::domain::identifier::InvalidIdentifier;
use eni_core::failure::{Advice, ExitCode};
use reqwest::StatusCode;
use std::borrow::Cow;

/// The help for an invalid endpoint.
pub(crate) const ENDPOINT_HELP: &str = "correct AWS_EC2_METADATA_SERVICE_ENDPOINT or `--imds-endpoint`; the default is http://169.254.169.254";

/// A failed request to the instance metadata service.
#[derive(Debug, thiserror::Error)]
pub enum ImdsError {
    /// There is no response: the network is not up yet, or this is not an EC2 instance.
    #[error("the instance metadata service at {endpoint} is unreachable")]
    Unreachable {
        /// The configured URL.
        endpoint: String,
        source: reqwest::Error,
    },
    /// HTTP 403: instance metadata is disabled for this instance, or a proxy rejected the request.
    #[error("the instance metadata service is disabled (HTTP status 403 for {path})")]
    Disabled { path: String },
    /// The session token contains characters that a header cannot contain. Omits the token.
    #[error("the instance metadata service returned an invalid session token")]
    InvalidToken,
    /// HTTP 401: the service no longer accepts the session token.
    #[error(
        "the instance metadata service rejected the session token (HTTP status 401 for {path})"
    )]
    TokenRejected { path: String },
    /// Any HTTP status other than 200 and, for an item, 404.
    #[error("the instance metadata service returned HTTP status {status} for {path}")]
    UnexpectedStatus { path: String, status: StatusCode },
    /// HTTP 404 for an item that every instance has.
    #[error("the instance metadata service has no {path}")]
    Missing { path: String },
    /// The response exceeds the size limit.
    #[error("the instance metadata service returned more than {MAX_ITEM_BYTES} bytes for {path}")]
    TooLarge { path: String },
    /// The value has the wrong format.
    #[error("the instance metadata service returned an invalid value for {path}")]
    InvalidValue {
        path: String,
        /// The expected format and the value.
        source: InvalidIdentifier,
    },
    /// The endpoint is not a URL, or the HTTP client cannot be created.
    #[error("invalid instance metadata endpoint {endpoint:?}")]
    Endpoint {
        /// The configured URL.
        endpoint: String,
        source: reqwest::Error,
    },
}

impl Advice for ImdsError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Unreachable { .. } => {
                "check that this is an EC2 instance (an EKS hybrid node has no instance metadata and is not supported) and that no firewall blocks 169.254.169.254; in a container, raise the hop limit: `aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2`"
            }
            Self::Disabled { .. } => {
                "run `aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled`"
            }
            Self::Endpoint { .. } => ENDPOINT_HELP,
            error @ Self::UnexpectedStatus { .. } if error.is_transient() => {
                "check that no process on this node sends many requests to 169.254.169.254, and which server responds at the metadata endpoint"
            }
            Self::TokenRejected { .. }
            | Self::InvalidToken
            | Self::UnexpectedStatus { .. }
            | Self::Missing { .. }
            | Self::TooLarge { .. }
            | Self::InvalidValue { .. } => {
                "check which server responds at the metadata endpoint; AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may redirect requests"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Endpoint { .. } => ExitCode::Settings,
            Self::Disabled { .. } => ExitCode::Unavailable,
            Self::Missing { .. } => ExitCode::InvalidData,
            error if error.is_transient() => ExitCode::Unavailable,
            _ => ExitCode::InvalidData,
        }
    }
}

impl Transient for ImdsError {
    fn is_transient(&self) -> bool {
        match self {
            // Early in a boot, the service may not have the item yet.
            Self::Unreachable { .. } | Self::Missing { .. } => true,
            Self::UnexpectedStatus { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }

    fn is_expected(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}
