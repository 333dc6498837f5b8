//! Writes the result of a run: `result.json` for `report`, and the metrics for the Prometheus node exporter. A failure to
//! write them is a warning, because the kubelet does not need them.

use crate::adapter::bottlerocket_api::Api;
use crate::adapter::disk::{self, DiskError};
use crate::adapter::{Context, Recorder};
use crate::apply::effect::VerifiedUnit;
use crate::command::node_session::ClusterState;
use crate::error::Error;
use crate::report::{self, PlanView};
use crate::wait::{WaitReason, WaitTimeout};
use eni_core::diagnostic::{Code, Diagnostic};
use eni_core::facts::Facts;
use eni_core::failure::{Advice as _, ExitCode, causes, one_line};
use eni_core::host::Change;
use eni_core::plan::Plan;
use eni_core::run_result::{
    BOTTLEROCKET_RESULT, CheckResult, EniConfigResult, EniConfigState, Outcome, PhaseName, RESULT,
    RunError, RunResult, metrics,
};
use eni_core::settings::Settings;
use std::path::{Path, PathBuf};
use tracing::{debug, info, warn};

/// The mode of the result. Its causes and texts come from files and services that only root may read.
const RESULT_MODE: u32 = 0o600;
/// The mode of the metrics. The node exporter does not run as root.
const METRICS_MODE: u32 = 0o644;

/// A result that cannot be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("failed to encode the result")]
    Encode(#[from] serde_json::Error),
}

/// Returns the path of the result on the node below `root`.
pub(super) fn path(root: &Path) -> &'static Path {
    Path::new(if Api::is_at(root) { BOTTLEROCKET_RESULT } else { RESULT })
}

/// Calls `load`, then `run`, and writes their result.
pub(crate) fn with_result(
    context: Context,
    load: impl FnOnce(Context) -> Result<(Context, Settings), Error>,
    run: impl FnOnce(Context, Settings) -> Result<(), Error>,
) -> Result<(), Error> {
    let recorder = Recorder::start();
    recorder.phase(PhaseName::Instance);
    let root = context.root.clone();
    log_path(&root);
    let mut metrics = None;
    let loaded = load(Context { recorder: recorder.clone(), ..context });
    let result = loaded.and_then(|(context, settings)| {
        metrics = metrics_file(&settings);
        run(context, settings)
    });
    if let Some(mut recorded) = recorder.finish() {
        conclude(&mut recorded, &result);
        write(&root, &recorded, metrics);
    }
    result
}

/// Removes the result and the metrics of an earlier run, so that nobody mistakes them for those of this run.
pub(super) fn remove_earlier(root: &Path, settings: &Settings) {
    for file in [Some(path(root).to_owned()), metrics_file(settings)].iter().flatten() {
        remove(root, file);
    }
}

/// Returns the file with the metrics of a run; `None` without `metrics.dir`.
fn metrics_file(settings: &Settings) -> Option<PathBuf> {
    settings.metrics.dir.as_ref().map(|directory| directory.join(metrics::FILE))
}

/// Logs the path of the result. On Bottlerocket, an operator cannot run `report`, because the container ends with the run.
fn log_path(root: &Path) {
    if Api::is_at(root) {
        info!(
            "result: writing the result of this run to eni-bootstrap-result.json in /local/bootstrap-containers/NAME of the host"
        );
    } else {
        debug!("result: writing the result of this run to {}", path(root).display());
    }
}

fn remove(root: &Path, path: &Path) {
    if let Err(error) = disk::remove_volatile(root, path) {
        warn!("result: {}; it is the result of an earlier run", one_line(&error));
    }
}

/// Adds the outcome of the run.
fn conclude(recorded: &mut RunResult, result: &Result<(), Error>) {
    let Err(error) = result else { return };
    if error.is_closed_pipe() {
        return;
    }
    recorded.outcome = Outcome::Failed;
    recorded.exit_code = error.exit_code().number();
    let mut messages = causes(error).into_iter();
    recorded.error = Some(RunError {
        message: messages.next().unwrap_or_default(),
        causes: messages.collect(),
        help: Some(error.help().into_owned()).filter(|help| !help.is_empty()),
    });
    if let Error::NotReady(timeout) = error {
        note_timeout(recorded, timeout);
    }
    debug_assert_ne!(recorded.exit_code, ExitCode::Success.number());
}

