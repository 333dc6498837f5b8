//! Bottlerocket's settings: one transaction, and then until the kubelet's files show it.

use crate::adapter::bottlerocket::{Api, BottlerocketError};
use crate::adapter::disk::{self, Outcome};
use crate::adapter::{Deadline, chain, retry};
use crate::host::bottlerocket::{
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
    } else if let Err(BottlerocketError::NotRendered(why)) = rendered(root, wanted) {
        // A run before this one was cut off, or its applier failed.
        warn!("bottlerocket: the settings say so already, and {why}; having them rendered");
        api.apply(wanted).await?;
        Outcome::Written
    } else {
        return Ok(Outcome::Unchanged);
    };
    retry(Deadline::after(render_wait), async || rendered(root, wanted)).await?;
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
    let live = match api.live().await {
        Ok(live) => live.kubelet,
        Err(_) => return Err(error),
    };
    if live.only(wanted) != *wanted {
        discard(api, &tx).await;
        return Err(error);
    }
    warn!("{}; the settings are live all the same, having them rendered", chain(&error));
    api.apply(wanted).await
}

/// Nothing of ours may wait for somebody else's commit.
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

/// Whether the kubelet's files show the settings.
fn rendered(root: &Path, wanted: &KubeletSettings) -> Result<(), BottlerocketError> {
    let read = |path: &str| {
        let path = disk::under(&disk::under(root, Path::new(ROOTFS)), Path::new(path));
        match disk::read(&path) {
            Ok(Some(text)) => Ok(text),
            Ok(None) => {
                Err(BottlerocketError::NotRendered(format!("there is no {}", path.display())))
            }
            Err(error) => Err(BottlerocketError::NotRendered(chain(&error))),
        }
    };
    match not_rendered(wanted, &read(KUBELET_CONFIG)?, &read(KUBELET_ENV)?) {
        None => Ok(()),
        Some(why) => Err(BottlerocketError::NotRendered(why)),
    }
}
