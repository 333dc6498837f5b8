//! The proxy for AWS APIs and the cluster. IMDS is never accessed through a proxy: its address is
//! link-local, so a proxy would return the metadata of its own instance.

use aws_smithy_http_client::proxy::{ProxyConfig, ProxyError};
use eni_core::domain::proxy::ProxyUrl;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// A proxy for `https://` URLs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// The URL of the proxy, which may contain a password.
    pub url: ProxyUrl,
    /// The hosts, domains and networks to connect to directly, as in `NO_PROXY`.
    pub no_proxy: Vec<String>,
}

impl Proxy {
    /// Returns the proxy to use for `url`; `None` for a direct connection.
    #[must_use]
    pub(crate) fn intercept(&self, url: &http::Uri) -> Option<Intercept> {
        Matcher::builder()
            .https(self.url.secret())
            .no(self.no_proxy.join(","))
            .build()
            .intercept(url)
    }

    /// Returns the proxy configuration of the AWS SDK.
    pub(crate) fn for_aws(&self) -> Result<ProxyConfig, ProxyError> {
        Ok(ProxyConfig::https(self.url.secret())?.no_proxy(self.no_proxy.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_without_an_exception_uses_the_proxy() {
        let proxy = Proxy {
            url: "http://me:pass@proxy:3128".parse().unwrap(),
            no_proxy: vec![".internal".to_owned(), "10.0.0.0/8".to_owned()],
        };
        let through = |url: &str| {
            let intercept = proxy.intercept(&url.parse().unwrap());
            intercept.map(|it| (it.uri().to_string(), it.basic_auth().is_some()))
        };
        let proxied = Some(("http://proxy:3128/".to_owned(), true));
        assert_eq!(through("https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com"), proxied);
        assert_eq!(through("https://k8s.internal"), None);
        assert_eq!(through("https://10.1.2.3"), None);
        assert_eq!(through("http://169.254.169.254/latest/meta-data"), None);
    }
}
