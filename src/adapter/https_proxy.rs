//! The proxy for AWS APIs and the cluster. IMDS is never accessed through a proxy: its address is
//! link-local, so a proxy would return the metadata of its own instance.

use super::aws::trusted_certificates;
use aws_smithy_http_client::proxy::{ProxyConfig, ProxyError};
use eni_core::domain::proxy::ProxyUrl;
use hyper_rustls::HttpsConnector;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

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

/// Returns a connector to the proxy `url` on top of `http`. For an `https://` proxy, it uses TLS, and
/// trusts the CA certificates of the host.
pub(crate) fn connector<C>(url: &http::Uri, http: C) -> Result<HttpsConnector<C>, rustls::Error> {
    let is_tls = url.scheme() == Some(&http::uri::Scheme::HTTPS);
    trusting(&if is_tls { trusted_certificates() } else { Vec::new() }, http)
}

/// Returns a connector that trusts the certificates in `pem`.
fn trusting<C>(pem: &[u8], http: C) -> Result<HttpsConnector<C>, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(HttpsConnector::from((http, config)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use eni_bootstrap_sandbox::Identity;
    use hyper_util::client::legacy::connect::HttpConnector;
    use hyper_util::client::legacy::connect::proxy::Tunnel;
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{ServerConfig, ServerConnection, StreamOwned};
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;
    use tower::Service as _;

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
        let tls = Proxy { url: "https://proxy".parse().unwrap(), no_proxy: Vec::new() };
        let intercept = tls.intercept(&"https://k8s.internal".parse().unwrap()).unwrap();
        assert_eq!(intercept.uri(), "https://proxy/");
        assert_eq!(through("http://169.254.169.254/latest/meta-data"), None);
    }

    /// Accepts one TLS connection on `listener`, and returns the first line of the request.
    fn accept_tls(listener: &TcpListener, identity: &Identity) -> String {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let (socket, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut client = BufReader::new(StreamOwned::new(connection, socket));
        let mut request = String::new();
        client.read_line(&mut request).unwrap();
        client.get_mut().write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        request.trim_end().to_owned()
    }

    #[tokio::test]
    async fn an_https_proxy_is_reached_over_tls() {
        let identity = Identity::new(&[]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        let connector = trusting(identity.authority.as_bytes(), http).unwrap();
        let server = std::thread::spawn(move || accept_tls(&listener, &identity));
        let mut tunnel = Tunnel::new(url, connector);
        tunnel.call("https://k8s.internal".parse().unwrap()).await.unwrap();
        assert_eq!(server.join().unwrap(), "CONNECT k8s.internal:443 HTTP/1.1");
    }
}
