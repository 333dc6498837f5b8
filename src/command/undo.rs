//! `undo`: removes everything that `run` configured on this node, for every host family. Run it
//! before you remove the package.

use crate::adapter::bottlerocket_api::Api;
use crate::adapter::disk::{self, RunLock};
use crate::adapter::{Context, Deadline, image_files, retry};
use crate::error::Error;
use crate::observe::ObserveError;
use crate::{apply, report};
use eni_core::host;
use std::time::Duration;
use tracing::warn;

/// The timeout for another run to end, and for each change.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Removes the files of eni-bootstrap, its temporary files, and its blocks in files that it does not own.
pub(crate) async fn undo(context: Context) -> Result<(), Error> {
    let root = &context.root;
    let deadline = Deadline::after(TIMEOUT);
    let _lock = retry("lock", deadline, async || RunLock::take(root)).await?;
    let image = image_files::read(root).await.map_err(ObserveError::from)?.image;
    let changes = host::remove(&image);
    let applied = apply::apply(root, &changes, &image, TIMEOUT).await.map_err(Error::Undo)?;
    report::applied(&applied);
    for path in host::target_files() {
        let draft = disk::remove_draft(root, path).map_err(|error| Error::Undo(error.into()))?;
        if let Some(draft) = draft {
            report::draft_removed(&draft);
        }
    }
    if Api::is_at(root) {
        warn!(
            "undo: Bottlerocket's settings are unchanged, because its API cannot remove settings; replace the node to remove them"
        );
    }
    Ok(())
}
