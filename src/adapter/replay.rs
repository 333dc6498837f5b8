//! Passes recorded responses to the clients of this crate, without a network. Only the fuzz targets in
//! `tests/fuzz` use this module.

use crate::adapter::aws::{self, call::CallError};
use crate::adapter::ec2::{Ec2, Ec2Error};
use crate::adapter::eks::{Eks, EksError};
use crate::adapter::kubernetes::{
    ApiServer, AwsNodeError, ConnectError, Event, KubernetesError, LocalNode, PluginError,
    VersionedEniConfig,
};
use crate::adapter::{Context, Deadline};
use aws_config::{BehaviorVersion, Region as AwsRegion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpClient, http_client_fn};
use aws_smithy_runtime_api::client::http::{HttpConnectorFuture, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::cluster::Cluster;
use eni_core::domain::identifier::InstanceType;
use eni_core::domain::instance_limits::InstanceLimits;
use eni_core::domain::zone::Region;
use eni_core::facts::Subnet;
use futures::future::LocalBoxFuture;
use futures::{FutureExt as _, StreamExt as _};
use hyper::body::{Body, Bytes, Frame};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::fmt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

const REGION: AwsRegion = AwsRegion::from_static("us-west-2");

/// A boxed request. Its code is part of this crate, so that the fuzz targets compile faster.
pub type Replayed<'a, T, E> = LocalBoxFuture<'a, Result<T, E>>;

/// A response of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// The HTTP status.
    pub status: u16,
    /// The body, in the parts in which it arrives.
    pub chunks: Vec<Vec<u8>>,
}

/// Returns the response to a request by its URL.
#[derive(Clone)]
pub struct Responses(pub Arc<dyn Fn(&str) -> Recorded + Send + Sync>);

impl fmt::Debug for Responses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Responses").finish_non_exhaustive()
    }
}

/// A body that arrives in parts.
#[derive(Debug)]
pub(crate) struct Chunks(VecDeque<Vec<u8>>);

impl Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut task::Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk.into()))))
    }
}

impl Responses {
    /// Returns the status and the body for a request.
    pub(crate) fn get(&self, url: &str) -> (u16, Chunks) {
        let Recorded { status, chunks } = (self.0)(url);
        (status, Chunks(chunks.into()))
    }

    /// Returns a client of the API server.
    #[must_use]
    pub fn api_server(self) -> ApiServer {
        ApiServer::replay(self)
    }

    /// Returns an SDK configuration that sends each request once, without a clock.
    fn sdk_config(self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(REGION)
            .http_client(self.http_client())
            .credentials_provider(SharedCredentialsProvider::new(credentials()))
            .retry_config(RetryConfig::disabled())
            .build()
    }

    fn http_client(self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(aws::limited(Connector(self)));
        http_client_fn(move |_, _| connector.clone())
    }

    /// Returns a client of EC2.
    #[must_use]
    pub fn ec2(self) -> Ec2 {
        Ec2::from_config(&Context::default(), &self.sdk_config())
    }

    /// Returns a cluster as EKS describes it, and the subnets of its control plane.
    #[must_use]
    pub fn eks_cluster<'a>(
        self,
        name: &'a str,
        region: &Region,
        deadline: Deadline,
    ) -> Replayed<'a, (Cluster, Vec<String>), EksError> {
        let eks = Eks::from_config(&Context::default(), &self.sdk_config(), region);
        async move {
            let described = eks.cluster(name, deadline).await?;
            Ok((described.cluster, described.subnets))
        }
        .boxed_local()
    }

    /// Returns the access key ID, the secret access key and the session token of a role from STS.
    #[must_use]
    pub fn role_credentials(self) -> Replayed<'static, [String; 3], CredentialsError> {
        async move {
            let role = "arn:aws:iam::111122223333:role/eni-bootstrap";
            // The provider needs a clock.
            let config = aws_config::defaults(BehaviorVersion::latest())
                .region(REGION)
                .http_client(self.http_client())
                .credentials_provider(credentials())
                .retry_config(RetryConfig::disabled());
            let config = aws::as_role(&config.load().await, role).await;
            let provider = config.credentials_provider();
            let provider = provider.ok_or_else(CredentialsError::not_loaded_no_source)?;
            let credentials = provider.provide_credentials().await?;
            let (id, key) = (credentials.access_key_id(), credentials.secret_access_key());
            let token = credentials.session_token().unwrap_or_default();
            Ok([id, key, token].map(str::to_owned))
        }
        .boxed_local()
    }
}

fn credentials() -> Credentials {
    Credentials::new("AKID", "SECRET", None, None, "replay")
}

#[derive(Clone, Debug)]
struct Connector(Responses);

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (status, body) = self.0.get(request.uri());
        let status = StatusCode::try_from(status);
        HttpConnectorFuture::ready(match status {
            Ok(status) => Ok(HttpResponse::new(status, SdkBody::from_body_1_x(body))),
            Err(error) => Err(ConnectorError::other(error.into(), None)),
        })
    }
}

/// Returns the ENIConfig `name`; `None` if it does not exist.
#[must_use]
pub fn eni_config<'a>(
    api: &'a ApiServer,
    name: &'a str,
) -> Replayed<'a, Option<VersionedEniConfig>, KubernetesError> {
    api.eni_config(name).boxed_local()
}

/// Returns the events of a watch until its end or its first error.
#[must_use]
pub fn watch<'a>(
    api: &'a ApiServer,
    name: &'a str,
) -> LocalBoxFuture<'a, (Vec<Event>, Option<KubernetesError>)> {
    async move {
        let mut events = Vec::new();
        let mut watch = match api.watch(name, None).await {
            Ok(watch) => watch,
            Err(error) => return (events, Some(error)),
        };
        while let Some(event) = watch.events.next().await {
            match event {
                Ok(event) => events.push(event),
                Err(error) => return (events, Some(error)),
            }
        }
        (events, None)
    }
    .boxed_local()
}

/// Returns the configuration of the CNI in the aws-node DaemonSet.
#[must_use]
pub fn aws_node(api: &ApiServer) -> Replayed<'_, AwsNode, AwsNodeError> {
    async move { api.aws_node(&LocalNode::default()).await }.boxed_local()
}

/// Returns the limits of an instance type.
#[must_use]
pub fn limits<'a>(
    ec2: &'a Ec2,
    instance_type: &'a InstanceType,
    deadline: Deadline,
) -> Replayed<'a, InstanceLimits, Ec2Error> {
    ec2.limits(instance_type, deadline).boxed_local()
}

/// Returns the subnets of a zone.
#[must_use]
pub fn subnets(ec2: &Ec2, deadline: Deadline) -> Replayed<'_, Vec<Subnet>, CallError> {
    ec2.subnets_in_zone("vpc-0a", "us-west-2a", deadline).boxed_local()
}

/// Creates a client for the cluster of a kubeconfig.
#[must_use]
pub fn kubeconfig<'a>(
    path: &'a Path,
    context: &'a Context,
) -> Replayed<'a, ApiServer, ConnectError> {
    ApiServer::by_kubeconfig(path, context).boxed_local()
}

/// Parses the output of an exec plugin, and configures a client for `kubeconfig` with it. Returns the token.
#[must_use]
pub fn exec_credential<'a>(
    kubeconfig: &'a str,
    output: &'a [u8],
) -> Replayed<'a, Option<String>, PluginError> {
    ApiServer::replay_plugin(kubeconfig, output).boxed_local()
}
