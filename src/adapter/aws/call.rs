//! One AWS API call with a time limit, and the errors that all services share.

use super::AwsError;
use super::credentials_problem::CredentialsProblem;
use super::error_response::ErrorResponse;
use super::role_credentials;
use crate::adapter::rejected_certificate::RejectedCertificate;
use crate::adapter::{Deadline, Transient};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use eni_core::failure::{Advice, ExitCode};
use std::borrow::Cow;
use std::error::Error;
use std::time::Duration;

/// The time limit of one attempt. A page of 100 instance types is about 300 kB.
const ATTEMPT: Duration = Duration::from_secs(20);

/// The help for a call without AWS credentials.
pub(crate) const CREDENTIALS: &str = "attach an instance profile to the instance, or set AWS_PROFILE, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

/// The help for a service that throttles or fails.
const SERVICE: &str =
    "run the command again later; https://health.aws.amazon.com lists failures of AWS services";

/// The help for a service that does not respond.
const NETWORK_PATH: &str = "check the AWS region and the network path to its API: NAT gateway or VPC endpoint, security groups, HTTPS_PROXY";

/// The help for a response that is not one of the API.
pub(super) const INVALID_RESPONSE: &str = "check which server responds at the endpoint of the API, for example a proxy that requires a login";

type BoxError = Box<dyn Error + Send + Sync>;

/// A failed AWS API call. `action` is the IAM action, such as `ec2:DescribeSubnets`.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// IAM denied the call.
    #[error("access denied for {action}")]
    AccessDenied { action: &'static str, source: ErrorResponse },
    /// The default credential provider chain found no credentials.
    #[error("no AWS credentials found for {action}")]
    NoCredentials { action: &'static str, source: BoxError },
    /// There was no response in time, or the service is throttling or failing.
    #[error("no successful response for {action}")]
    Unavailable {
        action: &'static str,
        /// The transport error, or the [`ErrorResponse`].
        source: BoxError,
    },
    /// The response is not one of this API.
    #[error("invalid response for {action}")]
    InvalidResponse { action: &'static str, source: ErrorResponse },
    /// The service rejected the time of the request: the clock of this machine is wrong.
    #[error("AWS rejected the time of the request for {action}")]
    Clock { action: &'static str, source: ErrorResponse },
    /// The service rejected the request.
    #[error("{action} failed")]
    Rejected { action: &'static str, source: ErrorResponse },
    /// The SDK rejected the request before sending it.
    #[error("failed to build the request for {action}")]
    Request { action: &'static str, source: BoxError },
    /// The AWS client cannot be created.
    #[error(transparent)]
    Aws(#[from] AwsError),
}

/// Returns the help for a call that IAM denies.
pub(crate) fn access_denied_help(action: &str) -> String {
    format!(
        "allow `{action}` in the IAM policy of this role or user; /usr/share/eni-bootstrap/iam-policy.json contains every action"
    )
}

impl CallError {
    /// Returns whether the service itself throttles or fails.
    #[must_use]
    pub fn is_of_service(&self) -> bool {
        matches!(self, Self::Unavailable { source, .. } if source.is::<ErrorResponse>())
    }

    /// Returns why the client rejected the certificate of the service, if it did.
    pub(crate) fn rejected_certificate(&self) -> Option<RejectedCertificate> {
        match self {
            Self::Unavailable { source, .. } => RejectedCertificate::of(source.as_ref()),
            _ => None,
        }
    }
}

impl Advice for CallError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::AccessDenied { action, .. } => access_denied_help(action).into(),
            Self::NoCredentials { source, .. } => credentials_error(source.as_ref())
                .map_or(CREDENTIALS, |error| CredentialsProblem::of(error).help(CREDENTIALS))
                .into(),
            Self::InvalidResponse { .. } => INVALID_RESPONSE.into(),
            Self::Clock { .. } => {
                "set the clock of the instance: run `chronyc makestep`, and check its time source with `chronyc sources` (Amazon Time Sync Service: 169.254.169.123)".into()
            }
            error if error.is_of_service() => SERVICE.into(),
            Self::Unavailable { .. } => {
                self.rejected_certificate().map_or(NETWORK_PATH, RejectedCertificate::help_of_aws).into()
            }
            Self::Rejected { .. } | Self::Request { .. } => {
                "check the AWS region and the endpoint URL of the API".into()
            }
            Self::Aws(error) => error.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NoCredentials { source, .. } => credentials_error(source.as_ref())
                .map_or(ExitCode::PermissionDenied, |it| CredentialsProblem::of(it).exit_code()),
            Self::AccessDenied { .. } => ExitCode::PermissionDenied,
            Self::Unavailable { .. } | Self::Clock { .. } => ExitCode::Unavailable,
            Self::InvalidResponse { .. } | Self::Rejected { .. } | Self::Request { .. } => {
                ExitCode::InvalidData
            }
            Self::Aws(error) => error.exit_code(),
        }
    }
}

impl Transient for CallError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Clock { .. } | Self::InvalidResponse { .. } => true,
            Self::NoCredentials { source, .. } => {
                credentials_error(source.as_ref()).is_some_and(role_credentials::is_transient)
            }
            _ => false,
        }
    }
}

