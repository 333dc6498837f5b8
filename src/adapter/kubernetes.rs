//! The Kubernetes API, as far as a node needs it: one ENIConfig, read and watched.

use crate::adapter::chain;
use crate::adapter::dns::Names;
use crate::adapter::eks::{Token, TokenError, TokenSource};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{Stream, StreamExt as _};
use http::{HeaderValue, Request, header};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, WatchEvent, WatchParams};
use kube::client::{Body, ConfigExt as _};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::Status;
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::Mutex;
use tower::filter::AsyncFilterLayer;
use tower::{BoxError, ServiceBuilder};
use tracing::debug;

/// One request, connecting included.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long the server keeps one watch open; it then ends it in good order.
const WATCH_SECONDS: u32 = 290;
/// A connection that says nothing for this long is asked whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The Kubernetes API did not say what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KubernetesError {
    /// 401: nobody knows this identity, or not yet.
    #[error("the API server does not know this node's identity (401)")]
    Unauthorized,
    /// 403: known, and not allowed.
    #[error("the API server does not permit it: {0}")]
    Forbidden(String),
    /// 404 of the resource type: the VPC CNI is not installed.
    #[error("the cluster has no ENIConfig resource type")]
    NoResourceType,
    /// 410: the watch began too long ago.
    #[error("the watch has expired")]
    Expired,
    /// Another answer.
    #[error("the API server answered {code}: {message}")]
    Answered {
        /// The HTTP status.
        code: u16,
        /// What it said.
        message: String,
    },
    /// No answer, or not in time.
    #[error("the API server does not answer: {0}")]
    Unreachable(String),
    /// No token could be made.
    #[error("{0}")]
    Token(String),
}

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
    /// Not an address.
    #[error("the cluster's endpoint {0:?} is not an https:// address")]
    Endpoint(String),
    /// Not a certificate authority.
    #[error("the cluster's certificate authority is not PEM in base64")]
    CertificateAuthority,
    /// The client cannot be made.
    #[error("no client for the API server can be made")]
    Client(#[source] Box<kube::Error>),
    /// No token can be made.
    #[error("this node has no identity to show the API server")]
    Token(#[from] TokenError),
}

/// An ENIConfig, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EniConfig {
    /// The subnet of the pods; empty where the object lacks it.
    pub subnet: String,
    /// Their security groups; none means the primary interface's.
    pub security_groups: Vec<String>,
}

/// What a watch tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The ENIConfig is there, and says this.
    Is(EniConfig),
    /// It has been deleted.
    Gone,
}

/// An API server, and who we are to it.
#[derive(Clone)]
pub struct ApiServer {
    api: Api<DynamicObject>,
    identity: Option<Identity>,
}

/// The node's own identity: a token, made when there is none or the one there is has expired.
#[derive(Clone)]
struct Identity {
    source: TokenSource,
    token: Arc<Mutex<Option<Token>>>,
}

/// By hand: what is inside knows the token.
impl fmt::Debug for ApiServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiServer").finish_non_exhaustive()
    }
}

impl Identity {
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

impl ApiServer {
    /// As a kubeconfig says, its user included.
    pub async fn by_kubeconfig(path: &Path, names: &Names) -> Result<Self, ConnectError> {
        let failed =
            |source| ConnectError::Kubeconfig { path: path.to_owned(), source: Box::new(source) };
        let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(failed)?;
        Ok(Self { api: api(&config, names, None)?, identity: None })
    }

    /// As the node itself, by a token for the cluster.
    pub fn as_node(
        endpoint: &str,
        certificate_authority: &str,
        source: TokenSource,
        names: &Names,
    ) -> Result<Self, ConnectError> {
        let url: http::Uri =
            endpoint.parse().map_err(|_| ConnectError::Endpoint(endpoint.to_owned()))?;
        if url.scheme_str() != Some("https") || url.host().is_none() {
            return Err(ConnectError::Endpoint(endpoint.to_owned()));
        }
        let mut config = Config::new(url);
        config.root_cert = Some(certificates(certificate_authority)?);
        let identity = Identity { source, token: Arc::default() };
        Ok(Self { api: api(&config, names, Some(&identity))?, identity: Some(identity) })
    }

    /// The ENIConfig `name`; `None` where there is none of this name.
    pub async fn eni_config(&self, name: &str) -> Result<Option<EniConfig>, KubernetesError> {
        debug!("kubernetes: GET eniconfigs/{name}");
        match within(ATTEMPT, self.api.get(name)).await? {
            Ok(object) => Ok(Some(eni_config(&object))),
            Err(kube::Error::Api(status)) if is_absent_object(&status) => Ok(None),
            Err(error) => Err(self.classified(error).await),
        }
    }

