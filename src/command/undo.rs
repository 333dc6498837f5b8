//! Takes away what `run` wrote on this node, whatever host it was: for whoever removes the package.

use crate::adapter::bottlerocket_api::Api;
use crate::adapter::disk::RunLock;
use crate::adapter::{Deadline, Endpoints, image_files, retry};
use crate::error::Error;
use crate::observe::ObserveError;
use crate::{apply, report};
use eni_core::host;
use std::time::Duration;
use tracing::warn;

/// How long another run may take to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Removes every file of ours, and our block in those that are not.
pub async fn undo(endpoints: Endpoints) -> Result<(), Error> {
    let root = &endpoints.root;
    let deadline = Deadline::after(PATIENCE);
    let _alone = retry(deadline, async || RunLock::take(root)).await?;
    let image = image_files::read(root).await.map_err(ObserveError::from)?;
    let applied = apply::apply(root, &host::remove(&image), PATIENCE).await?;
    report::applied(&applied);
    if Api::is_at(root) {
        warn!(
            "Bottlerocket's settings stay as they are: its API takes none away. A node without them is a new one"
        );
    }
    Ok(())
}
