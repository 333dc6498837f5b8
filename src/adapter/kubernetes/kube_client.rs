//! The client: our resolver, the cluster's own authority, and the node's or a kubeconfig's identity.

use super::ATTEMPT;
use crate::adapter::dns::Names;
use crate::adapter::eks_token::{Token, TokenError, TokenSource};
use crate::adapter::https_proxy::Proxy;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eni_core::domain::proxy::InvalidProxy;
use http::{HeaderValue, Request, header};
use hyper::rt::{Read, Write};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tower::filter::AsyncFilterLayer;
use tower::{BoxError, ServiceBuilder};

/// A connection that says nothing for this long is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The Kubernetes API cannot be talked to at all.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A kubeconfig that cannot be used.
    #[error("the kubeconfig {} cannot be used", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<kube::config::KubeconfigError>,
    },
    /// A kubeconfig that is not one. Where, and not what: the parser's own words quote the lines
    /// around the mistake, and a kubeconfig may hold a token.
    #[error("the kubeconfig {}, line {line} cannot be read", path.display())]
    KubeconfigText {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: u64,
    },
    /// Not an address.
    #[error("the cluster's endpoint {0:?} is not an https:// address")]
    Endpoint(String),
    /// Not a certificate authority.
    #[error("the cluster's certificate authority is not PEM in base64")]
    CertificateAuthority,
    /// Not a proxy that could be used.
    #[error("the kubeconfig's proxy-url cannot be used")]
    Proxy(#[source] InvalidProxy),
    /// The client cannot be made.
    #[error("no client for the API server can be made")]
    Client(#[source] Box<kube::Error>),
    /// No token can be made.
    #[error("this node has no identity to show the API server")]
    Token(#[from] TokenError),
}

/// The node's own identity: a token, made when there is none or the one there is has expired.
#[derive(Clone)]
pub(super) struct Identity {
    source: TokenSource,
    token: Arc<Mutex<Option<Token>>>,
}

impl Identity {
    pub(super) fn new(source: TokenSource) -> Self {
        Self { source, token: Arc::default() }
    }

    /// Throws the token away, so that the next request signs a new one.
    pub(super) async fn forget(&self) {
        *self.token.lock().await = None;
    }

    async fn token(&self) -> Result<Token, TokenError> {
        let mut held = self.token.lock().await;
        let now = SystemTime::now();
        match &*held {
            Some(token) if token.is_good(now) => Ok(token.clone()),
            _ => Ok(held.insert(self.source.token(now).await?).clone()),
        }
    }

    async fn authorize(self, mut request: Request<Body>) -> Result<Request<Body>, BoxError> {
        let token = self.token().await?;
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.secret()))?;
        value.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, value);
        Ok(request)
    }
}

pub(super) fn client(
    config: &Config,
    names: &Names,
    proxy: Option<&Proxy>,
    identity: Option<&Identity>,
) -> Result<Client, ConnectError> {
    let mut http = HttpConnector::new_with_resolver(names.clone());
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(ATTEMPT));
    // A watch may be silent for minutes: the kernel finds out whether the other side is still there.
    http.set_keepalive(Some(KEEP_ALIVE));
    http.set_keepalive_interval(Some(KEEP_ALIVE));
    http.set_keepalive_retries(Some(2));
    // A kubeconfig may name a proxy of its own.
    let of_kubeconfig = match &config.proxy_url {
        Some(url) => {
            let url = url.to_string().parse().map_err(ConnectError::Proxy)?;
            Some(Proxy { url, without: Vec::new() })
        }
        None => None,
    };
    let through = of_kubeconfig.as_ref().or(proxy).and_then(|it| it.intercept(&config.cluster_url));
    match through {
        None => over(http, config, identity),
        Some(proxy) => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), http);
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            over(tunnel, config, identity)
        }
    }
}

fn over<C>(
    connector: C,
    config: &Config,
    identity: Option<&Identity>,
) -> Result<Client, ConnectError>
where
    C: tower::Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin,
    C::Future: Send,
    C::Error: Into<BoxError>,
{
    let failed = |error| ConnectError::Client(Box::new(error));
    let https = config.rustls_https_connector_with_connector(connector).map_err(failed)?;
    let hyper = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(https);
    let authorize = identity
        .cloned()
        .map(|identity| AsyncFilterLayer::new(move |request| identity.clone().authorize(request)));
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(config.extra_headers_layer().map_err(failed)?)
        .option_layer(config.auth_layer().map_err(failed)?)
        .option_layer(authorize)
        .map_err(BoxError::from)
        .service(hyper);
    Ok(Client::new(service, &config.default_namespace))
}

/// Base64 of PEM → the certificates.
pub(super) fn certificates(base64: &str) -> Result<Vec<Vec<u8>>, ConnectError> {
    let pem = STANDARD.decode(base64.trim()).map_err(|_| ConnectError::CertificateAuthority)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| ConnectError::CertificateAuthority)?;
    if found.is_empty() {
        return Err(ConnectError::CertificateAuthority);
    }
    Ok(found.into_iter().map(|certificate| certificate.to_vec()).collect())
}
