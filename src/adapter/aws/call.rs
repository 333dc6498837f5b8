//! How a call to AWS goes wrong, the same for every service.

use super::AwsError;
use crate::adapter::{Deadline, Transient};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_ec2::error::{ProvideErrorMetadata, SdkError};
use eni_core::error::{Advice, ExitCode, one_line};
use std::borrow::Cow;
use std::time::Duration;

/// One attempt: a page of a hundred instance types is about 300 kB.
const ATTEMPT: Duration = Duration::from_secs(20);

/// A call to AWS that gave no answer, or no good one.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The node's role may not make it.
    #[error("these credentials may not call {action}: {said}")]
    NotPermitted {
        /// As an IAM policy names it.
        action: &'static str,
        /// What AWS said.
        said: String,
    },
    /// Nobody to ask as.
    #[error("there are no AWS credentials to call {action} with: {why}")]
    NoCredentials {
        /// As an IAM policy names it.
        action: &'static str,
        /// Why not.
        why: String,
    },
    /// It did not answer, or not in time.
    #[error("{action} does not answer: {why}")]
    Unreachable {
        /// As an IAM policy names it.
        action: &'static str,
        /// What happened.
        why: String,
    },
    /// It refused.
    #[error("{action} is refused: {code} {said}")]
    Refused {
        /// As an IAM policy names it.
        action: &'static str,
        /// AWS's own word for it.
        code: String,
        /// What AWS said.
        said: String,
    },
    /// No request could be made.
    #[error("no request to AWS could be made")]
    Aws(#[from] AwsError),
}

/// What to do where there are no AWS credentials.
pub(crate) const CREDENTIALS: &str = "give AWS credentials: an instance role, AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";

impl Advice for CallError {
    fn help(&self) -> Cow<'static, str> {
        match self {
            Self::NotPermitted { action, .. } => {
                format!("allow {action} to these credentials").into()
            }
            Self::NoCredentials { .. } => CREDENTIALS.into(),
            Self::Unreachable { .. } | Self::Refused { .. } => {
                "check the region, the credentials and the endpoint".into()
            }
            Self::Aws(error) => error.help(),
        }
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotPermitted { .. } | Self::NoCredentials { .. } => ExitCode::PermissionDenied,
            Self::Unreachable { .. } => ExitCode::Unavailable,
            Self::Refused { .. } => ExitCode::InvalidData,
            Self::Aws(error) => error.exit_code(),
        }
    }
}

impl Transient for CallError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }
}

/// Waits for the answer to one call, and says what its failure means. The request goes to the heap:
/// the SDK's futures are large, and whoever waits for several would hold them all.
pub fn call<T, E>(
    action: &'static str,
    deadline: Deadline,
    request: impl Future<Output = Result<T, SdkError<E>>>,
) -> impl Future<Output = Result<T, CallError>>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let attempt = deadline.at_most(ATTEMPT);
    let request = Box::pin(tokio::time::timeout(attempt, request));
    async move {
        let late = |_| CallError::Unreachable {
            action,
            why: format!("no answer within {} s", attempt.as_secs()),
        };
        request.await.map_err(late)?.map_err(|error| classified(action, &error))
    }
}

fn classified<E>(action: &'static str, error: &SdkError<E>) -> CallError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let Some(service) = error.as_service_error() else {
        if let Some(why) = credentials_error(error) {
            return CallError::NoCredentials { action, why };
        }
        return match error {
            SdkError::ConstructionFailure(_) => {
                CallError::Refused { action, code: "locally".to_owned(), said: one_line(error) }
            }
            _ => CallError::Unreachable { action, why: one_line(error) },
        };
    };
    // A refusal of the caller is a 403 whatever its body says.
    let forbidden = error.raw_response().is_some_and(|answer| answer.status().as_u16() == 403);
    let code = service.code().unwrap_or("no code").to_owned();
    let said = service.message().unwrap_or("and no reason").to_owned();
    match code.as_str() {
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "InternalError"
        | "ServerException"
        | "ServiceUnavailableException"
        | "Unavailable" => CallError::Unreachable { action, why: format!("{code} {said}") },
        code if forbidden || code == "AuthFailure" => {
            CallError::NotPermitted { action, said: format!("{code} {said}") }
        }
        _ => CallError::Refused { action, code, said },
    }
}

/// Why there are no credentials, if that is what went wrong: it does not pass by itself.
fn credentials_error(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut source = Some(error);
    while let Some(cause) = source {
        if let Some(found) = cause.downcast_ref::<CredentialsError>() {
            return Some(one_line(found));
        }
        source = cause.source();
    }
    None
}
