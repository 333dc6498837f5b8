//! The client of the instance metadata service (IMDS), version 2 only.
//!
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

mod imds_error;

pub(crate) use imds_error::ENDPOINT_HELP;
pub use imds_error::ImdsError;

use crate::adapter::prefetch::Prefetched;
use crate::adapter::{Context, Deadline, Recorder, retry};
use eni_core::domain::identifier::InvalidIdentifier;
use eni_core::run_result::Service;
use reqwest::header::HeaderValue;
use reqwest::{Client, Method, Response, StatusCode, Url, redirect::Policy};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::debug;

/// The IPv4 endpoint on every EC2 instance.
pub(crate) const DEFAULT_ENDPOINT: &str = "http://169.254.169.254";
/// The IPv6 endpoint, for `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6`.
pub(crate) const DEFAULT_ENDPOINT_IPV6: &str = "http://[fd00:ec2::254]";

/// The lifetime of a token in seconds: six hours, the maximum. A run lasts minutes, so the token never expires.
const TOKEN_TTL_SECONDS: &str = "21600";
/// The time limit of one attempt. The service is on the same host and responds in milliseconds.
const ATTEMPT: Duration = Duration::from_secs(2);
/// The maximum size of one item in bytes. The largest item is user data, with at most 16 KiB.
const MAX_ITEM_BYTES: usize = 64 << 10;

/// The part of the timeout for which HTTP 404 is retried for an item that is not required: 6 s of the
/// default of `imds.wait`. Early in a boot, items can be missing.
const PATIENCE: u32 = 20;

/// The age at which a response that was requested in advance is no longer used. After that time, the network
/// interfaces of the instance may have changed.
const PREFETCHED_AGE: Duration = Duration::from_secs(5);

/// An IMDSv2 session, whose requests all send its token.
pub struct Session {
    client: ImdsClient,
    /// The time for which HTTP 404 is retried for an item that is not required.
    patience: Duration,
    prefetched: Prefetched<Item>,
}

/// The response for an item: its bytes; `None` for HTTP 404.
type Item = Result<Option<Vec<u8>>, ImdsError>;

/// Omits the token.
impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = &self.client.endpoint;
        formatter.debug_struct("Session").field("endpoint", endpoint).finish_non_exhaustive()
    }
}

impl Session {
    /// Opens a session, retrying until `deadline` because the network may come up late.
    pub async fn open(context: &Context, deadline: Deadline) -> Result<Self, ImdsError> {
        let mut client = ImdsClient::new(context, deadline)?;
        let patience = deadline.at_most(Duration::MAX) / PATIENCE;
        let path = "latest/api/token";
        let token = retry("imds", deadline, async || {
            let header = HeaderValue::from_static(TOKEN_TTL_SECONDS);
            let header = ("X-aws-ec2-metadata-token-ttl-seconds", &header);
            let bytes = client.send(Method::PUT, path, header).await?;
            let status = StatusCode::NOT_FOUND;
            bytes.ok_or_else(|| ImdsError::UnexpectedStatus { path: path.to_owned(), status })
        })
        .await?;
        client.token = HeaderValue::try_from(token).map_err(|_| ImdsError::InvalidToken)?;
        client.token.set_sensitive(true);
        Ok(Self { client, patience, prefetched: Prefetched::default() })
    }

    /// Requests the item at `path` now. The first read of the item uses this response. If the request fails, the read
    /// sends it again.
    pub(crate) fn prefetch(&self, path: &str) {
        let client = self.client.clone();
        let item = format!("latest/{path}");
        self.prefetched.start(path, async move { client.get(&item).await });
    }

    /// Returns the item at `path`, such as `meta-data/instance-type`; `None` for HTTP 404.
    pub(crate) async fn bytes(&self, path: &str) -> Item {
        if let Some(Ok(item)) = self.prefetched.take(path, PREFETCHED_AGE).await {
            return Ok(item);
        }
        let path = format!("latest/{path}");
        retry("imds", self.client.deadline, async || self.client.get(&path).await).await
    }

    /// Returns the item at `path` as UTF-8 text; `None` for HTTP 404.
    pub async fn text(&self, path: &str) -> Result<Option<String>, ImdsError> {
        self.bytes(path).await?.map(|bytes| text(path, bytes)).transpose()
    }

    /// Returns an item that every instance has, retrying HTTP 404 until the deadline.
    pub async fn required<T>(&self, path: &str) -> Result<T, ImdsError>
    where
        T: std::str::FromStr<Err = InvalidIdentifier>,
    {
        parse(path, &self.awaited(path, self.client.deadline).await?)
    }

    /// Returns an item that instances usually have. Retries HTTP 404 for a short time; `None` after that.
    pub async fn expected<T>(&self, path: &str) -> Result<Option<T>, ImdsError>
    where
        T: std::str::FromStr<Err = InvalidIdentifier>,
    {
        let item = self.expected_text(path).await?;
        item.map(|item| parse(path, &item)).transpose()
    }

