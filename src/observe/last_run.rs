//! The record of the last successful run.

use crate::adapter::Context;
use crate::adapter::bottlerocket_api::Api;
use crate::adapter::disk::{self, DiskError};
use eni_core::domain::identifier::{InstanceId, InstanceType};
use eni_core::domain::instance_limits::InstanceLimits;
use eni_core::facts::Facts;
use eni_core::failure::one_line;
use eni_core::record::{BOTTLEROCKET_RECORD, InvalidRecord, RECORD, RunRecord};
use eni_core::settings::{FallbackWait, Settings};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tracing::{info, warn};

/// The time for one attempt, even if `fallback.wait` is shorter.
const ATTEMPT: Duration = Duration::from_secs(5);

/// The record of the last successful run, and when to use it.
#[derive(Clone, Debug)]
pub(crate) struct LastRun {
    pub record: RunRecord,
    /// How long to wait for a response before the recorded values are used.
    pub wait: Duration,
}

/// Returns the path of the record below `root`.
#[must_use]
pub(crate) fn record_path(root: &Path) -> PathBuf {
    let path = if Api::is_at(root) { BOTTLEROCKET_RECORD } else { RECORD };
    disk::under(root, Path::new(path))
}

/// Returns the record below `root`; `None` if there is none. Warns about a record that cannot be read.
#[must_use]
pub(crate) fn record(root: &Path) -> Option<RunRecord> {
    let path = record_path(root);
    let text = disk::read(&path).inspect_err(warn_unreadable).ok()??;
    let skipped =
        |error: &InvalidRecord| warn!("record: {} skipped: {}", path.display(), one_line(error));
    RunRecord::parse(&text).inspect_err(skipped).ok()
}

/// Returns whether eni-bootstrap has succeeded on this node before, so that the node may have registered.
#[must_use]
pub(crate) fn has_record(root: &Path) -> bool {
    record_path(root).exists()
}

/// Warns about a record or marker that cannot be read. The error contains the path.
pub(crate) fn warn_unreadable(error: &DiskError) {
    warn!("record: skipped: {}", one_line(error));
}

/// Returns whether the record is of this instance and contains the CNI configuration that it needs, even
/// if `fallback.wait` is `off`. A record that cannot be read is no evidence.
#[must_use]
pub(crate) fn has_used_cni(root: &Path, facts: &Facts, settings: &Settings) -> bool {
    let instance = &facts.instance;
    let (id, instance_type) = (instance.instance_id.as_str(), instance.instance_type.as_str());
    let text = disk::read(&record_path(root)).ok().flatten();
    text.and_then(|text| RunRecord::parse(&text).ok()).is_some_and(|record| {
        record.instance().is_of(id, instance_type) && record.mismatch(facts, settings).is_none()
    })
}

impl LastRun {
    /// Reads the record unless `fallback.wait` is `off`.
    #[must_use]
    pub(crate) fn read(context: &Context, settings: &Settings) -> Option<Self> {
        match settings.fallback.wait() {
            FallbackWait::Off => None,
            FallbackWait::After(wait) => record(&context.root).map(|record| Self { record, wait }),
        }
    }

    /// Returns `self` if the record is of this instance and contains what this node needs now.
    #[must_use]
    pub(crate) fn applicable(self, facts: &Facts, settings: &Settings) -> Option<Self> {
        let instance = &facts.instance;
        let (id, instance_type) = (instance.instance_id.as_str(), instance.instance_type.as_str());
        if !self.record.instance().is_of(id, instance_type) {
            return None;
        }
        if let Some(reason) = self.record.mismatch(facts, settings) {
            info!("record: the values of the last successful run do not apply: {reason}");
            return None;
        }
        Some(self)
    }

    /// Returns the limits of `instance_type` if the record is of this instance.
    #[must_use]
    pub(crate) fn limits(
        &self,
        id: &InstanceId,
        instance_type: &InstanceType,
    ) -> Option<InstanceLimits> {
        let is_same = self.record.instance().is_of(id.as_str(), instance_type.as_str());
        self.record.limits(instance_type).filter(|_| is_same)
    }

    /// Returns the time limit of a request to EC2 or EKS, which is long enough for one attempt.
    #[must_use]
    pub(crate) fn request_wait(&self) -> Duration {
        self.wait.max(ATTEMPT)
    }

    /// Returns how long ago the run succeeded, such as `3d 4h ago`.
    #[must_use]
    pub(crate) fn age(&self) -> String {
        self.record.age(SystemTime::now())
    }

    /// Warns that a recorded value replaces one that could not be read. `failure` starts with the phase.
    pub(crate) fn warn(&self, failure: &str, value: &str) {
        self.warn_with_help(failure, value, None);
    }

    /// Warns like [`Self::warn`], with a help for the failure.
    pub(crate) fn warn_with_help(&self, failure: &str, value: &str, help: Option<&str>) {
        let help = help.map(|help| format!("; {help}")).unwrap_or_default();
        warn!("{failure}; using {value} of the last successful run ({}){help}", self.age());
    }
}
