//! The credentials of the default provider chain, and which of their errors a retry can resolve.

use super::error_response::ErrorResponse;
use super::role_response::InvalidRoleResponse;
use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_config::imds::client::error::ImdsError;
use aws_config::meta::ProviderChainError;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, Result, future};
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use eni_core::failure::one_line;
use std::error::Error;

/// The name of the instance metadata provider in the default chain.
const INSTANCE_METADATA: &str = "Ec2InstanceMetadata";
/// The SDK's texts for a 404, and for instance metadata that it must not use.
const NOT_FOUND: &str = "received 404";
const DISABLED: &str = "IMDS disabled";

/// Instance metadata has no role credentials yet, or the instance has no instance profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoRoleCredentials {
    /// HTTP 404 for the list of roles.
    #[error(
        "the instance metadata service has no role credentials (HTTP status 404 for latest/meta-data/iam/security-credentials/)"
    )]
    NotFound,
    /// The service was reachable when this command started.
    #[error("the instance metadata service is unreachable")]
    Unreachable,
    /// Another HTTP status. The error of the SDK contains the complete response.
    #[error("the instance metadata service returned HTTP status {0} for the role credentials")]
    Status(u16),
    /// The list of roles or the credentials of the role are invalid.
    #[error(transparent)]
    Invalid(#[from] InvalidRoleResponse),
}

/// STS returned an error or an invalid response. The error of the SDK contains debug output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("STS returned an error")]
pub(super) struct StsError(#[source] pub ErrorResponse);

/// The default chain. Its error tells role credentials that may arrive later from credentials that are
/// not configured.
#[derive(Debug)]
pub(super) struct ChainCredentials {
    pub chain: DefaultCredentialsChain,
    /// Whether this command has read instance metadata before.
    pub is_instance: bool,
}

impl ProvideCredentials for ChainCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.chain.fallback_on_interrupt()
    }
}

impl ChainCredentials {
    async fn credentials(&self) -> Result {
        let error = match self.chain.provide_credentials().await {
            Ok(credentials) => return Ok(credentials),
            Err(error) => error,
        };
        let reason = no_role_credentials(&error, self.is_instance).or_else(|| imds_error(&error));
        Err(match (reason, sts_response(&error)) {
            (Some(reason), _) => CredentialsError::provider_error(reason),
            (None, Some(response)) => CredentialsError::provider_error(StsError(response)),
            (None, None) => error,
        })
    }
}

/// Returns why instance metadata, the last provider of the chain, has no credentials. Returns `None`
/// if the reason is not temporary.
fn no_role_credentials(error: &CredentialsError, is_instance: bool) -> Option<NoRoleCredentials> {
    let chain = error.source()?.downcast_ref::<ProviderChainError<CredentialsError>>()?;
    let attempt = chain.attempts().iter().find(|attempt| attempt.name() == INSTANCE_METADATA)?;
    match one_line(attempt.error()) {
        text if text.contains(NOT_FOUND) => Some(NoRoleCredentials::NotFound),
        text if text.contains(DISABLED) => None,
        _ => is_instance.then_some(NoRoleCredentials::Unreachable),
    }
}

/// Returns the error of instance metadata for the role credentials.
fn imds_error(error: &CredentialsError) -> Option<NoRoleCredentials> {
    let invalid = causes(error).find_map(<dyn Error>::downcast_ref::<InvalidRoleResponse>);
    let status = causes(error).find_map(|cause| match cause.downcast_ref::<ImdsError>()? {
        ImdsError::ErrorResponse(context) => Some(context.response().status().as_u16()),
        _ => None,
    });
    invalid.copied().map(Into::into).or(status.map(NoRoleCredentials::Status))
}

/// Returns the causes of an error.
pub(super) fn causes(error: &CredentialsError) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| (*error).source())
}

/// Returns whether a retry may load credentials. Credentials that are not configured, or not
/// correctly, and a role that STS denies stay missing.
pub(crate) fn is_transient(error: &CredentialsError) -> bool {
    match error {
        CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_) => {
            false
        }
        _ => sts_response(error)
            .is_none_or(|it| it.is_invalid() || it.is_transient() || it.is_about_time()),
    }
}

/// Returns the error response of STS, if the credentials come from there.
pub(super) fn sts_response(error: &CredentialsError) -> Option<ErrorResponse> {
    causes(error).find_map(|cause| {
        let of_chain = cause.downcast_ref::<StsError>().map(|StsError(response)| response.clone());
        of_chain
            .or_else(|| response::<AssumeRoleError>(cause))
            .or_else(|| response::<AssumeRoleWithWebIdentityError>(cause))
    })
}

fn response<E>(cause: &(dyn Error + 'static)) -> Option<ErrorResponse>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let error = cause.downcast_ref::<SdkError<E>>()?;
    let status = error.raw_response()?.status().as_u16();
    error.as_service_error().map(|service| ErrorResponse::new(status, service))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use aws_sdk_sts::error::ErrorMetadata;
    use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
    use aws_smithy_runtime_api::http::StatusCode;

    pub(in super::super) fn sts(status: u16, code: &str) -> CredentialsError {
        let error = ErrorMetadata::builder().code(code).message("why").build();
        let status = StatusCode::try_from(status).unwrap();
        let response = HttpResponse::new(status, "".into());
        let error = AssumeRoleError::generic(error);
        CredentialsError::provider_error(SdkError::service_error(error, response))
    }

    #[test]
    fn role_credentials_are_transient_unless_the_configuration_or_sts_denies_them() {
        for (error, expected) in [
            (CredentialsError::provider_error(NoRoleCredentials::NotFound), true),
            (CredentialsError::unhandled("invalid JSON"), true),
            (CredentialsError::provider_timed_out(std::time::Duration::from_secs(5)), true),
            (CredentialsError::not_loaded_no_source(), false),
            (CredentialsError::invalid_configuration("no trust relationship"), false),
            (sts(503, "ServiceUnavailable"), true),
            (sts(500, "InternalFailure"), true),
            (sts(400, "Throttling"), true),
            (sts(403, "RequestExpired"), true),
            (sts(403, "AccessDenied"), false),
            (sts(200, ""), true),
            (
                CredentialsError::provider_error(NoRoleCredentials::from(
                    InvalidRoleResponse::Name,
                )),
                true,
            ),
        ] {
            assert_eq!(is_transient(&error), expected, "{}", one_line(&error));
        }
    }
}
