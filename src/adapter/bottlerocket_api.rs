//! Client of the Bottlerocket settings API, which listens on a Unix socket. Changes are made in a separate
//! transaction, because other programs may use the default one at the same time.

mod request;

pub use request::Request;

use super::disk::{DiskError, under};
use super::{Context, Recorder, Transient};
use eni_core::failure::{Advice, ExitCode};
use eni_core::host::bottlerocket::{
    InvalidSettings, KubeletSettings, LiveSettings, NotLive, NotRendered, OTHER_KEYS, SOCKET,
};
use eni_core::run_result::Service;
use reqwest::{Client, Method, StatusCode};
use serde_json::json;
use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;
use tracing::debug;

/// The timeout of one request. The server on the same host has one thread for all clients.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(10);
/// The maximum length of an error message from the API, in characters. A message may list all known keys.
const MAX_MESSAGE: usize = 400;

/// The size limit of a response, in bytes. All settings together have less than 1 MiB.
const MAX_BODY: usize = 16 << 20;

/// A failure to read or change the settings of Bottlerocket.
#[derive(Debug, thiserror::Error)]
pub enum BottlerocketError {
    /// There is no complete response. A bootstrap container mounts the socket, so it cannot reach a server
    /// that has restarted since.
    #[error("no response to {request} from the Bottlerocket settings API ({SOCKET})")]
    Unreachable { request: Request, source: reqwest::Error },
    /// The response cannot be parsed.
    #[error("the Bottlerocket settings API ({SOCKET}) returned an invalid response to {request}")]
    InvalidResponse { request: Request, source: InvalidSettings },
    /// The API rejected the request.
    #[error("the Bottlerocket settings API rejected {request} with {status}{message}")]
    Rejected {
        request: Request,
        status: StatusCode,
        /// The message of the API after a colon and a space; empty without a message.
        message: String,
    },
    /// The response is too large.
    #[error("the response to {request} from the Bottlerocket settings API ({SOCKET}) exceeds {} MiB", MAX_BODY >> 20)]
    TooLarge { request: Request },
    /// The commit failed after it had made some values live.
    #[error(
        "Bottlerocket committed only some of the settings; committed: {}; not committed: {}",
        live.join(", "),
        missing.join(", ")
    )]
    PartlyCommitted {
        /// The keys of this run that are live.
        live: Vec<String>,
        /// The keys of this run that are not live.
        missing: Vec<String>,
        source: Box<BottlerocketError>,
    },
    /// The commit failed, and the live settings cannot be read.
    #[error("the commit of Bottlerocket's settings failed, and the live settings are unknown")]
    UnknownCommit(#[source] Box<BottlerocketError>),
    /// Another program changed the settings after the commit.
    #[error("another program changed settings.kubernetes during this run")]
    Changed(#[source] NotLive),
    /// The settings are committed, but the kubelet's files do not contain them.
    #[error("Bottlerocket has not rendered the committed settings")]
    NotRendered(#[source] NotRendered),
    /// A file of the kubelet cannot be read.
    #[error(transparent)]
    KubeletFile(DiskError),
}

impl Advice for BottlerocketError {
    fn help(&self) -> Cow<'static, str> {
        let help = match self {
            Self::Unreachable { .. } | Self::InvalidResponse { .. } | Self::TooLarge { .. } => {
                "check `journalctl -u apiserver`; if apiserver was restarted after this container started, reboot the node"
            }
            Self::Rejected { request: Request::Get | Request::List, .. } => {
                "check `journalctl -u apiserver`; if the settings are locked (lockdown), reboot the node"
            }
            Self::Rejected { request: Request::Apply, .. } => {
                "check `journalctl -u apiserver`; the settings are committed, but their rendering failed"
            }
            Self::PartlyCommitted { .. } => {
                "check `journalctl -u apiserver` and the free space on the data volume, then reboot the node; the next run sets the missing values, and Bottlerocket then renders the kubelet's files"
            }
            Self::UnknownCommit(_) => {
                "run `apiclient get settings.kubernetes` on the host to see which values are live; check `journalctl -u apiserver`, then reboot the node"
            }
            Self::Changed(_) => {
                "find the program that sets it (another bootstrap container, or `apiclient` in a host container), and remove the setting there; then reboot the node"
            }
            Self::Rejected { request: Request::Commit, status, .. } if status.is_server_error() => {
                "check `journalctl -u apiserver` and the free space on the data volume, then reboot the node. No setting was changed"
            }
            Self::Rejected { .. } => {
                "correct the setting in the message; if the setting is correct, this Bottlerocket version may not support it, or the settings are locked (lockdown). No setting was changed"
            }
            Self::NotRendered(_) | Self::KubeletFile(_) => {
                "check `journalctl -u apiserver` for a template that failed to render (if one fails, Bottlerocket writes no kubelet file); if the host is slow, increase `host.render-wait`"
            }
        };
        help.into()
    }

    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Unreachable { .. }
            | Self::NotRendered(_)
            | Self::KubeletFile(_)
            | Self::PartlyCommitted { .. }
            | Self::UnknownCommit(_)
            | Self::Changed(_) => ExitCode::Unavailable,
            Self::InvalidResponse { .. } | Self::TooLarge { .. } => ExitCode::InvalidData,
            // A PATCH that fails with a server error contains a value that cannot be stored.
            Self::Rejected {
                request: Request::Get | Request::List | Request::Commit | Request::Apply,
                status,
                ..
            } if status.is_server_error() => ExitCode::Unavailable,
            Self::Rejected { .. } => ExitCode::Settings,
        }
    }
}

