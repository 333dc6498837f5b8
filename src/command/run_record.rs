//! Writes the record of a successful run, and the marker of the instance for which the kubelet is configured.

use crate::adapter::bottlerocket_api::Api;
use crate::adapter::disk::{self, DiskError};
use crate::adapter::hardware;
use crate::command::node_session::{ClusterState, NodeSession};
use crate::observe;
use eni_core::domain::instance_limits::LimitsSource;
use eni_core::facts::Instance;
use eni_core::failure::one_line;
use eni_core::plan::Plan;
use eni_core::record::{
    Identity, InvalidRecord, MARKER, RecordedEniConfig, RunRecord, SuccessfulRun,
};
use std::path::Path;
use std::time::SystemTime;
use tracing::warn;

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("failed to encode the file")]
    Encode(#[from] InvalidRecord),
}

/// Saves the record of a successful run. A failure is a warning, because this boot does not need the record.
pub(super) fn save(
    node: &NodeSession,
    cluster: &ClusterState,
    plan: &Plan,
    eni_config: Option<RecordedEniConfig>,
) {
    let aws_node = cluster.aws_node.as_ref();
    // A record keeps the time of the run that read the CNI configuration and the limits.
    if aws_node.is_some_and(|it| it.is_recorded)
        || node.facts.limits_source == LimitsSource::LastRun
    {
        return;
    }
    let root = &node.context.root;
    let run = SuccessfulRun {
        facts: &node.facts,
        hardware: hardware::identity(root),
        cluster: cluster.connection.as_ref().map(|connection| &connection.cluster),
        aws_node,
        plan,
        eni_config,
    };
    let record = RunRecord::new(run, SystemTime::now());
    if let Err(error) = write(&observe::record_path(root), record.to_text()) {
        let error = one_line(&error);
        warn!(
            "record: {error}; if the API server is unreachable at the next boot, the kubelet does not start"
        );
    }
}

/// Writes the marker that the kubelet is configured for `instance`, unless Bottlerocket stores the configuration.
pub(super) fn mark(root: &Path, instance: &Instance) {
    if Api::is_at(root) {
        return;
    }
    let marker = Identity::new(instance, hardware::identity(root)).to_marker();
    if let Err(error) = write(&disk::under(root, Path::new(MARKER)), marker) {
        warn!("record: {}", one_line(&error));
    }
}

fn write(path: &Path, text: Result<String, InvalidRecord>) -> Result<(), WriteError> {
    disk::write_atomic(path, text?.as_bytes())?;
    Ok(())
}
