//! Instance Metadata Service, version 2 only.
//!
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>

use crate::adapter::{Context, Deadline, Transient, retry};
use eni_core::domain::identifier::InvalidIdentifier;
use eni_core::error::{Advice, ExitCode};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect::Policy};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tracing::debug;

/// The link-local address that every EC2 instance has.
pub const DEFAULT_ENDPOINT: &str = "http://169.254.169.254";
/// The same over IPv6 (`AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE=IPv6`).
pub const DEFAULT_ENDPOINT_IPV6: &str = "http://[fd00:ec2::254]";

/// One run lasts minutes; six hours (the service's maximum) means that a token never expires on us.
const TOKEN_TTL_SECONDS: &str = "21600";
/// One attempt. The service is on the same host: it answers in milliseconds, or is not there yet.
const ATTEMPT: Duration = Duration::from_secs(2);
/// No item is larger: user data ends at 16 KiB.
const LARGEST_ITEM: usize = 64 << 10;

/// A metadata request that gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub enum ImdsError {
    /// No answer at all: the network is not up yet, or there is no such service.
    #[error("the instance metadata service at {endpoint} does not answer")]
    Unreachable {
        /// Where it was looked for.
        endpoint: String,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// 403: metadata is disabled for this instance, or a proxy stands between.
    #[error("the instance metadata service is disabled for this instance (403 for {path})")]
    Disabled {
        /// What was asked for.
        path: String,
    },
    /// 401: the session's token is no longer good.
    #[error("the instance metadata service does not take the session's token (401 for {path})")]
    TokenRefused {
        /// What was asked for.
        path: String,
    },
    /// Another answer than was asked for.
    #[error("the instance metadata service answered {status} for {path}")]
    Answered {
        /// What was asked for.
        path: String,
        /// What it said.
        status: StatusCode,
    },
    /// An item that every instance has is not there.
    #[error("the instance metadata service has no {path}")]
    Missing {
        /// What was asked for.
        path: String,
    },
    /// More than any item can be.
    #[error("the instance metadata service sent more than {LARGEST_ITEM} bytes for {path}")]
    TooLarge {
        /// What was asked for.
        path: String,
    },
    /// Not the kind of text that the item is.
    #[error("the instance metadata service sent nonsense for {path}")]
    Nonsense {
        /// What was asked for.
        path: String,
        /// What is wrong with it.
        source: InvalidIdentifier,
    },
    /// The endpoint is no URL, or the client cannot be made.
    #[error("{endpoint:?} is not an endpoint to talk to")]
    Endpoint {
        /// As it was given.
        endpoint: String,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
}

impl Advice for ImdsError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Unreachable { .. } => {
                "check that this is an EC2 instance with instance metadata enabled (HttpEndpoint=enabled), a hop limit that reaches here (HttpPutResponseHopLimit), and no firewall before 169.254.169.254"
            }
            Self::Disabled { .. } => {
                "enable instance metadata: `aws ec2 modify-instance-metadata-options --instance-id ID --http-endpoint enabled`"
            }
            _ => {
                "check what answers at the metadata endpoint: AWS_EC2_METADATA_SERVICE_ENDPOINT or a proxy may point elsewhere"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Endpoint { .. } => ExitCode::Settings,
            Self::Disabled { .. } => ExitCode::Unavailable,
            error if error.is_transient() => ExitCode::Unavailable,
            _ => ExitCode::InvalidData,
        }
    }
}

impl Transient for ImdsError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Answered { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            _ => false,
        }
    }
}

/// An open IMDSv2 session. Only [`Session::open`] makes one, so a request without a token cannot be
/// written.
pub struct Session {
    http: Client,
    endpoint: String,
    token: String,
    deadline: Deadline,
}

