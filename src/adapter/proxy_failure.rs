//! A failure to connect through the HTTPS proxy.

use crate::adapter::https_proxy::Proxy;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorFuture};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::error::Error;
use tower::BoxError;

/// The beginning of each message of hyper-util about a failed tunnel. The type of these errors is private.
const TUNNEL: &str = "tunnel error";
/// The message for a response other than 200 and 407. hyper-util drops the status of this response.
const REJECTED: &str = "tunnel error: unsuccessful";

/// A failure to connect through a proxy.
#[derive(Debug, thiserror::Error)]
#[error("failed to connect through the proxy {proxy}")]
pub(crate) struct ProxyFailure {
    /// The scheme and the address, without a password.
    proxy: String,
    source: BoxError,
}

/// The proxy rejected the connection, or is not a proxy.
#[derive(Debug, thiserror::Error)]
#[error("the proxy did not return HTTP status 200 for CONNECT")]
struct Rejected;

impl ProxyFailure {
    /// Returns a function that adds the proxy `uri` to an error.
    pub(crate) fn at<E: Into<BoxError>>(uri: &http::Uri) -> impl Fn(E) -> Self + Clone + use<E> {
        let address = uri.authority().map_or("", |it| it.as_str());
        let address = address.rsplit_once('@').map_or(address, |(_, address)| address);
        let proxy = format!("{}://{address}", uri.scheme_str().unwrap_or("http"));
        move |source| Self::new(proxy.clone(), source.into())
    }

    fn new(proxy: String, source: BoxError) -> Self {
        let is_rejected = source.to_string() == REJECTED;
        Self { proxy, source: if is_rejected { Rejected.into() } else { source } }
    }
}

/// A connector of the AWS SDK that adds the proxy to the errors of its tunnels.
#[derive(Clone, Debug)]
pub(crate) struct NameProxy<C> {
    pub connector: C,
    pub proxy: Option<Proxy>,
}

impl<C: HttpConnector> HttpConnector for NameProxy<C> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let response = self.connector.call(request);
        let proxy = self.proxy.as_ref().map(|proxy| proxy.url.to_string());
        HttpConnectorFuture::new(async move {
            response.await.map_err(|error| match (proxy, tunnel_error(&error)) {
                (Some(proxy), Some(text)) => {
                    let failure = ProxyFailure::new(proxy, text.into());
                    ConnectorError::io(failure.into()).never_connected()
                }
                _ => error,
            })
        })
    }
}

/// Returns the message about a failed tunnel with its causes.
fn tunnel_error(error: &ConnectorError) -> Option<String> {
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let tunnel = causes.find(|cause| cause.to_string().starts_with(TUNNEL))?;
    Some(eni_core::failure::one_line(tunnel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_core::failure::one_line;

    #[test]
    fn the_message_names_the_proxy_without_its_password() {
        let uri = http::Uri::from_static("http://me:pass@proxy:3128");
        let text = |cause: &str| one_line(&ProxyFailure::at(&uri)(cause));
        assert_eq!(
            text("tunnel error: unsuccessful"),
            "failed to connect through the proxy http://proxy:3128: the proxy did not return HTTP status 200 for CONNECT"
        );
        assert_eq!(
            text("tunnel error: unexpected end of file"),
            "failed to connect through the proxy http://proxy:3128: tunnel error: unexpected end of file"
        );
    }
}
