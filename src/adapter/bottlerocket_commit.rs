//! Changes Bottlerocket's settings in one transaction, and waits until the kubelet's files contain them.

use crate::adapter::bottlerocket_api::{Api, BottlerocketError};
use crate::adapter::disk;
use crate::adapter::{Deadline, retry};
use eni_core::failure::one_line;
use eni_core::host::Outcome;
use eni_core::host::bottlerocket::{
    KUBELET_CONFIG, KUBELET_ENV, KubeletSettings, NotRendered, ROOTFS, check_rendered,
};
use std::path::Path;
use std::time::Duration;
use tracing::warn;

/// Commits `settings`, and waits up to `render_wait` until the kubelet's files contain them.
pub(crate) async fn commit(
    root: &Path,
    current: &KubeletSettings,
    settings: &KubeletSettings,
    render_wait: Duration,
) -> Result<Outcome, BottlerocketError> {
    let api = Api::at(root)?;
    if current != settings {
        commit_and_apply(&api, settings).await?;
    } else if let Err(reason) = rendered(root, settings) {
        // An earlier run was interrupted, or its settings applier failed.
        warn!("apply: {}; rendering the settings again", one_line(&reason));
        api.apply(settings).await?;
    } else {
        return Ok(Outcome::Unchanged);
    }
    retry("apply", Deadline::after(render_wait), async || rendered(root, settings)).await?;
    Ok(Outcome::Written)
}

/// Commits the settings in a separate transaction: the default one may contain changes of other programs.
async fn commit_and_apply(api: &Api, settings: &KubeletSettings) -> Result<(), BottlerocketError> {
    let tx = transaction();
    if let Err(error) = api.patch(&tx, settings).await {
        discard(api, &tx).await;
        return Err(error);
    }
    let Err(error) = api.commit_and_apply(&tx).await else { return Ok(()) };
    // The request may have failed after the commit: the settings applier failed, or the response was lost.
    let is_live = api.live().await.is_ok_and(|live| live.kubelet.only(settings) == *settings);
    if !is_live {
        discard(api, &tx).await;
        return Err(error);
    }
    warn!("apply: {}; the settings are committed; rendering them again", one_line(&error));
    api.apply(settings).await
}

/// Deletes a transaction. If this fails, the transaction remains until the next boot.
async fn discard(api: &Api, tx: &str) {
    if let Err(error) = api.discard(tx).await {
        warn!(
            "apply: {}; transaction {tx} is not deleted; Bottlerocket deletes it at the next boot",
            one_line(&error)
        );
    }
}

/// Returns a transaction name: `eni-bootstrap-` and 16 random hexadecimal digits.
fn transaction() -> String {
    // Falls back to the process ID, which is unique while this process runs.
    let number = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    format!("eni-bootstrap-{number:016x}")
}

/// Returns an error unless the kubelet's files on the host contain the settings.
fn rendered(root: &Path, settings: &KubeletSettings) -> Result<(), BottlerocketError> {
    let read = |path: &'static str| {
        let file = disk::under(&disk::under(root, Path::new(ROOTFS)), Path::new(path));
        let text = disk::read(&file).map_err(BottlerocketError::KubeletFile)?;
        text.ok_or_else(|| BottlerocketError::NotRendered(NotRendered::Missing(path)))
    };
    let (config, env) = (read(KUBELET_CONFIG)?, read(KUBELET_ENV)?);
    check_rendered(settings, &config, &env).map_err(BottlerocketError::NotRendered)
}