/// No response within the time limit.
#[derive(Debug, thiserror::Error)]
#[error("no response within {:.1} s", .0.as_secs_f32())]
struct NoResponse(Duration);

/// Waits for the response of one call, at most until `deadline` and at most 20 seconds.
///
/// The request is boxed because the futures of the SDK are large.
pub fn call<T, E>(
    action: &'static str,
    deadline: Deadline,
    request: impl Future<Output = Result<T, SdkError<E>>>,
) -> impl Future<Output = Result<T, CallError>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let attempt = deadline.at_most(ATTEMPT);
    let request = Box::pin(tokio::time::timeout(attempt, request));
    async move {
        match request.await {
            Ok(response) => response.map_err(|error| classify(action, error)),
            Err(_) => Err(CallError::Unavailable { action, source: NoResponse(attempt).into() }),
        }
    }
}

fn classify<E>(action: &'static str, error: SdkError<E>) -> CallError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    if let SdkError::ServiceError(service) = &error {
        let source = ErrorResponse::new(service.raw().status().as_u16(), service.err());
        return if source.is_invalid() {
            CallError::InvalidResponse { action, source }
        } else if source.is_about_time() {
            CallError::Clock { action, source }
        } else if source.is_transient() {
            CallError::Unavailable { action, source: source.into() }
        } else if source.is_denial() {
            CallError::AccessDenied { action, source }
        } else {
            CallError::Rejected { action, source }
        };
    }
    let is_unsent = matches!(error, SdkError::ConstructionFailure(_));
    match without_wrappers(error) {
        source if credentials_error(source.as_ref()).is_some() => {
            CallError::NoCredentials { action, source }
        }
        source if is_unsent => CallError::Request { action, source },
        source => CallError::Unavailable { action, source },
    }
}

/// Returns the cause inside of the SDK's wrappers, whose messages ("dispatch failure", "io error")
/// add nothing.
fn without_wrappers<E: Error + Send + Sync + 'static>(error: SdkError<E>) -> BoxError {
    let source = error.into_source().unwrap_or_else(Into::into);
    match source.downcast::<ConnectorError>() {
        Ok(connector) => connector.into_source(),
        Err(source) => source,
    }
}

/// Returns the failure to load credentials that caused `error`.
fn credentials_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a CredentialsError> {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.into_iter().find_map(<dyn Error>::downcast_ref)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::error::ErrorMetadata;
    use aws_smithy_runtime_api::http::{Response, StatusCode};
    use eni_core::failure::one_line;

    fn rejected(status: u16, code: &str) -> CallError {
        let status = StatusCode::try_from(status).unwrap();
        let error = ErrorMetadata::builder().code(code).message("why").build();
        let response = Response::new(status, "".into());
        classify("ec2:DescribeSubnets", SdkError::service_error(error, response))
    }

    #[test]
    fn the_error_code_determines_message_exit_code_and_retry() {
        for (status, code, text, exit_code, is_transient) in [
            (
                403,
                "UnauthorizedOperation",
                "access denied for ec2:DescribeSubnets: UnauthorizedOperation: why",
                ExitCode::PermissionDenied,
                false,
            ),
            (
                401,
                "AuthFailure",
                "access denied for ec2:DescribeSubnets: AuthFailure: why",
                ExitCode::PermissionDenied,
                false,
            ),
            (
                400,
                "RequestExpired",
                "AWS rejected the time of the request for ec2:DescribeSubnets: RequestExpired: why",
                ExitCode::Unavailable,
                true,
            ),
            (
                502,
                "SomethingElse",
                "no successful response for ec2:DescribeSubnets: SomethingElse: why",
                ExitCode::Unavailable,
                true,
            ),
            (
                503,
                "RequestLimitExceeded",
                "no successful response for ec2:DescribeSubnets: RequestLimitExceeded: why",
                ExitCode::Unavailable,
                true,
            ),
            (
                400,
                "InvalidParameterValue",
                "ec2:DescribeSubnets failed: InvalidParameterValue: why",
                ExitCode::InvalidData,
                false,
            ),
        ] {
            let error = rejected(status, code);
            assert_eq!(one_line(&error), text);
            assert_eq!((error.exit_code(), error.is_transient()), (exit_code, is_transient));
        }
    }

    #[test]
    fn the_message_omits_the_wrappers_of_the_sdk() {
        let refused = std::io::Error::other("connection refused");
        let error: SdkError<ErrorMetadata> =
            SdkError::dispatch_failure(ConnectorError::io(refused.into()));
        let error = classify("ec2:DescribeSubnets", error);
        assert_eq!(
            one_line(&error),
            "no successful response for ec2:DescribeSubnets: connection refused"
        );
        let nothing = CredentialsError::not_loaded("no instance profile");
        let error: SdkError<ErrorMetadata> =
            SdkError::dispatch_failure(ConnectorError::other(nothing.into(), None));
        let error = classify("ec2:DescribeSubnets", error);
        assert_eq!(error.exit_code(), ExitCode::PermissionDenied);
        assert_eq!(
            one_line(&error),
            "no AWS credentials found for ec2:DescribeSubnets: the credential provider was not enabled: no instance profile"
        );
    }
}
