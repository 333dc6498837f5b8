//! Why there are no credentials, with the help and the exit code.

use super::call::INVALID_RESPONSE;
use super::role_credentials::{NoRoleCredentials, causes, sts_response};
use super::role_response::InvalidRoleResponse;
use crate::adapter::rejected_certificate::RejectedCertificate;
use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use eni_core::failure::ExitCode;
use std::error::Error;

/// The help if STS rejects the credentials.
const STS_DENIED: &str = "check the trust policy of the IAM role, and its name in AWS_ROLE_ARN or the AWS profile; check that the web identity token is current";
/// The help if STS throttles or fails.
const STS_FAILING: &str =
    "run the command again later; https://health.aws.amazon.com lists failures of AWS services";
/// The help if STS does not respond.
const STS_UNAVAILABLE: &str = "check the network path to AWS STS: NAT gateway or STS VPC endpoint, security groups, HTTPS_PROXY";
/// The help if instance metadata does not respond or fails.
const IMDS_UNAVAILABLE: &str = "check that no firewall blocks 169.254.169.254 and that no process on this node sends many requests to it";
/// The help if a response of instance metadata is invalid.
const IMDS_INVALID: &str = "check which server responds at the metadata endpoint; AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may redirect requests";

/// Why there are no credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialsProblem {
    /// They are missing or invalid.
    Missing,
    /// STS rejects them.
    StsDenied,
    /// STS throttles or fails.
    StsFailing,
    /// The response is not one of STS. Another server may have sent it.
    StsInvalid,
    /// STS does not respond.
    StsUnreachable,
    /// The certificate of STS is invalid.
    StsCertificate(RejectedCertificate),
    /// Instance metadata does not respond, throttles or fails.
    ImdsUnavailable,
    /// A response of instance metadata is invalid. Another server may have sent it.
    ImdsInvalid,
}

impl CredentialsProblem {
    pub(crate) fn of(error: &CredentialsError) -> Self {
        if let Some(response) = sts_response(error) {
            return match response {
                it if it.is_invalid() => Self::StsInvalid,
                it if it.is_transient() => Self::StsFailing,
                _ => Self::StsDenied,
            };
        }
        let is_sts = causes(error).any(|cause| {
            cause.is::<SdkError<AssumeRoleError>>()
                || cause.is::<SdkError<AssumeRoleWithWebIdentityError>>()
        });
        let is_unavailable =
            match causes(error).find_map(<dyn Error>::downcast_ref::<NoRoleCredentials>) {
                Some(NoRoleCredentials::Status(status)) => *status == 429 || *status >= 500,
                Some(NoRoleCredentials::Unreachable) => true,
                Some(
                    NoRoleCredentials::NotFound
                    | NoRoleCredentials::Invalid(InvalidRoleResponse::NoName),
                ) => false,
                Some(NoRoleCredentials::Invalid(_)) => return Self::ImdsInvalid,
                None => {
                    causes(error).any(<dyn Error>::is::<ImdsError>)
                        || matches!(error, CredentialsError::ProviderTimedOut(_))
                }
            };
        match (is_sts, is_unavailable) {
            (true, _) => {
                RejectedCertificate::of(error).map_or(Self::StsUnreachable, Self::StsCertificate)
            }
            (false, true) => Self::ImdsUnavailable,
            (false, false) => Self::Missing,
        }
    }

    /// Returns the help, or `missing` if the credentials are missing or invalid.
    pub(crate) fn help(self, missing: &'static str) -> &'static str {
        match self {
            Self::Missing => missing,
            Self::StsDenied => STS_DENIED,
            Self::StsFailing => STS_FAILING,
            Self::StsInvalid => INVALID_RESPONSE,
            Self::StsUnreachable => STS_UNAVAILABLE,
            Self::StsCertificate(reason) => reason.help_of_aws(),
            Self::ImdsUnavailable => IMDS_UNAVAILABLE,
            Self::ImdsInvalid => IMDS_INVALID,
        }
    }

    pub(crate) fn exit_code(self) -> ExitCode {
        match self {
            Self::Missing | Self::StsDenied => ExitCode::PermissionDenied,
            Self::StsFailing
            | Self::StsUnreachable
            | Self::StsCertificate(_)
            | Self::ImdsUnavailable => ExitCode::Unavailable,
            Self::StsInvalid | Self::ImdsInvalid => ExitCode::InvalidData,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapter::aws::error_response::ErrorResponse;
    use crate::adapter::aws::role_credentials::{StsError, tests::sts};
    use eni_core::failure::one_line;

    #[test]
    fn the_exit_code_tells_missing_credentials_from_a_failing_service() {
        let role = |reason: NoRoleCredentials| CredentialsError::provider_error(reason);
        let of_chain = |status, code: &str| {
            let (code, message) = (Some(code.to_owned()), None);
            CredentialsError::provider_error(StsError(ErrorResponse { status, code, message }))
        };
        for (error, expected) in [
            (role(NoRoleCredentials::NotFound), CredentialsProblem::Missing),
            (role(InvalidRoleResponse::NoName.into()), CredentialsProblem::Missing),
            (role(InvalidRoleResponse::Name.into()), CredentialsProblem::ImdsInvalid),
            (role(InvalidRoleResponse::Credentials.into()), CredentialsProblem::ImdsInvalid),
            (role(NoRoleCredentials::Status(404)), CredentialsProblem::Missing),
            (role(NoRoleCredentials::Status(429)), CredentialsProblem::ImdsUnavailable),
            (role(NoRoleCredentials::Status(500)), CredentialsProblem::ImdsUnavailable),
            (role(NoRoleCredentials::Unreachable), CredentialsProblem::ImdsUnavailable),
            (sts(503, "ServiceUnavailable"), CredentialsProblem::StsFailing),
            (sts(200, ""), CredentialsProblem::StsInvalid),
            (sts(403, "AccessDenied"), CredentialsProblem::StsDenied),
            (of_chain(400, "Throttling"), CredentialsProblem::StsFailing),
            (of_chain(403, "AccessDenied"), CredentialsProblem::StsDenied),
            (CredentialsError::not_loaded("none"), CredentialsProblem::Missing),
        ] {
            let problem = CredentialsProblem::of(&error);
            assert_eq!(problem, expected, "{}", one_line(&error));
            let exit_code = match expected {
                CredentialsProblem::Missing | CredentialsProblem::StsDenied => {
                    ExitCode::PermissionDenied
                }
                CredentialsProblem::StsInvalid | CredentialsProblem::ImdsInvalid => {
                    ExitCode::InvalidData
                }
                _ => ExitCode::Unavailable,
            };
            assert_eq!(problem.exit_code(), exit_code);
        }
    }
}
