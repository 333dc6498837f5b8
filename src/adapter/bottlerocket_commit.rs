//! Changes Bottlerocket's settings in one transaction, and waits until the kubelet's files contain them.

use crate::adapter::bottlerocket_api::{Api, BottlerocketError};
use crate::adapter::disk;
use crate::adapter::{Context, Deadline, retry};
use eni_core::failure::one_line;
use eni_core::host::Outcome;
use eni_core::host::bottlerocket::{
    KUBELET_CONFIG, KUBELET_ENV, KubeletSettings, NotRendered, ROOTFS, check_rendered,
};
use std::path::Path;
use std::time::Duration;
use tracing::{info, warn};

/// The start of the name of every transaction.
const TRANSACTION: &str = "eni-bootstrap-";
/// The timeout for the deletion of transactions when the program is stopped.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// Commits `settings`, and waits up to `render_wait` until the kubelet's files contain them.
pub(crate) async fn commit(
    context: &Context,
    current: &KubeletSettings,
    settings: &KubeletSettings,
    render_wait: Duration,
) -> Result<Outcome, BottlerocketError> {
    let (api, root) = (Api::new(context)?, &context.root);
    discard_all(&api).await;
    if current != settings {
        commit_and_apply(&api, current, settings).await?;
    } else if let Err(reason) = rendered(root, settings) {
        // An earlier run was interrupted, or its settings applier failed.
        warn!("apply: {}; rendering the settings again", one_line(&reason));
        api.apply(settings).await?;
    } else {
        return Ok(Outcome::Unchanged);
    }
    let deadline = Deadline::after(render_wait);
    let Err(error) = retry("apply", deadline, async || rendered(root, settings)).await else {
        return Ok(Outcome::Written);
    };
    // The files contain the values of another program, if it has changed the settings since the commit.
    match api.live().await.map(|live| settings.check_live(&live.kubelet)) {
        Ok(Err(changed)) => Err(BottlerocketError::Changed(changed)),
        _ => Err(error),
    }
}

/// Checks that `settings` are still live and rendered: a program that started its change before the commit
/// may have ended it later. If they are not, configures them once more, and waits up to `render_wait`.
///
/// The API removes no label, so a new value of the label that the CNI reads first is an error.
/// `external_label` is its value in the plan.
pub(crate) async fn confirm(
    context: &Context,
    settings: &KubeletSettings,
    external_label: Option<&str>,
    render_wait: Duration,
) -> Result<(), BottlerocketError> {
    let (api, root) = (Api::new(context)?, &context.root);
    let live = api.live().await.map(|live| live.kubelet);
    if let Ok(live) = &live {
        settings.check_external_label(live, external_label).map_err(BottlerocketError::Changed)?;
    }
    let reason = match (&live, rendered(root, settings)) {
        (Err(error), Ok(())) => {
            warn!(
                "apply: failed to check the live settings again, but the kubelet's files are correct: {}",
                one_line(error)
            );
            return Ok(());
        }
        (Ok(live), rendered) => {
            match settings.check_live(live).map_err(BottlerocketError::Changed).and(rendered) {
                Ok(()) => return Ok(()),
                Err(reason) => reason,
            }
        }
        (Err(_), Err(reason)) => reason,
    };
    warn!(
        "apply: another program changed settings.kubernetes or the kubelet's files during this run; configuring them again: {}",
        one_line(&reason)
    );
    let live = live?;
    if settings.check_live(&live).is_err() {
        commit_and_apply(&api, &live, settings).await?;
    } else {
        api.apply(settings).await?;
    }
    retry("apply", Deadline::after(render_wait), async || {
        let live = api.live().await?.kubelet;
        settings.check_live(&live).map_err(BottlerocketError::Changed)?;
        rendered(root, settings)
    })
    .await
}

/// Deletes the transactions of this program after a signal stopped it.
pub(crate) async fn clean_up(context: &Context) {
    if !Api::is_at(&context.root) {
        return;
    }
    match Api::new(context) {
        Ok(api) => {
            if tokio::time::timeout(CLEAN_UP, discard_all(&api)).await.is_err() {
                warn!(
                    "apply: no response from the Bottlerocket settings API; the next run deletes the transaction"
                );
            }
        }
        Err(error) => warn!("apply: {}", one_line(&error)),
    }
}

/// Commits the settings in a separate transaction: the default one may contain changes of other programs.
async fn commit_and_apply(
    api: &Api,
    current: &KubeletSettings,
    settings: &KubeletSettings,
) -> Result<(), BottlerocketError> {
    let tx = transaction();
    if let Err(error) = api.patch(&tx, settings).await {
        discard(api, &tx).await;
        return Err(error);
    }
    let Err(error) = api.commit_and_apply(&tx).await else { return Ok(()) };
    // The request may have failed after the commit: the settings applier failed, or the response was lost.
    match api.live().await {
        Ok(live) if settings.check_live(&live.kubelet).is_ok() => {
            warn!("apply: {}; the settings are committed; rendering them again", one_line(&error));
            api.apply(settings).await
        }
        Ok(live) => {
            discard(api, &tx).await;
            let committed = settings.difference(current).common(&live.kubelet).names();
            if committed.is_empty() {
                return Err(error);
            }
            let missing = settings.difference(&live.kubelet).names();
            let source = Box::new(error);
            Err(BottlerocketError::PartlyCommitted { live: committed, missing, source })
        }
        Err(unread) => {
            warn!("apply: {}", one_line(&unread));
            discard(api, &tx).await;
            Err(BottlerocketError::UnknownCommit(Box::new(error)))
        }
    }
}

/// Deletes the transactions of earlier runs, which were killed between the PATCH request and the commit.
async fn discard_all(api: &Api) {
    let transactions = match api.transactions().await {
        Ok(transactions) => transactions,
        Err(error) => {
            return warn!("apply: transactions of earlier runs not deleted: {}", one_line(&error));
        }
    };
    for tx in transactions.iter().filter(|tx| tx.starts_with(TRANSACTION)) {
        match api.discard(tx).await {
            Ok(()) => info!("apply: transaction {tx} of an earlier run deleted"),
            Err(error) => not_deleted(tx, &error),
        }
    }
}

/// Deletes a transaction. If this fails, the transaction remains until the next run or boot.
async fn discard(api: &Api, tx: &str) {
    if let Err(error) = api.discard(tx).await {
        not_deleted(tx, &error);
    }
}

fn not_deleted(tx: &str, error: &BottlerocketError) {
    warn!(
        "apply: {}; transaction {tx} is not deleted; Bottlerocket deletes it at the next boot",
        one_line(error)
    );
}

/// Returns a transaction name: `eni-bootstrap-` and 16 random hexadecimal digits.
fn transaction() -> String {
    // Falls back to the process ID, which is unique while this process runs.
    let number = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
    format!("{TRANSACTION}{number:016x}")
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
