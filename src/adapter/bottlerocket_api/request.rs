//! The requests to the settings API.

use std::fmt;

/// A kind of request, printed as its method and path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Reads settings.
    Get,
    /// Lists the transactions.
    List,
    /// Adds changes to a transaction.
    Patch,
    /// Commits a transaction and renders its settings.
    Commit,
    /// Renders live settings.
    Apply,
    /// Deletes a transaction.
    Discard,
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Get => "GET /settings",
            Self::List => "GET /tx/list",
            Self::Patch => "PATCH /settings",
            Self::Commit => "POST /tx/commit_and_apply",
            Self::Apply => "POST /tx/apply",
            Self::Discard => "DELETE /tx",
        })
    }
}
