//! Writes the result of a run: `result.json` for `report`, and the metrics for the Prometheus node exporter. A failure to
//! write them is a warning, because the kubelet does not need them.

use crate::adapter::bottlerocket_api::Api;
use crate::adapter::disk::{self, DiskError};
use crate::adapter::{Context, Recorder};
use crate::apply::Applied;
use crate::command::node_session::ClusterState;
use crate::error::Error;
use crate::report::{self, PlanView};
use eni_core::diagnostic::Diagnostic;
use eni_core::facts::Facts;
use eni_core::failure::{Advice as _, ExitCode, causes, one_line};
use eni_core::plan::Plan;
use eni_core::run_result::{
    BOTTLEROCKET_RESULT, ChangeOutcome, ChangeResult, CheckResult, EniConfigResult, EniConfigState,
    InvalidResult, Outcome, PhaseName, RESULT, RunError, RunResult, metrics,
};
use eni_core::settings::Settings;
use std::path::{Path, PathBuf};
use tracing::{debug, info, warn};

/// A result that cannot be written.
#[derive(Debug, thiserror::Error)]
enum WriteError {
    #[error(transparent)]
    Disk(#[from] DiskError),
    #[error("failed to encode the result")]
    Encode(#[from] InvalidResult),
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
    let line = format!("result: writing the result of this run to {}", path(root).display());
    if Api::is_at(root) {
        info!("{line}");
    } else {
        debug!("{line}");
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
        let diagnostic = CheckResult::from(&timeout.diagnostic());
        if recorded.checks.iter().all(|check| check.code != diagnostic.code) {
            recorded.checks.push(diagnostic);
        }
    }
    debug_assert_ne!(recorded.exit_code, ExitCode::Success.number());
}

fn write(root: &Path, recorded: &RunResult, metrics: Option<PathBuf>) {
    let path = path(root);
    let written = recorded.to_text().map_err(WriteError::from).and_then(|text| {
        disk::write_volatile(root, path, text.as_bytes()).map_err(WriteError::from)
    });
    if let Err(error) = written {
        warn!("result: {}", one_line(&error));
    }
    let Some(file) = metrics else { return };
    let text = metrics::text(recorded);
    if let Err(error) = disk::write_volatile(root, &file, text.as_bytes()) {
        warn!("result: {}; metrics.dir: {}", one_line(&error), error.help());
    }
}

/// Notes the plan, and its ENIConfig as not ready.
pub(super) fn note_plan(recorder: &Recorder, facts: &Facts, cluster: &ClusterState, plan: &Plan) {
    recorder.note(|result| {
        let (connection, aws_node) = (cluster.connection.as_ref(), cluster.aws_node.as_ref());
        let view = PlanView { facts, connection, aws_node, run_error: None };
        result.plan = Some(report::plan_json(&view, plan));
    });
    note_eni_config(recorder, plan, EniConfigState::NotReady);
}

/// Notes the state of the plan's ENIConfig.
pub(super) fn note_eni_config(recorder: &Recorder, plan: &Plan, state: EniConfigState) {
    recorder.note(|result| {
        result.eni_config = plan.wait.as_ref().map(|name| EniConfigResult::in_state(name, state));
    });
}

/// Notes the files and settings that were changed.
pub(super) fn note_changes(recorder: &Recorder, applied: &[Applied]) {
    recorder.note(|result| {
        result.add_changes(applied.iter().filter_map(|Applied { target, outcome }| {
            let outcome = ChangeOutcome::of(*outcome)?;
            Some(ChangeResult { target: target.clone(), outcome })
        }));
    });
}

/// Notes the results of the verification. They replace those of an earlier attempt.
pub(super) fn note_checks(recorder: &Recorder, diagnostics: &[Diagnostic]) {
    recorder.note(|result| result.checks = diagnostics.iter().map(CheckResult::from).collect());
}
