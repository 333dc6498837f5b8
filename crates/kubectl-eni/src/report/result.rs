//! The file that `eni-bootstrap run` leaves on a node, with its plan. Unknown keys are ignored.

use super::error::ReportError;
use super::svg::shortened;
use eni_core::domain::capacity::Capacity;
use eni_core::domain::instance_limits::InstanceLimits;
use eni_core::run_result::{CheckResult, FORMAT_VERSION, InvalidResult, RunResult};
use serde::Deserialize;
use serde::de::Error as _;

/// The result of `run` and its plan.
#[derive(Debug)]
pub(super) struct Report {
    pub result: RunResult,
    /// The plan of `result`; `None` if `run` failed before the plan.
    pub plan: Option<Plan>,
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
    pub diagnostics: Vec<CheckResult>,
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
    pub values: InstanceLimits,
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

#[expect(clippy::struct_excessive_bools, reason = "each one is a variable of aws-node")]
#[derive(Debug, Deserialize)]
pub(super) struct CniConfig {
    /// `None` if it is unknown.
    pub version: Option<String>,
    pub addressing: String,
    pub custom_networking: bool,
    pub pod_eni: bool,
    pub max_eni: Option<u32>,
    pub reserved_enis: u32,
    pub ip_family: String,
    pub multi_nic: bool,
    pub minimum_ip_target: u32,
    pub warm_ip_target: u32,
    pub imds_only: bool,
    pub disable_provisioning: bool,
}

/// Parses the result of a run in the file with this name.
pub(super) fn parse(name: &str, text: Vec<u8>) -> Result<RunResult, ReportError> {
    let invalid = |source| ReportError::Invalid { name: name.to_owned(), source };
    let text = String::from_utf8(text)
        .map_err(|error| invalid(serde_json::Error::custom(error.utf8_error())))?;
    RunResult::parse(&text).map_err(|error| match error {
        InvalidResult::Json(source) => invalid(source),
        InvalidResult::FormatVersion(version) => ReportError::FormatVersion {
            name: name.to_owned(),
            // A value of another type may have as many characters as the file.
            version: shortened(&version.to_string(), 40),
            readable: FORMAT_VERSION,
        },
    })
}

impl Report {
    /// Returns `result` with its plan. `name` is the file.
    pub(super) fn new(name: &str, result: RunResult) -> Result<Self, ReportError> {
        let plan = result.plan.as_ref().map(Plan::deserialize).transpose();
        let plan = plan.map_err(|source| ReportError::Plan { name: name.to_owned(), source })?;
        Ok(Self { result, plan })
    }

    /// Returns the instance and its type, such as `i-0123 (m5.large)`; `an unknown node` without a plan.
    pub(super) fn node(&self) -> String {
        self.plan.as_ref().map_or_else(
            || "an unknown node".to_owned(),
            |plan| format!("{} ({})", plan.instance.id, plan.instance.type_name),
        )
    }

    /// Returns the total time of the waits.
    pub(super) fn waited_us(&self) -> u64 {
        self.result.waits.iter().fold(0, |sum, wait| sum.saturating_add(wait.duration_us))
    }
}
