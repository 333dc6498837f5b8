//! The proxy through which AWS and the cluster are reached. The metadata service never is: it is
//! link-local, and a proxy would answer for its own machine.

use aws_smithy_http_client::proxy::{ProxyConfig, ProxyError};
use eni_core::domain::proxy::ProxyUrl;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};

/// A proxy for `https://`, and the hosts that are reached without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its address.
    pub url: ProxyUrl,
    /// Names, domains and networks, as in `NO_PROXY`.
    pub without: Vec<String>,
}

impl Proxy {
    /// Whether, and how, `url` is reached through it.
    #[must_use]
    pub fn intercept(&self, url: &http::Uri) -> Option<Intercept> {
        Matcher::builder()
            .https(self.url.secret())
            .no(self.without.join(","))
            .build()
            .intercept(url)
    }

    /// The same for AWS's clients.
    pub fn for_aws(&self) -> Result<ProxyConfig, ProxyError> {
        Ok(ProxyConfig::https(self.url.secret())?.no_proxy(self.without.join(",")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_only_what_is_not_left_out_goes_through_it() {
        let proxy = Proxy {
            url: "http://me:pass@proxy:3128".parse().unwrap(),
            without: vec![".internal".to_owned(), "10.0.0.0/8".to_owned()],
        };
        let through = |url: &str| {
            let found = proxy.intercept(&url.parse().unwrap());
            found.map(|it| (it.uri().to_string(), it.basic_auth().is_some()))
        };
        let taken = Some(("http://proxy:3128/".to_owned(), true));
        assert_eq!(through("https://EXAMPLE.gr7.us-west-2.eks.amazonaws.com"), taken);
        assert_eq!(through("https://k8s.internal"), None);
        assert_eq!(through("https://10.1.2.3"), None);
        assert_eq!(through("http://169.254.169.254/latest/meta-data"), None);
    }
}
