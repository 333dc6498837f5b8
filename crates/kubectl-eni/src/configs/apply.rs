//! Sends ENIConfigs to the API server with server-side apply.

mod changes;

use super::manifest::object;
use super::naming::PlannedConfig;
use crate::cluster::ApiError;
use crate::output;
use changes::{Applied, Change, Conflict, changes, conflicts};
use clap::ValueEnum;
use kube::Client;
use kube::api::{
    Api, ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, ValidationDirective,
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The field manager of the ENIConfigs.
const FIELD_MANAGER: &str = "kubectl-eni";

/// The value of `--dry-run`, as for kubectl. Without it, the command already only prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum DryRun {
    /// The API server validates the ENIConfigs.
    Server,
}

/// What happens to the ENIConfigs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Application {
    /// A server-side dry run.
    Simulate,
    /// A dry run for all ENIConfigs, and then the changes.
    Apply,
}

/// The result of a dry run or of the changes.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    applied: Vec<Applied>,
    conflicts: Vec<Conflict>,
    /// The error that ended the requests.
    error: Option<ApiError>,
    is_simulated: bool,
}

/// Applies the ENIConfigs. Changes none of them if the API server rejects one.
pub(super) async fn apply(
    client: &Client,
    planned: &[PlannedConfig],
    application: Application,
) -> Outcome {
    let kind = GroupVersionKind::gvk("crd.k8s.amazonaws.com", "v1alpha1", "ENIConfig");
    let kind = ApiResource::from_gvk_with_plural(&kind, "eniconfigs");
    let api = Api::all_with(client.clone(), &kind);
    let simulated = send_all(&api, planned, true).await;
    match application {
        Application::Simulate => simulated,
        Application::Apply if simulated.error.is_none() && simulated.conflicts.is_empty() => {
            send_all(&api, planned, false).await
        }
        Application::Apply => Outcome { applied: Vec::new(), ..simulated },
    }
}

async fn send_all(
    api: &Api<DynamicObject>,
    planned: &[PlannedConfig],
    is_simulated: bool,
) -> Outcome {
    let mut outcome = Outcome { is_simulated, ..Outcome::default() };
    for config in planned {
        match send(api, config, is_simulated).await {
            Ok(Ok(applied)) => outcome.applied.push(applied),
            Ok(Err(conflicts)) => outcome.conflicts.extend(conflicts),
            Err(error) => {
                outcome.error = Some(error);
                break;
            }
        }
    }
    outcome
}

/// Applies one ENIConfig. Returns the conflicts if other field managers own fields with other values.
async fn send(
    api: &Api<DynamicObject>,
    config: &PlannedConfig,
    dry_run: bool,
) -> Result<Result<Applied, Vec<Conflict>>, ApiError> {
    let name = config.name.as_str();
    let existing =
        api.get_opt(name).await.map_err(ApiError::of(format!("get ENIConfig {name}")))?;
    let params = PatchParams {
        dry_run,
        field_validation: Some(ValidationDirective::Strict),
        ..PatchParams::apply(FIELD_MANAGER)
    };
    let applied = match api.patch(name, &params, &Patch::Apply(object(config))).await {
        Ok(applied) => applied,
        Err(error) => {
            return match conflicts(name, &error) {
                Some(conflicts) => Ok(Err(conflicts)),
                None => Err(ApiError::of(format!("apply ENIConfig {name}"))(error)),
            };
        }
    };
    let change = match existing {
        None => Change::Created,
        Some(existing) => changes(&existing.data["spec"], &applied.data["spec"]),
    };
    Ok(Ok(Applied { name: name.to_owned(), change }))
}

impl Outcome {
    /// Returns whether another field manager owns a field with another value.
    pub(super) fn has_conflicts(&self) -> bool {
        !self.conflicts.is_empty()
    }

    /// Returns the error that ended the requests.
    pub(super) fn into_error(self) -> Option<ApiError> {
        self.error
    }

    /// Prints the conflicts on stderr.
    pub(super) fn print_conflicts(&self) {
        if self.conflicts.is_empty() {
            return;
        }
        let mut text = String::new();
        for conflict in &self.conflicts {
            let _ = writeln!(text, "conflict: {conflict}");
        }
        let unchanged = if self.is_simulated { "; no ENIConfig was changed" } else { "" };
        let _ = writeln!(
            text,
            "  → change these fields with their owner, or let `kubectl apply --server-side --force-conflicts --field-manager {FIELD_MANAGER}` replace them{unchanged}"
        );
        output::note(&text);
    }

    /// Returns a line for each ENIConfig, followed by its changed fields.
    pub(super) fn text(&self) -> String {
        let suffix = if self.is_simulated { " (server dry run)" } else { "" };
        let mut text = String::new();
        for applied in &self.applied {
            let (name, result) = (&applied.name, applied.change.name());
            let _ = writeln!(text, "eniconfig.crd.k8s.amazonaws.com/{name} {result}{suffix}");
            for field in applied.change.fields() {
                let _ = writeln!(text, "  {field}");
            }
        }
        text
    }

    /// Returns the results and conflicts as JSON.
    pub(super) fn json(&self) -> [(&'static str, Value); 2] {
        [("results", json!(self.applied)), ("conflicts", json!(self.conflicts))]
    }
}
