//! Bottlerocket's settings, through the API on its Unix socket.

use crate::host::cluster::{self, Said};
use std::path::Path;
use std::time::Duration;
use tracing::debug;

/// Where a bootstrap container finds the socket.
///
/// Source: `packages/os/apiserver.service`, bottlerocket-os/bottlerocket-core-kit.
const SOCKET: &str = "run/api.sock";
/// The server is on this machine.
const ATTEMPT: Duration = Duration::from_secs(2);

/// What Bottlerocket's settings say of the cluster; `None` where this is no Bottlerocket.
pub async fn cluster(root: &Path) -> Option<Said> {
    let socket = root.join(SOCKET);
    if !socket.exists() {
        return None;
    }
    Some(match get(&socket, "settings?prefix=settings.kubernetes").await {
        Ok(text) => cluster::bottlerocket(&text),
        Err(error) => {
            debug!("bottlerocket: {error}");
            Said::PassedOver("its API does not answer")
        }
    })
}

async fn get(socket: &Path, path: &str) -> Result<String, reqwest::Error> {
    let http = reqwest::Client::builder().unix_socket(socket).timeout(ATTEMPT).build()?;
    let response = http.get(format!("http://localhost/{path}")).send().await?;
    response.error_for_status()?.text().await
}