/// By hand, so that the token is never printed.
impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Session {
    /// Opens a session, retrying until `deadline`: the network may come up late.
    pub async fn open(context: &Context, deadline: Deadline) -> Result<Self, ImdsError> {
        let endpoint = context.imds_endpoint.trim_end_matches('/').to_owned();
        let http = Client::builder()
            .no_proxy() // link-local: a proxy would answer for its own machine
            .redirect(Policy::none())
            .dns_resolver(Arc::new(context.resolver.clone()))
            .build()
            .map_err(|source| ImdsError::Endpoint { endpoint: endpoint.clone(), source })?;
        let mut session = Self { http, endpoint, token: String::new(), deadline };
        let path = "latest/api/token";
        session.token = retry(deadline, async || {
            let request = session
                .http
                .put(format!("{}/{path}", session.endpoint))
                .header("X-aws-ec2-metadata-token-ttl-seconds", TOKEN_TTL_SECONDS);
            let bytes = session.answer(path, request).await?;
            bytes.ok_or_else(|| ImdsError::Missing { path: path.to_owned() })
        })
        .await
        .and_then(|bytes| text(path, bytes))?;
        Ok(session)
    }

    /// Reads `path` (such as `meta-data/instance-type`); `None` where the instance has no such item.
    pub async fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, ImdsError> {
        let path = format!("latest/{path}");
        retry(self.deadline, async || {
            let request = self
                .http
                .get(format!("{}/{path}", self.endpoint))
                .header("X-aws-ec2-metadata-token", &self.token);
            self.answer(&path, request).await
        })
        .await
    }

    /// The same as text.
    pub async fn text(&self, path: &str) -> Result<Option<String>, ImdsError> {
        self.bytes(path).await?.map(|bytes| text(path, bytes)).transpose()
    }

    /// The same as an identifier of the kind `T`.
    pub async fn item<T>(&self, path: &str) -> Result<Option<T>, ImdsError>
    where
        T: std::str::FromStr<Err = InvalidIdentifier>,
    {
        let parsed = |text: String| {
            text.parse().map_err(|source| ImdsError::Nonsense { path: path.to_owned(), source })
        };
        self.text(path).await?.map(parsed).transpose()
    }

    /// An identifier that every instance has.
    pub async fn required<T>(&self, path: &str) -> Result<T, ImdsError>
    where
        T: std::str::FromStr<Err = InvalidIdentifier>,
    {
        self.item(path).await?.ok_or_else(|| ImdsError::Missing { path: path.to_owned() })
    }

    /// One attempt; `None` is a 404.
    async fn answer(
        &self,
        path: &str,
        request: RequestBuilder,
    ) -> Result<Option<Vec<u8>>, ImdsError> {
        let path = path.to_owned();
        let unreachable = |source: reqwest::Error| {
            let endpoint = self.endpoint.clone();
            // The path is said by the caller, and the URL holds no more than both.
            let source = source.without_url();
            if source.is_builder() {
                ImdsError::Endpoint { endpoint, source }
            } else {
                ImdsError::Unreachable { endpoint, source }
            }
        };
        let attempt = self.deadline.at_most(ATTEMPT);
        let begun = Instant::now();
        let response = request.timeout(attempt).send().await.map_err(unreachable)?;
        debug!("imds: {path}: {} after {:?}", response.status(), begun.elapsed());
        match response.status() {
            StatusCode::OK => match body(response).await {
                Ok(Some(bytes)) => Ok(Some(bytes)),
                Ok(None) => Err(ImdsError::TooLarge { path }),
                Err(source) => Err(unreachable(source)),
            },
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::FORBIDDEN => Err(ImdsError::Disabled { path }),
            StatusCode::UNAUTHORIZED => Err(ImdsError::TokenRefused { path }),
            status => Err(ImdsError::Answered { path, status }),
        }
    }
}

/// The body, or `None` where it is longer than any item: it is not read to its end.
async fn body(mut response: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > LARGEST_ITEM {
            return Ok(None);
        }
    }
    Ok(Some(bytes))
}

/// Bytes that must be text.
fn text(path: &str, bytes: Vec<u8>) -> Result<String, ImdsError> {
    String::from_utf8(bytes).map_err(|error| ImdsError::Nonsense {
        path: path.to_owned(),
        source: InvalidIdentifier::new("text", &String::from_utf8_lossy(error.as_bytes())),
    })
}
