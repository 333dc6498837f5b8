//! The HTTP client of the Kubernetes API: DNS, proxy, certificate authority and credentials.

use super::early_connections::EarlyConnector;
use super::record_requests::RecordRequests;
use super::response_limit::LimitResponses;
use super::retry_after::RetryAfter;
use crate::adapter::disk::DiskError;
use crate::adapter::dns::DnsResolver;
use crate::adapter::eks_token::{Token, TokenError, TokenSource};
use crate::adapter::https_proxy::{self, Proxy};
use crate::adapter::proxy_failure::ProxyFailure;
use crate::adapter::shared_attempt::SharedAttempt;
use crate::adapter::{Context, Recorder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eni_core::domain::proxy::InvalidProxy;
use eni_core::failure::{Advice, ExitCode};
use http::header::InvalidHeaderValue;
use http::{HeaderValue, Request, header};
use hyper::rt::{Read, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;
use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::timeout;
use tower::filter::AsyncFilterLayer;
use tower::{BoxError, ServiceBuilder};

/// The time without traffic after which the kernel sends TCP keepalive probes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The time limit of a TCP connection setup. It is shorter than [`super::ATTEMPT`], so that the error of a request
/// states whether the server accepted the connection.
const CONNECT_TIME: Duration = Duration::from_secs(9);
/// The time limit for the credentials of a token. It is shorter than [`super::ATTEMPT`], so that the error of a
/// request states that the credentials are late.
const TOKEN_TIME: Duration = Duration::from_secs(8);

/// A failure to create a client of the Kubernetes API.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read, or refers to files that cannot be read.
    #[error("failed to load kubeconfig {}", path.display())]
    Kubeconfig { path: PathBuf, source: Box<kube::config::KubeconfigError> },
    /// The kubeconfig is not a regular file, or is too large.
    #[error(transparent)]
    KubeconfigFile(DiskError),
    /// The kubeconfig is not valid YAML. Only the position is kept: the parser's message quotes the
    /// lines around the error, and a kubeconfig may contain a token.
    #[error("kubeconfig {} is invalid at line {line}", path.display())]
    KubeconfigText {
        path: PathBuf,
        /// The line, starting at 1.
        line: u64,
    },
    /// The endpoint is not an `https://` URL.
    #[error("cluster endpoint {0:?} is not an https:// URL")]
    Endpoint(String),
    /// The certificate authority is not base64-encoded PEM.
    #[error("the cluster's certificate authority is not base64-encoded PEM")]
    CertificateAuthority,
    /// `proxy-url` in the kubeconfig is not the URL of a proxy.
    #[error("proxy-url in the kubeconfig is invalid")]
    Proxy(#[source] InvalidProxy),
    /// The trusted CA certificates for an `https://` proxy cannot be used.
    #[error("failed to set up TLS to the proxy")]
    ProxyTls(#[source] rustls::Error),
    /// The user of the kubeconfig has an `auth-provider` that runs a command.
    #[error(
        "the user of the kubeconfig has an auth-provider with a command, which is not supported"
    )]
    AuthProvider,
    /// The token of the user cannot be a part of an HTTP header.
    #[error(
        "the token of the user in the kubeconfig contains a character that an HTTP header does not permit, such as a line break"
    )]
    BearerToken,
    /// TLS or the authentication of the client cannot be set up.
    #[error("failed to create a client for the API server")]
    Client(#[source] Box<kube::Error>),
    /// The token of the node cannot be created.
    #[error("failed to create a token for the API server")]
    Token(#[from] TokenError),
}

impl Advice for ConnectError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Kubeconfig { .. } | Self::KubeconfigText { .. } => {
                "correct the file, set `cluster.kubeconfig` to another one, or remove the setting: nodes find their cluster without a kubeconfig"
            }
            Self::Endpoint(_) | Self::CertificateAuthority => {
                "copy `cluster.endpoint` and `cluster.certificate-authority` from `aws eks describe-cluster --name NAME --query 'cluster.[endpoint,certificateAuthority.data]'`"
            }
            Self::Proxy(_) => "correct proxy-url, or remove it from the kubeconfig",
            Self::ProxyTls(_) => {
                "reinstall the CA certificates of the host (package ca-certificates)"
            }
            Self::AuthProvider => {
                "replace auth-provider with an exec plugin: Kubernetes 1.26 removed auth-provider commands"
            }
            Self::BearerToken => "correct users[].user.token in the kubeconfig",
            Self::Client(_) => {
                "check the endpoint, the certificate authority and the user of the cluster"
            }
            Self::KubeconfigFile(error) => return error.help(),
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

/// The credentials of the node: a token, which is replaced when it expires.
#[derive(Clone)]
pub(super) struct Identity {
    source: TokenSource,
    held: Arc<Mutex<Option<Token>>>,
    attempt: Arc<SharedAttempt<Result<Token, TokenError>>>,
}

impl Identity {
    pub(super) fn new(source: TokenSource) -> Self {
        Self { source, held: Arc::default(), attempt: Arc::default() }
    }

    /// Discards the token. The next request signs a new one.
    pub(super) fn forget(&self) {
        *self.held() = None;
    }

    fn held(&self) -> MutexGuard<'_, Option<Token>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn token(&self) -> Result<Token, TokenError> {
        let held = self.held().clone();
        match held.filter(|token| token.is_valid(SystemTime::now())) {
            Some(token) => Ok(token),
            None => self.attempt.run(|| self.clone().new_token()).await,
        }
    }

    async fn new_token(self) -> Result<Token, TokenError> {
        let token = timeout(TOKEN_TIME, self.source.token(SystemTime::now())).await;
        let token = token.map_err(|_| TokenError::Timeout(TOKEN_TIME))??;
        *self.held() = Some(token.clone());
        Ok(token)
    }

    async fn authorize(self, mut request: Request<Body>) -> Result<Request<Body>, BoxError> {
        let token = self.token().await?;
        request.headers_mut().insert(header::AUTHORIZATION, bearer(token.secret())?);
        Ok(request)
    }
}