fn write(root: &Path, recorded: &RunResult, metrics: Option<PathBuf>) {
    let path = path(root);
    let written = recorded.to_text().map_err(WriteError::from).and_then(|text| {
        disk::write_volatile(root, path, text.as_bytes(), RESULT_MODE).map_err(WriteError::from)
    });
    if let Err(error) = written {
        warn!("result: {}", one_line(&error));
    }
    let Some(file) = metrics else { return };
    let text = metrics::text(recorded);
    if let Err(error) = disk::write_volatile(root, &file, text.as_bytes(), METRICS_MODE) {
        // Not the help of the error, according to which the previous file is intact: this run has removed it.
        let error = one_line(&error);
        warn!(
            "result: {error}; check metrics.dir; in eni-bootstrap.service, ReadWritePaths= must contain the directory"
        );
    }
}

/// Notes the plan, and its ENIConfig as not ready.
pub(super) fn note_plan(recorder: &Recorder, facts: &Facts, cluster: &ClusterState, plan: &Plan) {
    recorder.note(|result| {
        let (connection, aws_node) = (cluster.connection.as_ref(), cluster.aws_node.as_ref());
        let view = PlanView { facts, connection, aws_node, run_error: None };
        let mut json = report::plan_json(&view, plan);
        json["files"] = plan.changes.iter().map(Change::to_result_json).collect();
        result.plan = Some(json);
        let in_state = |name| EniConfigResult::in_state(name, EniConfigState::NotReady);
        result.eni_config = plan.wait.as_ref().map(in_state);
    });
}

/// Notes the results of the verification. They replace those of an earlier attempt.
pub(super) fn note_checks(recorder: &Recorder, diagnostics: &[Diagnostic]) {
    recorder.note(|result| replace_checks(result, diagnostics));
}

/// Notes what could not be verified in the units. Replaces the warnings of an earlier attempt.
pub(super) fn note_units(recorder: &Recorder, units: &[VerifiedUnit]) {
    recorder.note(|result| {
        result.checks.retain(|check| !is_of_unit(check));
        result
            .checks
            .extend(units.iter().filter_map(|it| it.warning.as_ref()).map(CheckResult::from));
    });
}

/// Notes why a wait timed out.
pub(super) fn note_timeout(result: &mut RunResult, timeout: &WaitTimeout) {
    // The verification has noted these reasons, with its other results.
    if !matches!(timeout.reason, WaitReason::DoesNotFit(_) | WaitReason::SubnetFull(_)) {
        replace_checks(result, &[timeout.diagnostic()]);
    }
}

/// Replaces the results of the verification. Those of an earlier attempt may be about an object that no longer exists. The
/// warnings about the units stay, because the verification does not repeat them.
fn replace_checks(result: &mut RunResult, diagnostics: &[Diagnostic]) {
    result.checks.retain(is_of_unit);
    result.checks.extend(diagnostics.iter().map(CheckResult::from));
}

fn is_of_unit(check: &CheckResult) -> bool {
    check.code == Code::UnitScript.name()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::WaitTarget;
    use std::time::Duration;

    fn codes(recorder: &Recorder) -> Vec<String> {
        let result = recorder.finish().unwrap();
        result.checks.into_iter().map(|check| check.code).collect()
    }

    fn timeout(reason: WaitReason) -> WaitTimeout {
        let target = WaitTarget::EniConfig("us-west-2a".parse().unwrap());
        WaitTimeout { target, limit: Duration::ZERO, reason, answered: true }
    }

    fn other_zone() -> Diagnostic {
        Diagnostic::failed(Code::SubnetWrongZone, "subnet-1 is in us-west-2b", "")
    }

    #[test]
    fn the_reason_of_a_timeout_replaces_the_checks_of_an_earlier_eni_config() {
        let recorder = Recorder::start();
        note_checks(&recorder, &[other_zone()]);
        recorder.note(|result| note_timeout(result, &timeout(WaitReason::NotFound)));
        assert_eq!(codes(&recorder), ["eniconfig-not-found"]);
    }

    #[test]
    fn the_checks_of_an_eni_config_that_does_not_fit_stay() {
        let recorder = Recorder::start();
        let passed = Diagnostic::ok(Code::SubnetOk, "subnet-1");
        note_checks(&recorder, &[passed, other_zone()]);
        recorder
            .note(|result| note_timeout(result, &timeout(WaitReason::DoesNotFit(other_zone()))));
        assert_eq!(codes(&recorder), ["subnet-ok", other_zone().code.name()]);
    }

    #[test]
    fn the_warning_about_a_unit_stays_when_the_checks_are_replaced() {
        let recorder = Recorder::start();
        let warning = || Some(Diagnostic::warning(Code::UnitScript, "a", "b"));
        let units = || [VerifiedUnit { name: "kubelet.service", warning: warning() }];
        note_units(&recorder, &units());
        note_checks(&recorder, &[other_zone()]);
        note_units(&recorder, &units());
        note_checks(&recorder, &[Diagnostic::ok(Code::SubnetOk, "subnet-1")]);
        assert_eq!(codes(&recorder), ["unit-script", "subnet-ok"]);
    }
}
