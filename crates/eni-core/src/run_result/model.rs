//! The types of `result.json`. `docs/report.md` describes each key.

use super::FORMAT_VERSION;
use super::measured::{Phase, Request, WaitState};
use crate::diagnostic::{Diagnostic, Severity};
use crate::domain::eni_config::EniConfigName;
use crate::host::Outcome as ChangeOutcomeOnNode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// The result of a run. All times are microseconds since its start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunResult {
    pub format_version: u64,
    pub eni_bootstrap_version: String,
    pub outcome: Outcome,
    /// The exit code of the process.
    pub exit_code: u8,
    /// The time of the clock at the start of the run.
    #[serde(with = "rfc3339")]
    pub started: SystemTime,
    pub duration_us: u64,
    /// Why the run failed; `None` if it succeeded.
    pub error: Option<RunError>,
    /// What `plan --output json` prints, without the text of other programs; `None` if the run failed before it had a plan.
    pub plan: Option<Value>,
    /// The files and settings that the run wrote or removed.
    pub changes: Vec<ChangeResult>,
    /// The ENIConfig of the node; `None` without custom networking.
    pub eni_config: Option<EniConfigResult>,
    /// The results of the verification against EC2 and the cluster.
    pub checks: Vec<CheckResult>,
    /// In the order of their start. They do not overlap.
    pub phases: Vec<Phase>,
    /// In the order of their start.
    pub requests: Vec<Request>,
    /// The states of the waits for the cluster, in the order of their start.
    pub waits: Vec<WaitState>,
}

/// Whether the node is ready for the kubelet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Ready,
    Failed,
}

/// Why a run failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunError {
    pub message: String,
    /// The causes, the first one first.
    pub causes: Vec<String>,
    pub help: Option<String>,
}

/// A file or a group of settings that a run changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ChangeResult {
    /// Such as `/etc/eks/nodeadm.d/90-eni-bootstrap.yaml`.
    pub target: String,
    pub outcome: ChangeOutcome,
}

/// The effect of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeOutcome {
    Written,
    Unchanged,
    Removed,
}

impl ChangeOutcome {
    /// Returns the effect of a change; `None` if a file to remove did not exist.
    #[must_use]
    pub fn of(outcome: ChangeOutcomeOnNode) -> Option<Self> {
        match outcome {
            ChangeOutcomeOnNode::Written => Some(Self::Written),
            ChangeOutcomeOnNode::Unchanged => Some(Self::Unchanged),
            ChangeOutcomeOnNode::Removed => Some(Self::Removed),
            ChangeOutcomeOnNode::Absent => None,
        }
    }

    /// Returns the name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Unchanged => "unchanged",
            Self::Removed => "removed",
        }
    }
}

/// The ENIConfig of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct EniConfigResult {
    pub name: String,
    pub state: EniConfigState,
    /// The subnet, if the ENIConfig is ready.
    pub subnet: Option<String>,
    /// The security groups, if the ENIConfig is ready. Empty if it has none.
    pub security_groups: Vec<String>,
}

impl EniConfigResult {
    /// Returns the ENIConfig `name` in `state`, without its subnet.
    #[must_use]
    pub fn in_state(name: &EniConfigName, state: EniConfigState) -> Self {
        Self { name: name.to_string(), state, subnet: None, security_groups: Vec::new() }
    }
}

/// The state of the ENIConfig at the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EniConfigState {
    /// It fits the node.
    Ready,
    /// The API server did not respond, and the last successful run found it.
    Recorded,
    /// It is not ready, and `eni-config.on-timeout` is `continue`.
    Missing,
    /// The run failed before the ENIConfig was ready.
    NotReady,
}

impl EniConfigState {
    /// Returns the state for people, such as `not ready`.
    #[must_use]
    pub fn description(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Recorded => "not read; the last successful run found it",
            Self::Missing => "not ready (eni-config.on-timeout is \"continue\")",
            Self::NotReady => "not ready",
        }
    }
}

/// The result of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CheckResult {
    /// The stable name of the condition, such as `subnet-not-found`.
    pub code: String,
    pub severity: Severity,
    pub subject: String,
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// The order of the diagnostics.
const WORST_FIRST: [Severity; 5] =
    [Severity::Failed, Severity::Warning, Severity::Skipped, Severity::Info, Severity::Ok];

impl From<&Diagnostic> for CheckResult {
    fn from(diagnostic: &Diagnostic) -> Self {
        let Diagnostic { code, severity, text, help } = diagnostic.clone();
        let (name, subject) = (code.name().to_owned(), code.subject().to_owned());
        Self { code: name, severity, subject, text, help }
    }
}

impl RunResult {
    /// Returns the result of a run that started at `started` and has not ended. A clock before 1970 is wrong, and its
    /// time has no representation: the start is then the first second of 1970.
    #[must_use]
    pub fn new(started: SystemTime) -> Self {
        Self {
            format_version: FORMAT_VERSION,
            eni_bootstrap_version: env!("CARGO_PKG_VERSION").to_owned(),
            outcome: Outcome::Ready,
            exit_code: 0,
            started: started.max(UNIX_EPOCH),
            duration_us: 0,
            error: None,
            plan: None,
            changes: Vec::new(),
            eni_config: None,
            checks: Vec::new(),
            phases: Vec::new(),
            requests: Vec::new(),
            waits: Vec::new(),
        }
    }

    /// Adds a change. A change that a later attempt finds unchanged keeps its first effect.
    pub fn add_change(&mut self, change: ChangeResult) {
        match self.changes.iter_mut().find(|it| it.target == change.target) {
            Some(_) if change.outcome == ChangeOutcome::Unchanged => {}
            Some(earlier) => *earlier = change,
            None => self.changes.push(change),
        }
    }

    /// Returns the diagnostics of the plan and the results of the checks, the worst first.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<CheckResult> {
        let of_plan = self.plan.as_ref().and_then(|plan| plan["diagnostics"].as_array());
        // Another version may add a severity. Its entry must not hide the others.
        let readable =
            of_plan.into_iter().flatten().filter_map(|it| CheckResult::deserialize(it).ok());
        let all: Vec<CheckResult> = readable.chain(self.checks.iter().cloned()).collect();
        let of = |severity| all.iter().filter(move |it| it.severity == severity);
        WORST_FIRST.into_iter().flat_map(of).cloned().collect()
    }
}

/// A time with microseconds, such as `2026-11-22T22:45:13.123456Z`.
mod rfc3339 {
    use serde::{Deserialize, Deserializer, Serializer, de};
    use std::time::SystemTime;

    pub(super) fn serialize<S: Serializer>(
        time: &SystemTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_micros(*time))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<SystemTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_rfc3339(&text).map_err(de::Error::custom)
    }
}
