//! The error code and message that an AWS service returns.

use aws_sdk_ec2::error::ProvideErrorMetadata;
use std::fmt;

/// Error codes that a retry can resolve: throttling and failures inside AWS.
const TRANSIENT_CODES: [&str; 8] = [
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "InternalError",
    "ServerException",
    "ServiceUnavailableException",
    "Unavailable",
];

/// The error response of an AWS service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ErrorResponse {
    pub status: u16,
    /// The error code, such as `UnauthorizedOperation`; `None` for a response without a body.
    pub code: Option<String>,
    pub message: Option<String>,
}

impl ErrorResponse {
    pub(super) fn new(status: u16, error: &impl ProvideErrorMetadata) -> Self {
        let text = |text: Option<&str>| text.filter(|it| !it.is_empty()).map(str::to_owned);
        Self { status, code: text(error.code()), message: text(error.message()) }
    }

    /// Returns whether the error code is `code`.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Returns whether a retry can succeed.
    pub(super) fn is_transient(&self) -> bool {
        TRANSIENT_CODES.iter().any(|code| self.has_code(code))
    }

    /// Returns whether the caller lacks the permission: HTTP 403, or `AuthFailure` of EC2.
    pub(super) fn is_denial(&self) -> bool {
        self.status == 403 || self.has_code("AuthFailure")
    }
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.code, &self.message) {
            (Some(code), Some(message)) => write!(formatter, "{code}: {message}"),
            (Some(code), None) => formatter.write_str(code),
            (None, Some(message)) => write!(formatter, "HTTP status {}: {message}", self.status),
            (None, None) => write!(formatter, "HTTP status {} without an error code", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_response_states_what_the_service_returned() {
        let response = |code: Option<&str>, message: Option<&str>| {
            let [code, message] = [code, message].map(|text| text.map(str::to_owned));
            ErrorResponse { status: 403, code, message }.to_string()
        };
        assert_eq!(
            response(Some("AccessDenied"), Some("User is not authorized")),
            "AccessDenied: User is not authorized"
        );
        assert_eq!(response(Some("AccessDenied"), None), "AccessDenied");
        assert_eq!(response(None, Some("Forbidden")), "HTTP status 403: Forbidden");
        assert_eq!(response(None, None), "HTTP status 403 without an error code");
    }
}
