//! The Kubernetes API: ENIConfigs, the aws-node DaemonSet, and this node's Node object and pods.

mod cluster_cni;
mod connection_error;
mod credentials;
mod daemonset;
mod early_connections;
mod eni_config;
mod env_expansion;
mod events;
mod exec_plugin;
mod known_node;
mod kube_client;
mod kubeconfig;
mod kubernetes_error;
mod lost_watch;
mod node_pods;
mod other_cni;
mod record_requests;
mod replay;
mod response_limit;
mod retry_after;

pub use cluster_cni::ClusterCni;
pub(crate) use daemonset::SETTINGS;
pub use daemonset::{AwsNodeError, Environment};
pub(crate) use early_connections::EarlyConnections;
pub use eni_config::{EniConfig, VersionedEniConfig};
pub use exec_plugin::PluginError;
pub use known_node::KnownNode;
pub use kube_client::ConnectError;
pub use kubernetes_error::KubernetesError;
pub(crate) use kubernetes_error::RBAC;
pub use other_cni::{LocalNode, OtherCni};

use crate::adapter::eks_token::TokenSource;
use crate::adapter::prefetch::Prefetched;
use crate::adapter::{Context, Recorder};
use credentials::{Credentials, PluginUser};
use eni_config::eni_config;
use eni_core::domain::cluster::Cluster;
use eni_core::domain::eni_config::EniConfigName;
use futures::{Stream, StreamExt as _};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, WatchEvent, WatchParams,
};
use kube::{Client, Config};
use kube_client::{Identity, certificates, client};
use kubernetes_error::{NoResponse, is_absent_object, status_error, transport_error};
use lost_watch::end_if_lost;
use retry_after::RetryAfter;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tracing::debug;

/// The timeout of one request, including the connection setup.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The time limits of watches in seconds. Each watch has a random one, so that nodes that started at the
/// same time do not renew their watches at the same time. The client supports less than 295.
const WATCH_SECONDS: RangeInclusive<u32> = 145..=290;

/// The age at which a response that was requested in advance is no longer used.
const PREFETCHED_AGE: Duration = Duration::from_secs(10);

/// An event of a watch on one ENIConfig.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The ENIConfig was created or changed, or existed when the watch started.
    Applied(EniConfig),
    /// The ENIConfig was deleted.
    Deleted,
}

/// A watch that the API server has accepted.
#[derive(Debug)]
pub struct Watch<S> {
    /// The events. The stream ends when the API server ends the watch, or with an error.
    pub events: S,
    /// The time after which the API server ends the watch.
    pub time_limit: Duration,
}

/// A client of the API server with its credentials.
#[derive(Clone)]
pub struct ApiServer {
    credentials: Credentials,
    retry_after: RetryAfter,
    /// The responses to requests for ENIConfigs that were sent in advance.
    prefetched: Arc<Prefetched<EniConfigResponse>>,
    /// Records the waits for objects.
    recorder: Recorder,
}

type EniConfigResponse = Result<Option<VersionedEniConfig>, KubernetesError>;

/// Omits the client, which contains the token.
impl fmt::Debug for ApiServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiServer").finish_non_exhaustive()
    }
}

impl ApiServer {
    /// Returns a client that sends its requests with `client`.
    #[must_use]
    pub fn with_client(client: Client) -> Self {
        Self::new(Credentials::Kubeconfig(client), RetryAfter::default(), Recorder::default())
    }

    fn new(credentials: Credentials, retry_after: RetryAfter, recorder: Recorder) -> Self {
        Self { credentials, retry_after, prefetched: Arc::default(), recorder }
    }

    /// Returns a client for the cluster of a kubeconfig, with its credentials.
    pub async fn by_kubeconfig(path: &Path, context: &Context) -> Result<Self, ConnectError> {
        let (config, plugin) = kubeconfig::load(path).await?;
        let retry_after = RetryAfter::default();
        // Reports a problem of the configuration before the plugin is run.
        let client = client(&config, context, None, &retry_after, None)?;
        let credentials = match plugin {
            None => Credentials::Kubeconfig(client),
            Some(plugin) => {
                let user = PluginUser::new(plugin, config, context, &retry_after);
                Credentials::Plugin(Arc::new(user))
            }
        };
        Ok(Self::new(credentials, retry_after, context.recorder.clone()))
    }

    /// Returns a client for `cluster` that authenticates as the node, with tokens from `tokens`. It uses the connections
    /// of `early` first, if they are to this cluster.
    pub(crate) fn as_node(
        cluster: &Cluster,
        tokens: TokenSource,
        context: &Context,
        early: Option<&EarlyConnections>,
    ) -> Result<Self, ConnectError> {
        let config = cluster_config(cluster)?;
        let identity = Identity::new(tokens);
        let retry_after = RetryAfter::default();
        let early = early.filter(|early| early.are_to(cluster)).map(EarlyConnections::connector);
        let client = client(&config, context, Some(&identity), &retry_after, early)?;
        let credentials = Credentials::Node(client, identity);
        Ok(Self::new(credentials, retry_after, context.recorder.clone()))
    }

    /// Returns the recorder of the waits for objects.
    pub(crate) fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Requests the ENIConfig `name` now. The first read of the ENIConfig uses this response. If the request fails, the
    /// read sends it again.
    pub(crate) fn prefetch_eni_config(&self, name: &EniConfigName) {
        let api = Self { prefetched: Arc::default(), ..self.clone() };
        let eni_config = name.clone();
        let request = async move { api.eni_config(eni_config.as_str()).await };
        self.prefetched.start(name.as_str(), request);
    }

