//! `undo`: removes everything that `run` configured on this node, for every host family. Run it
//! before you remove the package.

use crate::adapter::bottlerocket_api::Api;
use crate::adapter::disk::{self, RunLock};
use crate::adapter::{Context, Deadline, image_files, retry};
use crate::apply::{self, Applied};
use crate::command::{outdated, run_result};
use crate::error::Error;
use crate::observe::ObserveError;
use crate::report;
use clap::Args;
use eni_core::host::{self, bottlerocket};
use eni_core::record::{BOTTLEROCKET_RECORD, MARKER, RECORD};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tracing::warn;

/// The timeout for another run to end, and for each change.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The flags of `undo`.
#[derive(Debug, Args)]
pub(crate) struct UndoArgs {
    /// Revert the changes only if `run` made them for another instance or instance type
    ///
    /// Compare DMI data with the data of the last run. This needs no network and works with invalid settings.
    #[arg(long)]
    if_outdated: bool,
}

/// Removes the files of eni-bootstrap, its temporary files, and its blocks in files that it does not own.
pub(crate) async fn undo(context: Context, args: &UndoArgs) -> Result<(), Error> {
    let root = &context.root;
    let deadline = Deadline::after(TIMEOUT);
    let _lock = retry("lock", deadline, async || RunLock::take(root)).await?;
    if args.if_outdated {
        outdated::remove_of_other_hardware(&context).await;
        return Ok(());
    }
    let image = image_files::read(root).await.map_err(ObserveError::from)?.image;
    let changes = host::remove(&image);
    let applied = apply::apply(&context, &changes, &image, TIMEOUT).await.map_err(Error::Undo)?;
    report::applied(&applied);
    let records = [RECORD, BOTTLEROCKET_RECORD, MARKER];
    let own = [bottlerocket::RECORD].into_iter().chain(records).map(PathBuf::from);
    for path in host::target_files(&image).chain(own) {
        let draft = disk::remove_draft(root, &path).map_err(|error| Error::Undo(error.into()))?;
        if let Some(draft) = draft {
            report::draft_removed(&draft);
        }
    }
    for path in records {
        let outcome = disk::remove_node_file(root, Path::new(path))?;
        report::applied(&[Applied { target: path.to_owned(), outcome }]);
    }
    disk::remove_volatile(root, run_result::path(root))?;
    if Api::is_at(root) {
        warn!(
            "undo: Bottlerocket's settings are unchanged, because its API cannot remove settings; replace the node to remove them"
        );
    }
    Ok(())
}
