//! Removes the kubelet configuration that an earlier run wrote for another instance or instance type.
//!
//! If this run fails and the unit fails open, the kubelet must not start with these values.

use crate::adapter::bottlerocket_api::Api;
use crate::adapter::{Context, disk, hardware, image_files};
use crate::apply::{self, ApplyError};
use crate::observe::{self, ObserveError};
use crate::report;
use eni_core::facts::Instance;
use eni_core::failure::one_line;
use eni_core::host;
use eni_core::record::{Identity, InvalidRecord, MARKER};
use std::path::Path;
use std::time::Duration;
use tracing::{info, warn};

/// The timeout of each change.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A failure to remove the configuration.
#[derive(Debug, thiserror::Error)]
enum RemoveError {
    #[error(transparent)]
    Observe(#[from] ObserveError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
}

/// Removes the configuration if the hardware is not the one for which it was computed. Needs no network.
pub(super) async fn remove_of_other_hardware(context: &Context) {
    let root = &context.root;
    let hardware = hardware::identity(root);
    if let Some(marker) = marker(root).filter(|marker| marker.hardware.differs(&hardware)) {
        remove(context, &marker).await;
    }
}

/// Removes the configuration and the record of the last run if they are of another instance or type.
pub(super) async fn remove_of_another_instance(context: &Context, instance: &Instance) {
    let root = &context.root;
    let (id, instance_type) = (instance.instance_id.as_str(), instance.instance_type.as_str());
    let is_other = |it: &Identity| !it.is_of(id, instance_type);
    if let Some(marker) = marker(root).filter(is_other) {
        remove(context, &marker).await;
    }
    if let Some(record) = observe::record(root).filter(|record| is_other(record.instance())) {
        let Identity { instance_id, instance_type, .. } = record.instance();
        info!("record: removing the record of {instance_type} {instance_id}");
        if let Err(error) = disk::remove_file(&observe::record_path(root)) {
            warn!("record: {}", one_line(&error));
        }
    }
}

/// Returns the instance for which the kubelet is configured, if it is known.
fn marker(root: &Path) -> Option<Identity> {
    let path = disk::under(root, Path::new(MARKER));
    let text = disk::read(&path).inspect_err(observe::warn_unreadable).ok()??;
    let skipped =
        |error: &InvalidRecord| warn!("record: {} skipped: {}", path.display(), one_line(error));
    Identity::from_marker(&text).inspect_err(skipped).ok()
}

/// Removes the configuration of `marker`. A failure is a warning: a successful run replaces the
/// configuration.
async fn remove(context: &Context, marker: &Identity) {
    let root = &context.root;
    // The settings of Bottlerocket cannot be removed.
    if Api::is_at(root) {
        return;
    }
    let Identity { instance_id, instance_type, .. } = marker;
    info!("host: removing the kubelet configuration for {instance_type} {instance_id}");
    let removed = async {
        let image = image_files::read(root).await.map_err(ObserveError::from)?.image;
        let applied = apply::apply(context, &host::remove(&image), &image, TIMEOUT).await?;
        Ok::<_, RemoveError>(applied)
    };
    match removed.await {
        Ok(applied) => {
            report::applied(&applied);
            if let Err(error) = disk::remove_node_file(root, Path::new(MARKER)) {
                warn!("host: {}", one_line(&error));
            }
        }
        Err(error) => {
            warn!("host: failed to remove the kubelet configuration: {}", one_line(&error));
        }
    }
}