    /// Returns an item that may be missing as UTF-8 text, like [`Session::expected`].
    pub(crate) async fn expected_text(&self, path: &str) -> Result<Option<String>, ImdsError> {
        let deadline = Deadline::after(self.client.deadline.at_most(self.patience));
        match self.awaited(path, deadline).await {
            Err(ImdsError::Missing { .. }) => Ok(None),
            item => item.map(Some),
        }
    }

    /// Returns the item at `path` as UTF-8 text, retrying HTTP 404 until `deadline`.
    async fn awaited(&self, path: &str, deadline: Deadline) -> Result<String, ImdsError> {
        let missing = || ImdsError::Missing { path: path.to_owned() };
        retry("imds", deadline, async || self.text(path).await?.ok_or_else(missing)).await
    }
}

/// Sends requests with a token.
#[derive(Clone)]
struct ImdsClient {
    http: Client,
    endpoint: String,
    /// The parsed endpoint, to which each request appends its path.
    base: Url,
    /// The value of the header that authenticates a request. It is marked as sensitive.
    token: HeaderValue,
    deadline: Deadline,
    recorder: Recorder,
}

impl ImdsClient {
    /// Returns a client without a token.
    fn new(context: &Context, deadline: Deadline) -> Result<Self, ImdsError> {
        let endpoint = context.imds_endpoint.trim_end_matches('/').to_owned();
        let http = Client::builder()
            .no_proxy() // a proxy would return the metadata of its own instance
            .redirect(Policy::none())
            // Saves four system calls for each connection. Every request has a timeout.
            .tcp_keepalive(None)
            .tcp_keepalive_interval(None)
            .tcp_keepalive_retries(None)
            .tcp_user_timeout(None)
            .dns_resolver(Arc::new(context.resolver.clone()))
            .build()
            .map_err(|source| ImdsError::Endpoint { endpoint: endpoint.clone(), source })?;
        let base = http.get(&endpoint).build().map_err(|source| {
            // The message of ImdsError contains the endpoint.
            ImdsError::Endpoint { endpoint: endpoint.clone(), source: source.without_url() }
        })?;
        let base = base.url().clone();
        let token = HeaderValue::from_static("");
        Ok(Self { http, endpoint, base, token, deadline, recorder: context.recorder.clone() })
    }

    /// Returns the URL of `path`, such as `latest/user-data`.
    fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{path}", self.base.path().trim_end_matches('/')));
        url
    }

    /// Sends one request for `path`, such as `latest/user-data`.
    async fn get(&self, path: &str) -> Item {
        self.send(Method::GET, path, ("X-aws-ec2-metadata-token", &self.token)).await
    }

    /// Sends one request with a header; returns `None` for HTTP 404.
    async fn send(
        &self,
        method: Method,
        path: &str,
        (name, value): (&'static str, &HeaderValue),
    ) -> Result<Option<Vec<u8>>, ImdsError> {
        let path = path.to_owned();
        let timer = self.recorder.request(Service::Imds, || format!("{method} /{path}"));
        let unreachable = |source: reqwest::Error| {
            let endpoint = self.endpoint.clone();
            // The message of ImdsError contains the endpoint.
            let source = source.without_url();
            if source.is_builder() {
                ImdsError::Endpoint { endpoint, source }
            } else {
                ImdsError::Unreachable { endpoint, source }
            }
        };
        let attempt = self.deadline.at_most(ATTEMPT);
        let start = Instant::now();
        let request = self.http.request(method, self.url(&path)).header(name, value);
        let response = request.timeout(attempt).send().await.map_err(unreachable)?;
        timer.responded(response.status().as_u16());
        debug!("imds: {path}: {} after {:?}", response.status(), start.elapsed());
        match response.status() {
            StatusCode::OK => match body(response).await {
                Ok(Some(bytes)) => Ok(Some(bytes)),
                Ok(None) => Err(ImdsError::TooLarge { path }),
                Err(source) => Err(unreachable(source)),
            },
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::FORBIDDEN => Err(ImdsError::Disabled { path }),
            StatusCode::UNAUTHORIZED => Err(ImdsError::TokenRejected { path }),
            status => Err(ImdsError::UnexpectedStatus { path, status }),
        }
    }
}

fn parse<T>(path: &str, text: &str) -> Result<T, ImdsError>
where
    T: std::str::FromStr<Err = InvalidIdentifier>,
{
    text.parse().map_err(|source| ImdsError::InvalidValue { path: path.to_owned(), source })
}

/// Returns the body, or `None` as soon as it exceeds [`MAX_ITEM_BYTES`].
async fn body(mut response: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MAX_ITEM_BYTES {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

/// Returns the item at `path` as UTF-8 text.
fn text(path: &str, bytes: Vec<u8>) -> Result<String, ImdsError> {
    String::from_utf8(bytes).map_err(|error| ImdsError::InvalidValue {
        path: path.to_owned(),
        source: InvalidIdentifier::new("text", &String::from_utf8_lossy(error.as_bytes())),
    })
}
