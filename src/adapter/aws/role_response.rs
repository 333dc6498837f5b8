//! Checks the responses of instance metadata about the IAM role: its name and its credentials. The SDK inserts
//! the name into a URL, and panics if the URL is invalid. For invalid credentials, its error does not name the
//! server.

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// The path of the name. The path of the credentials ends with the name.
const PATH: &str = "/latest/meta-data/iam/security-credentials/";
/// The maximum length of a role name.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MAX_LENGTH: usize = 64;

/// A response about the IAM role that the SDK must not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum InvalidRoleResponse {
    /// There is no name: the instance has no role yet.
    #[error("the instance metadata service returned an empty role name for {}", &PATH[1..])]
    NoName,
    /// IAM does not accept the name. Another server may have sent it.
    #[error("the instance metadata service returned an invalid role name for {}", &PATH[1..])]
    Name,
    /// The credentials are not a JSON object. Another server may have sent them.
    #[error("the instance metadata service returned invalid role credentials: not a JSON object")]
    Credentials,
}

impl InvalidRoleResponse {
    /// Returns the error of a response to `uri` with this body. A response that is not about the role has no
    /// error.
    fn of(uri: &str, body: &[u8]) -> Option<Self> {
        let (_, name) = uri.split_once(PATH)?;
        if !name.is_empty() {
            let is_object = body.trim_ascii_start().starts_with(b"{");
            return (!is_object).then_some(Self::Credentials);
        }
        match body.trim_ascii() {
            b"" => Some(Self::NoName),
            _ => (!is_role_name(body)).then_some(Self::Name),
        }
    }
}

/// A connector that rejects invalid responses about the IAM role.
#[derive(Clone, Debug)]
pub(super) struct CheckRoleResponses<C>(pub C);

impl<C: HttpConnector> HttpConnector for CheckRoleResponses<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = Some(request.uri()).filter(|uri| uri.contains(PATH)).map(str::to_owned);
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await?;
            match uri {
                Some(uri) if response.status().is_success() => checked(&uri, response).await,
                _ => Ok(response),
            }
        })
    }
}

/// Returns `response` if it is a valid one to `uri`.
async fn checked(uri: &str, mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let body = ByteStream::new(body).collect().await;
    let body = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    if let Some(error) = InvalidRoleResponse::of(uri, &body) {
        return Err(ConnectorError::other(error.into(), None));
    }
    *response.body_mut() = SdkBody::from(body);
    Ok(response)
}

/// Returns whether IAM accepts `name` as the name of a role.
fn is_role_name(name: &[u8]) -> bool {
    let is_valid = |byte: &u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(byte);
    (1..=MAX_LENGTH).contains(&name.len()) && name.iter().all(is_valid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_name_has_only_the_characters_that_iam_accepts() {
        for (name, expected) in [
            ("node", true),
            ("a+=,.@_-9", true),
            ("", false),
            (" ", false),
            ("node\n", false),
            ("a/b", false),
            ("<html>", false),
        ] {
            assert_eq!(is_role_name(name.as_bytes()), expected, "{name:?}");
        }
        assert!(is_role_name(&[b'a'; 64]) && !is_role_name(&[b'a'; 65]));
    }

    #[test]
    fn role_credentials_are_a_json_object() {
        let error = |uri: &str, body: &str| InvalidRoleResponse::of(uri, body.as_bytes());
        let role = "http://169.254.169.254/latest/meta-data/iam/security-credentials/node";
        assert_eq!(error(role, " \n{\"Code\":\"Success\"}"), None);
        for body in ["", "[]", "null", "<html>"] {
            assert_eq!(error(role, body), Some(InvalidRoleResponse::Credentials), "{body}");
        }
        let name = role.trim_end_matches("node");
        assert_eq!(error(name, "node"), None);
        assert_eq!(error(name, " \n"), Some(InvalidRoleResponse::NoName));
        assert_eq!(error(name, "<html>"), Some(InvalidRoleResponse::Name));
        assert_eq!(error("https://sts.us-west-2.amazonaws.com/", "<html>"), None);
    }
}
