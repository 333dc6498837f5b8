//! The Kubernetes API, as far as a node needs it: one ENIConfig, read and watched; the aws-node
//! DaemonSet; the node's own name and whether it is cordoned.

mod daemonset;
mod known_node;
mod kube_client;
mod kubernetes_error;

pub use daemonset::{AwsNodeError, Environment};
pub use known_node::KnownNode;
pub use kube_client::ConnectError;
pub use kubernetes_error::KubernetesError;

use crate::adapter::dns::Names;
use crate::adapter::eks_token::TokenSource;
use crate::adapter::https_proxy::Proxy;
use futures::{Stream, StreamExt as _};
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, ListParams, WatchEvent, WatchParams,
};
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};
use kube_client::{Identity, certificates, client};
use kubernetes_error::{is_absent_object, status_error, transport_error};
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tracing::debug;

/// One request, connecting included.
const ATTEMPT: Duration = Duration::from_secs(10);
/// How long the server keeps one watch open; it then ends it in good order.
const WATCH_SECONDS: u32 = 290;

/// An ENIConfig, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EniConfig {
    /// The subnet of the pods; empty where the object lacks it.
    pub subnet: String,
    /// Their security groups; none means the primary interface's.
    pub security_groups: Vec<String>,
}

/// An ENIConfig, and when it became so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it says.
    pub eni_config: EniConfig,
    /// Its resource version, from which a watch tells what comes next.
    pub version: Option<String>,
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
    client: Client,
    identity: Option<Identity>,
}

/// By hand: what is inside knows the token.
impl fmt::Debug for ApiServer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ApiServer").finish_non_exhaustive()
    }
}

impl ApiServer {
    /// As a kubeconfig says, its user included.
    pub async fn by_kubeconfig(
        path: &Path,
        names: &Names,
        proxy: Option<&Proxy>,
    ) -> Result<Self, ConnectError> {
        let failed = |source| match source {
            KubeconfigError::Parse(error) => ConnectError::KubeconfigText {
                path: path.to_owned(),
                line: error.location().map_or(1, |at| at.line()),
            },
            other => ConnectError::Kubeconfig { path: path.to_owned(), source: Box::new(other) },
        };
        let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(failed)?;
        Ok(Self { client: client(&config, names, proxy, None)?, identity: None })
    }

    /// As the node itself, by a token for the cluster.
    pub fn as_node(
        endpoint: &str,
        certificate_authority: &str,
        source: TokenSource,
        names: &Names,
        proxy: Option<&Proxy>,
    ) -> Result<Self, ConnectError> {
        let url: http::Uri =
            endpoint.parse().map_err(|_| ConnectError::Endpoint(endpoint.to_owned()))?;
        if url.scheme_str() != Some("https") || url.host().is_none() {
            return Err(ConnectError::Endpoint(endpoint.to_owned()));
        }
        let mut config = Config::new(url);
        config.root_cert = Some(certificates(certificate_authority)?);
        let identity = Identity::new(source);
        Ok(Self {
            client: client(&config, names, proxy, Some(&identity))?,
            identity: Some(identity),
        })
    }

    /// The ENIConfig `name`; `None` where there is none of this name.
    pub async fn eni_config(&self, name: &str) -> Result<Option<Found>, KubernetesError> {
        debug!("kubernetes: GET eniconfigs/{name}");
        let object = self.get(&self.eni_config_api(), name).await?;
        Ok(object.map(|object| Found {
            eni_config: eni_config(&object),
            version: object.metadata.resource_version,
        }))
    }

    /// Every ENIConfig by its name.
    pub async fn eni_configs(&self) -> Result<BTreeMap<String, EniConfig>, KubernetesError> {
        debug!("kubernetes: LIST eniconfigs");
        let api = self.eni_config_api();
        match within(ATTEMPT, api.list(&ListParams::default())).await? {
            Ok(list) => {
                let named = |object: &DynamicObject| object.metadata.name.clone();
                let each = list.iter().filter_map(|it| Some((named(it)?, eni_config(it))));
                Ok(each.collect())
            }
            Err(error) => Err(self.classified(error).await),
        }
    }

    /// What happens to the ENIConfig `name` after the resource version `from`; without one,
    /// beginning with what it is now. The stream ends when the server ends it, or with an error.
    pub async fn watch(
        &self,
        name: &str,
        from: Option<&str>,
    ) -> Result<impl Stream<Item = Result<Event, KubernetesError>> + use<>, KubernetesError> {
        let params =
            WatchParams::default().fields(&format!("metadata.name={name}")).timeout(WATCH_SECONDS);
        let from = from.unwrap_or_default();
        let at = if from.is_empty() { "now" } else { from };
        debug!("kubernetes: WATCH eniconfigs, metadata.name={name}, from {at}");
        let api = self.eni_config_api();
        // A GET that found nothing gives no version. Without one the server begins "at the most
        // recent" and replays what is there, so nothing between the GET and this can be missed.
        let stream = match within(ATTEMPT, api.watch(&params, from)).await? {
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

    fn eni_config_api(&self) -> Api<DynamicObject> {
        Api::all_with(
            self.client.clone(),
            &resource("crd.k8s.amazonaws.com", "v1alpha1", "ENIConfig", "eniconfigs"),
        )
    }

    /// One object; `None` where there is none of this name.
    async fn get(
        &self,
        api: &Api<DynamicObject>,
        name: &str,
    ) -> Result<Option<DynamicObject>, KubernetesError> {
        match within(ATTEMPT, api.get(name)).await? {
            Ok(object) => Ok(Some(object)),
            Err(kube::Error::Api(status)) if is_absent_object(&status) => Ok(None),
            Err(error) => Err(self.classified(error).await),
        }
    }

    /// On a 401 the token is thrown away, so that the next request signs a new one.
    async fn classified(&self, error: kube::Error) -> KubernetesError {
        let error = match &error {
            kube::Error::Api(status) => status_error(status),
            other => transport_error(other),
        };
        if let (KubernetesError::Unauthorized, Some(identity)) = (&error, &self.identity) {
            identity.forget().await;
        }
        error
    }
}

fn resource(group: &str, version: &str, kind: &str, plural: &str) -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
}

/// On the heap: a request's future is large, and a wait holds several.
fn within<T>(
    time: Duration,
    request: impl Future<Output = T>,
) -> impl Future<Output = Result<T, KubernetesError>> {
    let request = Box::pin(tokio::time::timeout(time, request));
    let late =
        move |_| KubernetesError::Unreachable(format!("no answer within {} s", time.as_secs()));
    async move { request.await.map_err(late) }
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