/// Returns the header value for a bearer token.
fn bearer(token: &str) -> Result<HeaderValue, InvalidHeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Returns a connector for TCP connections to the API server or to a proxy.
pub(super) fn http_connector(context: &Context) -> HttpConnector<DnsResolver> {
    let mut http = HttpConnector::new_with_resolver(context.resolver.clone());
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(CONNECT_TIME));
    // A watch may be idle for minutes. Keepalive probes detect a lost connection.
    http.set_keepalive(Some(KEEP_ALIVE));
    http.set_keepalive_interval(Some(KEEP_ALIVE));
    http.set_keepalive_retries(Some(2));
    http
}

/// Returns a connector that adds TLS with the certificates of `config` to `connector`.
pub(super) fn https_connector<C>(
    config: &Config,
    connector: C,
) -> Result<HttpsConnector<C>, ConnectError>
where
    C: tower::Service<http::Uri>,
    C::Response: Connection + Read + Write + Send + Unpin,
    C::Future: Send,
    C::Error: Into<BoxError>,
{
    let https = config.rustls_https_connector_with_connector(connector);
    https.map_err(|error| ConnectError::Client(Box::new(error)))
}

/// Returns a client for the cluster of `config`. `proxy-url` in a kubeconfig takes precedence over
/// the proxy of `context`. Without a proxy, the client uses the connections of `early` first.
pub(super) fn client(
    config: &Config,
    context: &Context,
    identity: Option<&Identity>,
    retry_after: &RetryAfter,
    early: Option<EarlyConnector>,
) -> Result<Client, ConnectError> {
    let kubeconfig_proxy = match &config.proxy_url {
        Some(url) => {
            let url = url.to_string().parse().map_err(ConnectError::Proxy)?;
            Some(Proxy { url, no_proxy: Vec::new() })
        }
        None => None,
    };
    let proxy = kubeconfig_proxy.as_ref().or(context.proxy.as_ref());
    let (http, recorder) = (|| http_connector(context), &context.recorder);
    match proxy.and_then(|proxy| proxy.intercept(&config.cluster_url)) {
        None => {
            let connector = match early {
                Some(early) => early,
                None => EarlyConnector::new(https_connector(config, http())?),
            };
            client_over(connector, config, identity, (retry_after, recorder))
        }
        Some(proxy) => {
            let connector =
                https_proxy::connector(proxy.uri(), http()).map_err(ConnectError::ProxyTls)?;
            let mut tunnel = Tunnel::new(proxy.uri().clone(), connector);
            if let Some(authorization) = proxy.basic_auth() {
                tunnel = tunnel.with_auth(authorization.clone());
            }
            let failed = ProxyFailure::at(proxy.uri());
            let tunnel = ServiceBuilder::new().map_err(failed).service(tunnel);
            let https = https_connector(config, tunnel)?;
            client_over(https, config, identity, (retry_after, recorder))
        }
    }
}

fn client_over<C>(
    https: C,
    config: &Config,
    identity: Option<&Identity>,
    (retry_after, recorder): (&RetryAfter, &Recorder),
) -> Result<Client, ConnectError>
where
    C: tower::Service<http::Uri> + Clone + Send + Sync + 'static,
    C::Response: Connection + Read + Write + Send + Unpin,
    C::Future: Send + Unpin,
    C::Error: Into<BoxError>,
{
    let failed = |error| ConnectError::Client(Box::new(error));
    // kube panics at such a token.
    let token = config.auth_info.token.as_ref().map(|token| bearer(token.expose_secret()));
    token.transpose().map_err(|_| ConnectError::BearerToken)?;
    let hyper = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(https);
    let authorize = identity
        .cloned()
        .map(|identity| AsyncFilterLayer::new(move |request| identity.clone().authorize(request)));
    let retry_after = retry_after.clone();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(config.extra_headers_layer().map_err(failed)?)
        .option_layer(config.auth_layer().map_err(failed)?)
        .option_layer(authorize)
        .map_err(BoxError::from)
        .map_response(move |response| {
            retry_after.record(&response);
            response
        })
        .service(LimitResponses(RecordRequests { inner: hyper, recorder: recorder.clone() }));
    Ok(Client::new(service, &config.default_namespace))
}

/// Returns `base64` without white space. Like Go, eni-bootstrap accepts base64 in lines.
pub(super) fn without_white_space(base64: &str) -> String {
    base64.chars().filter(|character| !character.is_ascii_whitespace()).collect()
}

/// Decodes base64-encoded PEM and returns the certificates in DER.
pub(super) fn certificates(base64: &str) -> Result<Vec<Vec<u8>>, ConnectError> {
    let pem = STANDARD
        .decode(without_white_space(base64))
        .map_err(|_| ConnectError::CertificateAuthority)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let certificates = certificates.map_err(|_| ConnectError::CertificateAuthority)?;
    if certificates.is_empty() {
        return Err(ConnectError::CertificateAuthority);
    }
    Ok(certificates.into_iter().map(|certificate| certificate.to_vec()).collect())
}