    /// Returns the ENIConfig `name`; `None` if it does not exist.
    pub(crate) async fn eni_config(
        &self,
        name: &str,
    ) -> Result<Option<VersionedEniConfig>, KubernetesError> {
        if let Some(Ok(response)) = self.prefetched.take(name, PREFETCHED_AGE).await {
            return Ok(response);
        }
        debug!("kubernetes: GET eniconfigs/{name}");
        let object = self.get(&self.eni_config_api().await?, name).await?;
        Ok(object.map(|object| VersionedEniConfig {
            eni_config: eni_config(&object),
            version: object.metadata.resource_version,
        }))
    }

    /// Returns all ENIConfigs by name.
    pub async fn eni_configs(&self) -> Result<BTreeMap<String, EniConfig>, KubernetesError> {
        debug!("kubernetes: LIST eniconfigs");
        let api = self.eni_config_api().await?;
        match self.attempt(api.list(&ListParams::default())).await? {
            Ok(list) => {
                let named = |object: &DynamicObject| object.metadata.name.clone();
                let each = list.iter().filter_map(|it| Some((named(it)?, eni_config(it))));
                Ok(each.collect())
            }
            Err(error) => Err(self.classified(error)),
        }
    }

    /// Watches the ENIConfig `name`, starting after the resource version `from`. Without a version,
    /// the first event is the current state.
    pub(crate) async fn watch(
        &self,
        name: &str,
        from: Option<&str>,
    ) -> Result<
        Watch<impl Stream<Item = Result<Event, KubernetesError>> + Unpin + use<>>,
        KubernetesError,
    > {
        let seconds = fastrand::u32(WATCH_SECONDS);
        let params =
            WatchParams::default().fields(&format!("metadata.name={name}")).timeout(seconds);
        let from = from.unwrap_or_default();
        let time_limit = Duration::from_secs(seconds.into());
        let at = if from.is_empty() { "now" } else { from };
        debug!("kubernetes: WATCH eniconfigs, metadata.name={name}, from {at}");
        let api = self.eni_config_api().await?;
        // After a GET that returned 404 there is no version. The API server then replays the
        // current state first, so no change between the GET and the watch is missed.
        let stream = match self.attempt(api.watch(&params, from)).await? {
            Ok(stream) => stream,
            Err(error) => return Err(self.classified(error)),
        };
        let events = Box::pin(end_if_lost(stream, time_limit).filter_map(|item| async {
            match item {
                Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => {
                    Some(Ok(Event::Applied(eni_config(&object))))
                }
                Ok(WatchEvent::Deleted(_)) => Some(Ok(Event::Deleted)),
                Ok(WatchEvent::Bookmark(_)) => None,
                Ok(WatchEvent::Error(status)) => Some(Err(status_error(&status))),
                Err(error) => Some(Err(transport_error(error))),
            }
        }));
        Ok(Watch { events, time_limit })
    }

    async fn eni_config_api(&self) -> Result<Api<DynamicObject>, KubernetesError> {
        let kind = resource("crd.k8s.amazonaws.com", "v1alpha1", "ENIConfig", "eniconfigs");
        Ok(Api::all_with(self.credentials.client().await?, &kind))
    }

    /// Returns one object; `None` if it does not exist.
    async fn get(
        &self,
        api: &Api<DynamicObject>,
        name: &str,
    ) -> Result<Option<DynamicObject>, KubernetesError> {
        match self.attempt(api.get(name)).await? {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if is_absent_object(&status) => Ok(None),
            Err(error) => Err(self.classified(error)),
        }
    }

    /// Sends `request` with a timeout, when the API server expects it. The future is boxed because it is
    /// large, and a wait holds several of them.
    fn attempt<T>(
        &self,
        request: impl Future<Output = T>,
    ) -> impl Future<Output = Result<T, KubernetesError>> {
        let retry_after = self.retry_after.clone();
        let request = Box::pin(async move {
            retry_after.passed().await;
            tokio::time::timeout(ATTEMPT, request).await
        });
        let late = NoResponse { seconds: ATTEMPT.as_secs() };
        async move { request.await.map_err(|_| KubernetesError::Unreachable(Arc::new(late))) }
    }

    /// Converts an error of the client. After a 401, the next request uses new credentials.
    fn classified(&self, error: kube::Error) -> KubernetesError {
        let error = match error {
            kube::Error::Api(status) => status_error(&status),
            other => transport_error(other),
        };
        if matches!(error, KubernetesError::Unauthorized) {
            self.credentials.forget();
        }
        error
    }
}

/// Returns the configuration of a client for `cluster`, without credentials.
fn cluster_config(cluster: &Cluster) -> Result<Config, ConnectError> {
    let endpoint = &cluster.endpoint;
    let url: http::Uri = endpoint.parse().map_err(|_| ConnectError::Endpoint(endpoint.clone()))?;
    if url.scheme_str() != Some("https") || url.host().is_none() {
        return Err(ConnectError::Endpoint(endpoint.clone()));
    }
    let mut config = Config::new(url);
    config.root_cert = Some(certificates(&cluster.certificate_authority)?);
    Ok(config)
}

fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}
