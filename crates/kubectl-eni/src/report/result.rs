//! The file that `eni-bootstrap run` leaves on a node. Unknown keys are ignored.

use super::error::ReportError;
use eni_core::domain::capacity::Capacity;
use serde::Deserialize;
use serde_json::Value;

/// The version of the format that this program reads.
const FORMAT_VERSION: u64 = 1;

/// The result of `run`. Times are in microseconds since its start.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct RunResult {
    pub eni_bootstrap_version: String,
    pub outcome: Outcome,
    pub exit_code: i64,
    /// The wall clock at the start, in UTC.
    pub started: String,
    pub duration_us: u64,
    /// `None` if `run` succeeded.
    pub error: Option<Failure>,
    /// `None` if `run` failed before the plan.
    pub plan: Option<Plan>,
    pub changes: Vec<Change>,
    /// `None` without custom networking.
    pub eni_config: Option<EniConfig>,
    /// The results of the verification.
    pub checks: Vec<Note>,
    pub phases: Vec<Phase>,
    pub requests: Vec<Request>,
    pub waits: Vec<Wait>,
}

/// Whether the kubelet may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    Ready,
    Failed,
}

/// The error of `run`.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub message: String,
    pub causes: Vec<String>,
    pub help: Option<String>,
}

/// A part of what `eni-bootstrap plan --output json` prints.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Plan {
    pub instance: Instance,
    pub limits: Limits,
    pub machine: Option<Machine>,
    pub host: Host,
    /// `None` if the settings alone describe the CNI.
    pub cluster: Option<String>,
    pub cni: Cni,
    pub cni_is_recorded: bool,
    pub capacity: Capacity,
    /// What the kubelet accepts.
    pub max_pods_in_force: u32,
    pub kubelet_arguments: Vec<String>,
    pub diagnostics: Vec<Note>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Instance {
    #[serde(rename = "instance-type")]
    pub type_name: String,
    #[serde(rename = "instance-id")]
    pub id: String,
    pub zone: String,
    pub zone_id: Option<String>,
    pub region: String,
    pub vpc_id: Option<String>,
    pub subnet_id: Option<String>,
}

/// The limits of the instance type.
#[derive(Debug, Deserialize)]
pub(super) struct Limits {
    pub source: String,
    pub values: LimitValues,
}

#[derive(Debug, Deserialize)]
pub(super) struct LimitValues {
    pub interfaces: u32,
    pub ipv4_per_interface: u32,
    pub platform: String,
    pub vcpus: u32,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Machine {
    pub cpus: u32,
    pub memory_bytes: u64,
}

/// The family of the node image.
#[derive(Debug, Deserialize)]
pub(super) struct Host {
    pub kind: String,
    pub reason: String,
}

/// The configuration of the CNI.
#[derive(Debug, Deserialize)]
pub(super) struct Cni {
    /// `cluster` or `settings`.
    pub source: String,
    pub config: CniConfig,
}

#[derive(Debug, Deserialize)]
pub(super) struct CniConfig {
    /// `None` if it is unknown.
    pub version: Option<String>,
    pub addressing: String,
    pub custom_networking: bool,
    pub pod_eni: bool,
    pub ip_family: String,
}

/// A file or a setting that `run` changed.
#[derive(Debug, Deserialize)]
pub(super) struct Change {
    pub target: String,
    pub outcome: String,
}

/// The ENIConfig at the end of the run.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct EniConfig {
    pub name: String,
    /// `ready`, `recorded`, `missing` or `not-ready`.
    pub state: String,
    pub subnet: Option<String>,
    pub security_groups: Vec<String>,
}

/// A diagnostic.
#[derive(Debug, Deserialize)]
pub(super) struct Note {
    pub code: String,
    pub severity: String,
    pub subject: String,
    pub text: String,
    pub help: Option<String>,
}

/// A part of `run`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Phase {
    pub name: String,
    pub start_us: u64,
    pub duration_us: u64,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Request {
    pub service: String,
    pub operation: String,
    pub start_us: u64,
    pub duration_us: u64,
    /// The HTTP status, or a short error.
    pub result: String,
}

/// A state of a wait.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Wait {
    pub target: String,
    pub reason: String,
    pub start_us: u64,
    pub duration_us: u64,
}

/// Parses the file with this name.
pub(super) fn parse(name: &str, text: &[u8]) -> Result<RunResult, ReportError> {
    let name = name.to_owned();
    let invalid = |source| ReportError::Invalid { name: name.clone(), source };
    let value: Value = serde_json::from_slice(text).map_err(invalid)?;
    match value.get("format-version").map(|version| (version.as_u64(), version)) {
        Some((Some(FORMAT_VERSION), _)) => serde_json::from_value(value).map_err(invalid),
        Some((_, version)) => {
            let version = version.to_string();
            Err(ReportError::FormatVersion { name, version, readable: FORMAT_VERSION })
        }
        None => Err(ReportError::NotAResult { name }),
    }
}

impl RunResult {
    /// Returns the instance and its type, such as `i-0123 (m5.large)`; `this node` without a plan.
    pub(super) fn node(&self) -> String {
        self.plan.as_ref().map_or_else(
            || "this node".to_owned(),
            |plan| format!("{} ({})", plan.instance.id, plan.instance.type_name),
        )
    }

    /// Returns the total time of the waits.
    pub(super) fn waited_us(&self) -> u64 {
        self.waits.iter().fold(0, |sum, wait| sum.saturating_add(wait.duration_us))
    }

    /// Returns all diagnostics, the worst first.
    pub(super) fn notes(&self) -> Vec<&Note> {
        let planned = self.plan.iter().flat_map(|plan| &plan.diagnostics);
        let mut notes: Vec<&Note> = planned.chain(&self.checks).collect();
        let order = ["failed", "warning", "skipped", "info", "ok"];
        notes.sort_by_key(|note| order.iter().position(|it| *it == note.severity));
        notes
    }
}

impl Request {
    /// Returns the end.
    pub(super) fn end_us(&self) -> u64 {
        self.start_us.saturating_add(self.duration_us)
    }

    /// Returns whether the service rejected the request or did not respond. The status 404 is no failure: run also
    /// reads objects that may be absent.
    pub(super) fn is_failure(&self) -> bool {
        self.result.parse::<u16>().map_or(true, |status| status >= 400 && status != 404)
    }

    /// Returns whether the object of the request does not exist.
    pub(super) fn is_absent(&self) -> bool {
        self.result == "404"
    }
}