impl Transient for BottlerocketError {
    fn is_transient(&self) -> bool {
        use StatusCode as Status;
        match self {
            Self::NotRendered(_) | Self::KubeletFile(_) | Self::Changed(_) => true,
            // A server that has restarted has another socket, which a bootstrap container cannot reach.
            Self::Unreachable { request: Request::Get, source } => !source.is_connect(),
            // A locked data store returns 500 until the next boot.
            Self::Rejected { request: Request::Get, status, .. } => {
                *status == Status::TOO_MANY_REQUESTS || *status > Status::INTERNAL_SERVER_ERROR
            }
            _ => false,
        }
    }

    /// Rendering starts after the commit, so the first checks usually fail.
    fn is_expected(&self) -> bool {
        matches!(self, Self::NotRendered(_) | Self::KubeletFile(_) | Self::Changed(_))
    }
}

/// A client of the settings API.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    http: Client,
    recorder: Recorder,
}

impl Api {
    /// Returns whether the API's socket exists below `root`.
    #[must_use]
    pub(crate) fn is_at(root: &Path) -> bool {
        under(root, Path::new(SOCKET)).exists()
    }

    /// Returns a client for the socket below the root of `context`.
    pub(crate) fn new(context: &Context) -> Result<Self, BottlerocketError> {
        Self::with_timeout(context, ATTEMPT)
    }

    /// Returns a client for the socket below the root of `context` with this timeout of each request.
    pub(crate) fn with_timeout(
        context: &Context,
        timeout: Duration,
    ) -> Result<Self, BottlerocketError> {
        let http = Client::builder()
            .unix_socket(under(&context.root, Path::new(SOCKET)))
            .no_proxy()
            .timeout(timeout);
        let http = http.build().map_err(|error| unreachable(Request::Get, error))?;
        Ok(Self { http, recorder: context.recorder.clone() })
    }

    /// Returns the live settings.
    pub(crate) async fn live(&self) -> Result<LiveSettings, BottlerocketError> {
        // One request after the other, because the server has one thread.
        let kubernetes = self.get("prefix=settings.kubernetes").await?;
        let others = self.get(&format!("keys={OTHER_KEYS}")).await?;
        let invalid = |source| BottlerocketError::InvalidResponse { request: Request::Get, source };
        LiveSettings::read(&kubernetes, &others).map_err(invalid)
    }

