//! The error code and message that an AWS service returns.

use aws_sdk_ec2::error::ProvideErrorMetadata;
use std::fmt;

/// Starts of the error codes that a retry can resolve: throttling and failures inside AWS. Some services
/// append `Exception` to a code.
const TRANSIENT_CODES: [&str; 14] = [
    "BandwidthLimitExceeded",
    "EC2Throttled",
    "InternalError",
    "InternalFailure",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestTimeout",
    "ServerException",
    "ServiceUnavailable",
    "SlowDown",
    "Throttl",
    "TooManyRequests",
    "Unavailable",
];

/// Error codes for a request whose time differs too much from the time of AWS.
const TIME_CODES: [&str; 2] = ["RequestExpired", "RequestTimeTooSkewed"];
/// The messages about the time of a request, for the codes that have other causes as well.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html>
const TIME_MESSAGES: [&str; 3] = ["Signature expired", "not yet current", "Request has expired"];

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

    /// Returns whether the service reported success, but the body has the wrong format. A proxy may have sent
    /// such a response.
    pub(super) fn is_invalid(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns whether the error code is `code`.
    #[must_use]
    pub fn has_code(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    /// Returns whether a retry can succeed: HTTP 429 and 5xx, and throttling with another status.
    pub(super) fn is_transient(&self) -> bool {
        let code = self.code.as_deref().unwrap_or_default();
        self.status == 429
            || self.status >= 500
            || TRANSIENT_CODES.iter().any(|start| code.starts_with(start))
    }

    /// Returns whether AWS rejected the time of the request, which is the clock of this machine.
    pub(super) fn is_about_time(&self) -> bool {
        let message = self.message.as_deref().unwrap_or_default();
        TIME_CODES.iter().any(|code| self.has_code(code))
            || TIME_MESSAGES.iter().any(|text| message.contains(text))
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
            (None, None) if self.is_invalid() => {
                write!(formatter, "HTTP status {} with an invalid body", self.status)
            }
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
        let invalid = ErrorResponse { status: 200, code: None, message: None };
        assert_eq!(invalid.to_string(), "HTTP status 200 with an invalid body");
    }
}
