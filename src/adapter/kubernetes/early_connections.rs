//! Connections to the API server that are opened before the first request, while other servers respond.

use super::cluster_config;
use super::kube_client::{http_connector, https_connector};
use crate::adapter::Context;
use crate::adapter::dns::DnsResolver;
use crate::adapter::prefetch::Prefetched;
use eni_core::domain::cluster::Cluster;
use futures::future::BoxFuture;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use tokio::net::TcpStream;
use tower::{BoxError, Service, ServiceExt as _};

/// A connection that started longer ago is not used, because the API server may have closed it.
const AGE: Duration = Duration::from_secs(10);
/// The names of the connections.
const NAMES: [&str; 2] = ["first", "second"];

/// A connector without a proxy.
type DirectConnector = HttpsConnector<HttpConnector<DnsResolver>>;
type Connection = MaybeHttpsStream<TokioIo<TcpStream>>;

/// A connector that first returns the connections that were opened before the first request. No request has been sent
/// on them, so that the API server has not received credentials. Clones share the connections.
#[derive(Clone)]
pub(super) struct EarlyConnector {
    connector: DirectConnector,
    opened: Arc<Prefetched<Result<Connection, BoxError>>>,
}

impl EarlyConnector {
    /// Returns a connector without opened connections.
    pub(super) fn new(connector: DirectConnector) -> Self {
        Self { connector, opened: Arc::default() }
    }

    /// Waits for the next opened connection; `None` if there is none. A connection that failed before this call is
    /// skipped, because the network may be up now.
    async fn next(&self) -> Option<Result<Connection, BoxError>> {
        for name in NAMES {
            match self.opened.take_with_state(name, AGE).await {
                Some((Err(_), true)) | None => {}
                Some((connection, _)) => return Some(connection),
            }
        }
        None
    }
}

impl Service<Uri> for EarlyConnector {
    type Response = Connection;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Connection, BoxError>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let early = self.clone();
        Box::pin(async move {
            match early.next().await {
                Some(connection) => connection,
                None => early.connector.oneshot(uri).await,
            }
        })
    }
}

/// Connections to the API server of a cluster, in progress or open.
#[derive(Clone)]
pub(crate) struct EarlyConnections {
    cluster: Cluster,
    connector: EarlyConnector,
}

/// Omits the connector.
impl fmt::Debug for EarlyConnections {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = &self.cluster.endpoint;
        formatter
            .debug_struct("EarlyConnections")
            .field("endpoint", endpoint)
            .finish_non_exhaustive()
    }
}

impl EarlyConnections {
    /// Starts to open `count` connections, at most two, to the API server of `cluster`. If one fails, the first request
    /// waits for it or opens another one, and reports the error. Returns `None` if a proxy is needed, or if the cluster is invalid.
    pub(crate) fn open(cluster: &Cluster, context: &Context, count: usize) -> Option<Self> {
        let config = cluster_config(cluster).ok()?;
        let url = &config.cluster_url;
        if context.proxy.as_ref().is_some_and(|proxy| proxy.intercept(url).is_some()) {
            return None;
        }
        let connector = https_connector(&config, http_connector(context)).ok()?;
        let connector = EarlyConnector::new(connector);
        for name in NAMES.iter().take(count) {
            let connection = connector.connector.clone().oneshot(url.clone());
            connector.opened.start(name, connection);
        }
        Some(Self { cluster: cluster.clone(), connector })
    }

    /// Returns whether the connections are to the API server of `cluster`.
    pub(crate) fn are_to(&self, cluster: &Cluster) -> bool {
        self.cluster.endpoint == cluster.endpoint
            && self.cluster.certificate_authority == cluster.certificate_authority
    }

    /// Returns a connector that uses the connections first.
    pub(super) fn connector(&self) -> EarlyConnector {
        self.connector.clone()
    }
}
