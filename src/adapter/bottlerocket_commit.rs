//! Bottlerocket's settings: one transaction, and then until the kubelet's files show it.

use crate::adapter::bottlerocket::{Api, BottlerocketError};
use crate::adapter::disk::{self, Outcome};
use crate::adapter::{Deadline, chain, retry};
use eni_core::host::bottlerocket::{
    KUBELET_CONFIG, KUBELET_ENV, KubeletSettings, ROOTFS, not_rendered,
};
use std::path::Path;
use std::time::Duration;
use tracing::warn;

/// Makes `wanted` the live settings, and sees them rendered within `render_wait`.
pub(super) async fn set(
    root: &Path,
    current: &KubeletSettings,
    wanted: &KubeletSettings,
    render_wait: Duration,
) -> Result<Outcome, BottlerocketError> {
    let api = Api::at(root)?;
    let outcome = if current != wanted {
        commit(&api, wanted).await?;
        Outcome::Written
    } else if let Some(why) = missing(root, wanted) {
        // A run before this one was cut off, or its applier failed.
        warn!("bottlerocket: the settings say so already, and {why}; having them rendered");
        api.apply(wanted).await?;
        Outcome::Written
    } else {
        return Ok(Outcome::Unchanged);
    };
    let rendered = async || match missing(root, wanted) {
        None => Ok(()),
        Some(why) => Err(BottlerocketError::NotRendered(why)),
    };
    retry(Deadline::after(render_wait), rendered).await?;
    Ok(outcome)
}

/// One transaction of our own: the shared one may hold somebody else's changes.
async fn commit(api: &Api, wanted: &KubeletSettings) -> Result<(), BottlerocketError> {
    let tx = transaction();
    if let Err(error) = api.patch(&tx, wanted).await {
        discard(api, &tx).await;
        return Err(error);
    }
    let Err(error) = api.commit_and_apply(&tx).await else { return Ok(()) };
    // A failure here may come after the commit: of the applier, or of the answer's way to us.
    let is_live = api.live().await.is_ok_and(|live| live.kubelet.only(wanted) == *wanted);
    if !is_live {
        discard(api, &tx).await;
        return Err(error);
    }
    warn!("{}; the settings are live all the same, having them rendered", chain(&error));
    api.apply(wanted).await
}

/// One that nobody commits would stay until the next boot.
async fn discard(api: &Api, tx: &str) {
    if let Err(error) = api.discard(tx).await {
        warn!("{}; the transaction {tx} is gone at the next boot", chain(&error));
    }
}

/// Its name: `eni-bootstrap-` and a number that no other run has.
fn transaction() -> String {
    // Without random numbers the process's own will do: it is no other's for as long as this one runs.
    let number = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    format!("eni-bootstrap-{number:016x}")
}

/// What the kubelet's files do not show yet; `None` where they show all of it.
fn missing(root: &Path, wanted: &KubeletSettings) -> Option<String> {
    let read = |path: &str| {
        let path = disk::under(&disk::under(root, Path::new(ROOTFS)), Path::new(path));
        let text = disk::read(&path).map_err(|error| chain(&error))?;
        text.ok_or_else(|| format!("there is no {}", path.display()))
    };
    match (read(KUBELET_CONFIG), read(KUBELET_ENV)) {
        (Ok(config), Ok(env)) => not_rendered(wanted, &config, &env),
        (Err(why), _) | (_, Err(why)) => Some(why),
    }
}
