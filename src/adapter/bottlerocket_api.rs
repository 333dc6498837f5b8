//! Bottlerocket's settings, through the API on its Unix socket: read, and changed in a transaction of
//! our own. Another agent may be at work in another transaction.

use super::Transient;
use eni_core::host::bottlerocket::{KubeletSettings, Live, NotSettings, OTHER_KEYS};
use reqwest::{Client, Method, StatusCode};
use serde_json::json;
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tracing::debug;

/// Where a bootstrap container finds the socket.
///
/// Source: `packages/os/apiserver.service`, bottlerocket-os/bottlerocket-core-kit.
const SOCKET: &str = "run/api.sock";
/// One request. The server is on this machine, and has one thread for everybody.
const ATTEMPT: Duration = Duration::from_secs(10);
/// As much of a refusal's words as a log should hold: its list of known keys is long.
const MOST_WORDS: usize = 400;

/// Bottlerocket's settings could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum BottlerocketError {
    /// No answer, or half of one. The mount is of the socket itself: a server that was started anew
    /// since is out of reach for good.
    #[error("Bottlerocket's settings API (/run/api.sock) gave no answer to {request}")]
    Unreachable {
        /// What was asked for.
        request: Request,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// An answer that is no settings: a stranger's, or half of it is missing.
    #[error("Bottlerocket's settings API (/run/api.sock) answered {request} with nonsense")]
    Nonsense {
        /// What was asked for.
        request: Request,
        /// Where, and not what: settings hold secrets.
        source: NotSettings,
    },
    /// It would not do it.
    #[error("Bottlerocket's settings API refused {request} with {status}: {said}")]
    Refused {
        /// What was asked for.
        request: Request,
        /// By which status.
        status: StatusCode,
        /// Its own words.
        said: String,
    },
    /// The settings are committed, and the kubelet's files do not show them.
    #[error("Bottlerocket has its new settings, and has not rendered them: {0}")]
    NotRendered(String),
}

impl BottlerocketError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } | Self::Nonsense { .. } => {
                "look at `journalctl -u apiserver`; /run/api.sock is of the server that ran when this container was started"
            }
            Self::Refused { request: Request::Get, .. } => {
                "look at `journalctl -u apiserver`; settings that were locked (lockdown) can be read again after a reboot"
            }
            Self::Refused { request: Request::Apply, .. } => {
                "look at `journalctl -u apiserver`: the settings are live, and could not be rendered"
            }
            Self::Refused { .. } => {
                "correct what it names; nothing is changed. This version of Bottlerocket may not have the setting, or its settings may be locked (lockdown)"
            }
            Self::NotRendered(_) => {
                "look at `journalctl -u apiserver` for the template that failed: one that fails leaves every file of the kubelet's as it was; a slow machine takes a longer host.render-wait"
            }
        }
    }
}

impl Transient for BottlerocketError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::NotRendered(_))
    }

    /// Rendering comes after the commit.
    fn is_usual(&self) -> bool {
        matches!(self, Self::NotRendered(_))
    }
}

/// A request by its method and path, without what only this run knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Read.
    Get,
    /// Change, in a transaction.
    Patch,
    /// Make the transaction's changes the live ones, and have them rendered.
    Commit,
    /// Have live settings rendered.
    Apply,
    /// Drop the transaction.
    Discard,
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Get => "GET /settings",
            Self::Patch => "PATCH /settings",
            Self::Commit => "POST /tx/commit_and_apply",
            Self::Apply => "POST /tx/apply",
            Self::Discard => "DELETE /tx",
        })
    }
}

/// The API.
#[derive(Clone, Debug)]
pub struct Api {
    http: Client,
}

impl Api {
    /// Whether its socket is there.
    #[must_use]
    pub fn is_at(root: &Path) -> bool {
        root.join(SOCKET).exists()
    }

    /// By its socket under `root`.
    pub fn at(root: &Path) -> Result<Self, BottlerocketError> {
        let http = Client::builder().unix_socket(root.join(SOCKET)).no_proxy().timeout(ATTEMPT);
        let http = http.build().map_err(|error| unreachable(Request::Get, error))?;
        Ok(Self { http })
    }

    /// The settings as they are.
    pub async fn live(&self) -> Result<Live, BottlerocketError> {
        // One after the other: the server has one thread, and one connection serves both.
        let kubernetes = self.get("prefix=settings.kubernetes").await?;
        let others = self.get(&format!("keys={OTHER_KEYS}")).await?;
        let nonsense = |source| BottlerocketError::Nonsense { request: Request::Get, source };
        Live::read(&kubernetes, &others).map_err(nonsense)
    }

    async fn get(&self, query: &str) -> Result<String, BottlerocketError> {
        self.ask(Request::Get, Method::GET, &format!("settings?{query}"), None, StatusCode::OK)
            .await
    }

    /// Puts changes into a transaction; nothing is live yet. All of them, or none.
    pub async fn patch(&self, tx: &str, wanted: &KubeletSettings) -> Result<(), BottlerocketError> {
        let body = json!({ "kubernetes": wanted }).to_string();
        let path = format!("settings?tx={tx}");
        self.ask(Request::Patch, Method::PATCH, &path, Some(body), StatusCode::NO_CONTENT).await?;
        Ok(())
    }

    /// Makes a transaction live. Success says no more than that: what is rendered comes later.
    pub async fn commit_and_apply(&self, tx: &str) -> Result<(), BottlerocketError> {
        let path = format!("tx/commit_and_apply?tx={tx}");
        let said = self.ask(Request::Commit, Method::POST, &path, None, StatusCode::OK).await?;
        let keys: Result<Vec<String>, _> = serde_json::from_str(&said);
        let keys = keys.map_err(|error| BottlerocketError::Nonsense {
            request: Request::Commit,
            source: NotSettings { line: error.line(), column: error.column() },
        })?;
        debug!("bottlerocket: committed {}", keys.join(", "));
        Ok(())
    }

    /// Has these settings rendered, which are live already. Never without keys: that would render
    /// everything, and restart every service there is.
    pub async fn apply(&self, wanted: &KubeletSettings) -> Result<(), BottlerocketError> {
        let path = format!("tx/apply?keys={}", wanted.keys());
        self.ask(Request::Apply, Method::POST, &path, None, StatusCode::NO_CONTENT).await?;
        Ok(())
    }

    /// Drops a transaction.
    pub async fn discard(&self, tx: &str) -> Result<(), BottlerocketError> {
        let path = format!("tx?tx={tx}");
        self.ask(Request::Discard, Method::DELETE, &path, None, StatusCode::OK).await?;
        Ok(())
    }

    async fn ask(
        &self,
        request: Request,
        method: Method,
        path: &str,
        body: Option<String>,
        wanted: StatusCode,
    ) -> Result<String, BottlerocketError> {
        let mut asked = self.http.request(method, format!("http://localhost/{path}"));
        if let Some(body) = body {
            asked = asked.header("Content-Type", "application/json").body(body);
        }
        let answer = asked.send().await.map_err(|error| unreachable(request, error))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| unreachable(request, error))?;
        debug!("bottlerocket: {request}: {status}");
        if status == wanted {
            return Ok(text);
        }
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut said: String = words.chars().take(MOST_WORDS).collect();
        if said.len() < words.len() {
            said.push('…');
        }
        Err(BottlerocketError::Refused { request, status, said })
    }
}

fn unreachable(request: Request, error: reqwest::Error) -> BottlerocketError {
    // The URL has no host of its own, and the request is said already.
    BottlerocketError::Unreachable { request, source: error.without_url() }
}