    /// What happens to the ENIConfig `name`, beginning with what it is now. The stream ends when
    /// the server ends it, or with an error.
    pub async fn watch(
        &self,
        name: &str,
    ) -> Result<impl Stream<Item = Result<Event, KubernetesError>> + use<>, KubernetesError> {
        let params =
            WatchParams::default().fields(&format!("metadata.name={name}")).timeout(WATCH_SECONDS);
        debug!("kubernetes: WATCH eniconfigs, metadata.name={name}");
        // No resource version: a GET that found nothing gives none, and "start at the most recent"
        // replays what is there, so nothing between the GET and this can be missed.
        let stream = match within(ATTEMPT, self.api.watch(&params, "")).await? {
            Ok(stream) => stream,
            Err(error) => return Err(self.classified(error).await),
        };
        Ok(Box::pin(stream.filter_map(|item| async {
            match item {
                Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    Some(Ok(Event::Is(eni_config(&object))))
                }
                Ok(WatchEvent::Deleted(_)) => Some(Ok(Event::Gone)),
                Ok(WatchEvent::Bookmark(_)) => None,
                Ok(WatchEvent::Error(status)) => Some(Err(status_error(&status))),
                Err(error) => Some(Err(transport_error(&error))),
            }
        })))
    }

    /// On a 401 the token is thrown away, so that the next request signs a new one.
    async fn classified(&self, error: kube::Error) -> KubernetesError {
        let error = match &error {
            kube::Error::Api(status) => status_error(status),
            other => transport_error(other),
        };
        if let (KubernetesError::Unauthorized, Some(identity)) = (&error, &self.identity) {
            *identity.token.lock().await = None;
        }
        error
    }
}

async fn within<T>(time: Duration, request: impl Future<Output = T>) -> Result<T, KubernetesError> {
    let late = || KubernetesError::Unreachable(format!("no answer within {} s", time.as_secs()));
    tokio::time::timeout(time, request).await.map_err(|_| late())
}

fn api(
    config: &Config,
    names: &Names,
    identity: Option<&Identity>,
) -> Result<Api<DynamicObject>, ConnectError> {
    let failed = |error| ConnectError::Client(Box::new(error));
    let mut http = HttpConnector::new_with_resolver(names.clone());
    http.enforce_http(false);
    http.set_nodelay(true);
    http.set_connect_timeout(Some(ATTEMPT));
    // A watch may be silent for minutes: the kernel finds out whether the other side is still there.
    http.set_keepalive(Some(KEEP_ALIVE));
    http.set_keepalive_interval(Some(KEEP_ALIVE));
    http.set_keepalive_retries(Some(2));
    let https = config.rustls_https_connector_with_connector(http).map_err(failed)?;
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
    let client = Client::new(service, &config.default_namespace);
    let kind = GroupVersionKind::gvk("crd.k8s.amazonaws.com", "v1alpha1", "ENIConfig");
    Ok(Api::all_with(client, &ApiResource::from_gvk_with_plural(&kind, "eniconfigs")))
}

/// Base64 of PEM → the certificates.
fn certificates(base64: &str) -> Result<Vec<Vec<u8>>, ConnectError> {
    let pem = STANDARD.decode(base64.trim()).map_err(|_| ConnectError::CertificateAuthority)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|_| ConnectError::CertificateAuthority)?;
    if found.is_empty() {
        return Err(ConnectError::CertificateAuthority);
    }
    Ok(found.into_iter().map(|certificate| certificate.to_vec()).collect())
}

/// A wrong type in the object is as good as nothing in it: the CNI reads it so, too.
fn eni_config(object: &DynamicObject) -> EniConfig {
    let spec = object.data.get("spec");
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let groups = spec.and_then(|spec| spec.get("securityGroups")).and_then(|list| list.as_array());
    EniConfig {
        subnet: spec.and_then(|spec| spec.get("subnet")).and_then(text).unwrap_or_default(),
        security_groups: groups.into_iter().flatten().filter_map(text).collect(),
    }
}

/// A 404 for the object names it; a 404 for the resource type does not.
fn is_absent_object(status: &Status) -> bool {
    let named = status.details.as_ref().is_some_and(|details| !details.name.is_empty());
    status.code == 404 && status.reason == "NotFound" && named
}

fn status_error(status: &Status) -> KubernetesError {
    match status.code {
        401 => KubernetesError::Unauthorized,
        403 => KubernetesError::Forbidden(status.message.clone()),
        404 => KubernetesError::NoResourceType,
        410 => KubernetesError::Expired,
        code => KubernetesError::Answered { code, message: status.message.clone() },
    }
}

fn transport_error(error: &kube::Error) -> KubernetesError {
    // Our own layer's error comes back inside of kube's.
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(token) = cause.downcast_ref::<TokenError>() {
            return KubernetesError::Token(token.to_string());
        }
        source = cause.source();
    }
    match error {
        kube::Error::Service(cause) => match cause.downcast_ref::<TokenError>() {
            Some(token) => KubernetesError::Token(token.to_string()),
            None => KubernetesError::Unreachable(chain(cause.as_ref())),
        },
        kube::Error::HyperError(cause) => KubernetesError::Unreachable(chain(cause)),
        kube::Error::ReadEvents(cause) => KubernetesError::Unreachable(chain(cause)),
        other => KubernetesError::Unreachable(chain(other)),
    }
}
