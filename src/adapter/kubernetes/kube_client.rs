//! The HTTP client of the Kubernetes API: DNS, proxy, certificate authority and credentials.

use super::ATTEMPT;
use crate::adapter::Context;
use crate::adapter::eks_token::{Token, TokenError, TokenSource};
use crate::adapter::https_proxy::Proxy;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eni_core::domain::proxy::InvalidProxy;
use eni_core::error::{Advice, ExitCode};
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
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tower::filter::AsyncFilterLayer;
use tower::{BoxError, ServiceBuilder};

/// The time without traffic after which the kernel sends TCP keepalive probes.
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

impl Advice for ConnectError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Kubeconfig { .. } | Self::KubeconfigText { .. } => {
                "correct it, or name another (cluster.kubeconfig); a node finds its cluster without one, too"
            }
            Self::Endpoint(_) | Self::CertificateAuthority => {
                "compare with `aws eks describe-cluster --name NAME`: the endpoint and certificateAuthority.data, as they stand there"
            }
            Self::Proxy(_) => "correct it, or leave proxy-url out of the kubeconfig",
            Self::Client(_) => "check the cluster's endpoint and certificate authority",
            Self::Token(error) => return error.help(),
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Token(error) => error.exit_code(),
            _ => ExitCode::Settings,
        }
    }
}

/// The node's credentials: a token, which is signed again when it has expired.
#[derive(Clone)]
pub(super) struct Identity {
    source: TokenSource,
    token: Arc<Mutex<Option<Token>>>,
}

impl Identity {
    pub(super) fn new(source: TokenSource) -> Self {
        Self { source, token: Arc::default() }
    }

    /// Discards the token. The next request signs a new one.
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

/// Returns a client for the cluster of `config`. `proxy-url` in a kubeconfig takes precedence over the proxy of
/// `context`.
pub(super) fn client(
    config: &Config,
    context: &Context,
    identity: Option<&Identity>,
) -> Result<Client, ConnectError> {
    let mut http = HttpConnector::new_with_resolver(context.resolver.clone());
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(ATTEMPT));
    // A watch may be idle for minutes. Keepalive probes detect a lost connection.
    http.set_keepalive(Some(KEEP_ALIVE));
    http.set_keepalive_interval(Some(KEEP_ALIVE));
    http.set_keepalive_retries(Some(2));
    let kubeconfig_proxy = match &config.proxy_url {
        Some(url) => {
            let url = url.to_string().parse().map_err(ConnectError::Proxy)?;
            Some(Proxy { url, no_proxy: Vec::new() })
        }
        None => None,
    };
    let proxy = kubeconfig_proxy.as_ref().or(context.proxy.as_ref());
    match proxy.and_then(|proxy| proxy.intercept(&config.cluster_url)) {
        None => client_over(http, config, identity),
        Some(proxy) => {
            let mut tunnel = Tunnel::new(proxy.uri().clone(), http);
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            client_over(tunnel, config, identity)
        }
    }
}

fn client_over<C>(
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

/// Decodes base64-encoded PEM and returns the certificates in DER.
pub(super) fn certificates(base64: &str) -> Result<Vec<Vec<u8>>, ConnectError> {
    let pem = STANDARD.decode(base64.trim()).map_err(|_| ConnectError::CertificateAuthority)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| ConnectError::CertificateAuthority)?;
    if found.is_empty() {
        return Err(ConnectError::CertificateAuthority);
    }
    Ok(found.into_iter().map(|certificate| certificate.to_vec()).collect())
}
