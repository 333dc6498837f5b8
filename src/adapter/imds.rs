//! The client of the instance metadata service (IMDS), version 2 only.
//!
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use crate::adapter::{Context, Deadline, Transient, retry};
use eni_core::domain::identifier::InvalidIdentifier;
use eni_core::failure::{Advice, ExitCode};
use reqwest::header::HeaderValue;
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect::Policy};
use std::borrow::Cow;
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

/// The help for an invalid endpoint.
pub(super) const ENDPOINT_HELP: &str = "correct AWS_EC2_METADATA_SERVICE_ENDPOINT or `--imds-endpoint`; the default is http://169.254.169.254";

/// A failed request to the instance metadata service.
#[derive(Debug, thiserror::Error)]
pub enum ImdsError {
    /// There is no response: the network is not up yet, or this is not an EC2 instance.
    #[error("the instance metadata service at {endpoint} is unreachable")]
    Unreachable {
        /// The configured URL.
        endpoint: String,
        source: reqwest::Error,
    },
    /// HTTP 403: instance metadata is disabled for this instance, or a proxy rejected the request.
    #[error("the instance metadata service is disabled (HTTP status 403 for {path})")]
    Disabled { path: String },
    /// HTTP 401: the service no longer accepts the session token.
    #[error(
        "the instance metadata service rejected the session token (HTTP status 401 for {path})"
    )]
    TokenRejected { path: String },
    /// The session token is not a valid HTTP header. The message omits it.
    #[error("the instance metadata service returned an invalid session token")]
    InvalidToken,
    /// Any HTTP status other than 200 and, for an item, 404.
    #[error("the instance metadata service returned HTTP status {status} for {path}")]
    UnexpectedStatus { path: String, status: StatusCode },
    /// HTTP 404 for an item that every instance has.
    #[error("the instance metadata service has no {path}")]
    Missing { path: String },
    /// The response exceeds the size limit.
    #[error("the instance metadata service returned more than {MAX_ITEM_BYTES} bytes for {path}")]
    TooLarge { path: String },
    /// The value has the wrong format.
    #[error("the instance metadata service returned an invalid value for {path}")]
    InvalidValue {
        path: String,
        /// The expected format and the value.
        source: InvalidIdentifier,
    },
    /// The endpoint is not a URL, or the HTTP client cannot be created.
    #[error("invalid instance metadata endpoint {endpoint:?}")]
    Endpoint {
        /// The configured URL.
        endpoint: String,
        source: reqwest::Error,
    },
}

impl Advice for ImdsError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Unreachable { .. } => {
                "check that this is an EC2 instance (an EKS hybrid node has no instance metadata and is not supported) and that no firewall blocks 169.254.169.254; in a container, raise the hop limit: `aws ec2 modify-instance-metadata-options --instance-id ID --http-put-response-hop-limit 2`"
            }
            Self::Disabled { .. } => {
                "run `aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled`"
            }
            Self::Endpoint { .. } => ENDPOINT_HELP,
            error @ Self::UnexpectedStatus { .. } if error.is_transient() => {
                "check that no process on this node sends many requests to 169.254.169.254, and which server responds at the metadata endpoint"
            }
            Self::TokenRejected { .. }
            | Self::InvalidToken
            | Self::UnexpectedStatus { .. }
            | Self::Missing { .. }
            | Self::TooLarge { .. }
            | Self::InvalidValue { .. } => {
                "check which server responds at the metadata endpoint; AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may redirect requests"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Endpoint { .. } => ExitCode::Settings,
            Self::Disabled { .. } => ExitCode::Unavailable,
            Self::Missing { .. } => ExitCode::InvalidData,
            error if error.is_transient() => ExitCode::Unavailable,
            _ => ExitCode::InvalidData,
        }
    }
}

impl Transient for ImdsError {
    fn is_transient(&self) -> bool {
        match self {
            // Early in a boot, the service may not have the item yet.
            Self::Unreachable { .. } | Self::Missing { .. } => true,
            Self::UnexpectedStatus { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }

    fn is_expected(&self) -> bool {
        matches!(self, Self::Missing { .. })
    }
}

/// An IMDSv2 session, whose requests all send its token.
pub struct Session {
    http: Client,
    endpoint: String,
    token: HeaderValue,
    deadline: Deadline,
    /// The time for which HTTP 404 is retried for an item that is not required.
    patience: Duration,
}

/// Omits the token.
impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Session {
    /// Opens a session, retrying until `deadline` because the network may come up late.
    pub async fn open(context: &Context, deadline: Deadline) -> Result<Self, ImdsError> {
        let endpoint = context.imds_endpoint.trim_end_matches('/').to_owned();
        let http = Client::builder()
            .no_proxy() // a proxy would return the metadata of its own instance
            .redirect(Policy::none())
            .dns_resolver(Arc::new(context.resolver.clone()))
            .build()
            .map_err(|source| ImdsError::Endpoint { endpoint: endpoint.clone(), source })?;
        let patience = deadline.at_most(Duration::MAX) / PATIENCE;
        let mut session =
            Self { http, endpoint, token: HeaderValue::from_static(""), deadline, patience };
        let path = "latest/api/token";
        session.token = retry("imds", deadline, async || {
            let request = session
                .http
                .put(format!("{}/{path}", session.endpoint))
                .header("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL_SECONDS);
            let bytes = session.send(path, request).await?;
            let status = StatusCode::NOT_FOUND;
            bytes.ok_or_else(|| ImdsError::UnexpectedStatus { path: path.to_owned(), status })
        })
        .await
        .and_then(|bytes| HeaderValue::try_from(bytes).map_err(|_| ImdsError::InvalidToken))?;
        session.token.set_sensitive(true);
        Ok(session)
    }

    /// Returns the item at `path`, such as `meta-data/instance-type`; `None` for HTTP 404.
    pub(crate) async fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, ImdsError> {
        let path = format!("latest/{path}");
        retry("imds", self.deadline, async || {
            let request = self
                .http
                .get(format!("{}/{path}", self.endpoint))
                .header("X-aws-ec2-metadata-token", &self.token);
            self.send(&path, request).await
        })
        .await
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
        parse(path, &self.awaited(path, self.deadline).await?)
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
        let deadline = Deadline::after(self.deadline.at_most(self.patience));
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

    /// Sends one request; returns `None` for HTTP 404.
    async fn send(
        &self,
        path: &str,
        request: RequestBuilder,
    ) -> Result<Option<Vec<u8>>, ImdsError> {
        let path = path.to_owned();
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
        let response = request.timeout(attempt).send().await.map_err(unreachable)?;
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