    async fn get(&self, query: &str) -> Result<String, BottlerocketError> {
        self.send(Request::Get, Method::GET, &format!("settings?{query}"), None, StatusCode::OK)
            .await
    }

    /// Returns the names of all transactions with pending changes.
    pub(crate) async fn transactions(&self) -> Result<Vec<String>, BottlerocketError> {
        let list = self.send(Request::List, Method::GET, "tx/list", None, StatusCode::OK).await?;
        names(Request::List, &list)
    }

    /// Adds all settings to the transaction `tx`, or none on an error. The commit makes them live.
    pub(crate) async fn patch(
        &self,
        tx: &str,
        settings: &KubeletSettings,
    ) -> Result<(), BottlerocketError> {
        let body = json!({ "kubernetes": settings }).to_string();
        let path = format!("settings?tx={tx}");
        self.send(Request::Patch, Method::PATCH, &path, Some(body), StatusCode::NO_CONTENT).await?;
        Ok(())
    }

    /// Commits the transaction `tx`. Rendering starts after the response.
    pub(crate) async fn commit_and_apply(&self, tx: &str) -> Result<(), BottlerocketError> {
        let path = format!("tx/commit_and_apply?tx={tx}");
        let keys = self.send(Request::Commit, Method::POST, &path, None, StatusCode::OK).await?;
        let keys = names(Request::Commit, &keys)?;
        debug!("bottlerocket: committed {}", keys.join(", "));
        Ok(())
    }

    /// Renders these settings, which are already live. The request always contains keys: without keys, the
    /// API renders all settings and restarts every service.
    pub(crate) async fn apply(&self, settings: &KubeletSettings) -> Result<(), BottlerocketError> {
        let path = format!("tx/apply?keys={}", settings.keys());
        self.send(Request::Apply, Method::POST, &path, None, StatusCode::NO_CONTENT).await?;
        Ok(())
    }

    /// Deletes the transaction `tx`.
    pub(crate) async fn discard(&self, tx: &str) -> Result<(), BottlerocketError> {
        let path = format!("tx?tx={tx}");
        self.send(Request::Discard, Method::DELETE, &path, None, StatusCode::OK).await?;
        Ok(())
    }

    async fn send(
        &self,
        request: Request,
        method: Method,
        path: &str,
        body: Option<String>,
        success: StatusCode,
    ) -> Result<String, BottlerocketError> {
        let mut builder = self.http.request(method, format!("http://localhost/{path}"));
        if let Some(body) = body {
            builder = builder.header("Content-Type", "application/json").body(body);
        }
        let timer = self.recorder.request(Service::Bottlerocket, || request.to_string());
        let mut response = builder.send().await.map_err(|error| unreachable(request, error))?;
        let status = response.status();
        timer.responded(status.as_u16());
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| unreachable(request, error))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY {
                return Err(BottlerocketError::TooLarge { request });
            }
        }
        let text = String::from_utf8_lossy(&body).into_owned();
        debug!("bottlerocket: {request}: {status}");
        if status == success {
            return Ok(text);
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut message: String = words.chars().take(MAX_MESSAGE).collect();
        if message.len() < words.len() {
            message.push('…');
        }
        if !message.is_empty() {
            message.insert_str(0, ": ");
        }
        Err(BottlerocketError::Rejected { request, status, message })
    }
}

/// Parses a JSON array of names.
fn names(request: Request, response: &str) -> Result<Vec<String>, BottlerocketError> {
    serde_json::from_str(response).map_err(|error| BottlerocketError::InvalidResponse {
        request,
        source: InvalidSettings { line: error.line(), column: error.column() },
    })
}

fn unreachable(request: Request, error: reqwest::Error) -> BottlerocketError {
    // The URL has no real host, and the message contains the request.
    BottlerocketError::Unreachable { request, source: error.without_url() }
}
