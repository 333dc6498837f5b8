//! Checks the name of the IAM role in instance metadata. The SDK inserts the name into a URL, and panics if
//! the URL is invalid.

use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

/// The path of the name.
const PATH: &str = "/latest/meta-data/iam/security-credentials/";
/// The maximum length of a role name.
///
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
const MAX_LENGTH: usize = 64;

/// IAM does not accept the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the instance metadata service returned an invalid role name for {}", &PATH[1..])]
pub(super) struct InvalidRoleName;

/// A connector that rejects an invalid role name.
#[derive(Clone, Debug)]
pub(super) struct CheckRoleName<C>(pub C);

impl<C: HttpConnector> HttpConnector for CheckRoleName<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let is_name = request.uri().ends_with(PATH);
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await?;
            if is_name && response.status().is_success() {
                return checked(response).await;
            }
            Ok(response)
        })
    }
}

async fn checked(mut response: HttpResponse) -> Result<HttpResponse, ConnectorError> {
    let body = std::mem::replace(response.body_mut(), SdkBody::taken());
    let name = ByteStream::new(body).collect().await;
    let name = name.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    if !is_role_name(&name) {
        return Err(ConnectorError::other(InvalidRoleName.into(), None));
    }
    *response.body_mut() = SdkBody::from(name);
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
}
