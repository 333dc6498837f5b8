//! The log lines of each step, and a plan as text, JSON or a diff.

pub mod diff;

use crate::adapter::disk::{self, DiskError};
use crate::apply::Applied;
use crate::apply::effect::VerifiedUnit;
use crate::observe::Connection;
use crate::wait::Ready;
use eni_core::diagnostic::{Code, Diagnostic, Severity};
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::identifier::{SubnetId, VpcId};
use eni_core::domain::instance_limits::LimitsSource;
use eni_core::domain::plural::counted;
use eni_core::domain::zone::ZoneId;
use eni_core::facts::Facts;
use eni_core::failure::Advice as _;
use eni_core::host::cluster_hints::ClusterHint;
use eni_core::host::{Change, Comparison, Outcome};
use eni_core::plan::{Plan, PlanError};
use serde_json::{Value, json};
use std::path::Path;
use tracing::{info, warn};

/// The source of recorded values.
const LAST_RUN: &str = "record of the last successful run";

/// Logs the properties of the instance.
pub(crate) fn facts(facts: &Facts) {
    for line in facts_lines(facts) {
        info!("{line}");
    }
}

fn facts_lines(facts: &Facts) -> [String; 3] {
    let Facts { instance, limits, limits_source, machine, host, .. } = facts;
    let source = match limits_source {
        LimitsSource::OverrideFile => "override file",
        LimitsSource::EmbeddedTable => "embedded table",
        LimitsSource::Ec2 => "EC2 API",
        LimitsSource::LastRun => LAST_RUN,
    };
    let cpus = machine.map_or_else(
        || counted(limits.vcpus, "vCPU"),
        |machine| counted(machine.cpus, "online CPU"),
    );
    [
        format!(
            "instance: {} {} in {} ({}), {}, {}",
            instance.instance_type,
            instance.instance_id,
            instance.zone,
            instance.zone_id.as_ref().map_or("zone ID unknown", ZoneId::as_str),
            instance.vpc_id.as_ref().map_or("VPC unknown", VpcId::as_str),
            instance.subnet_id.as_ref().map_or("subnet unknown", SubnetId::as_str),
        ),
        format!(
            "instance: {} ({}, {cpus}) supports {} with {} each (source: {source})",
            instance.instance_type,
            limits.platform,
            counted(limits.interfaces, "network interface"),
            counted(limits.ipv4_per_interface, "IPv4 address"),
        ),
        format!("host: {} ({})", host.kind, host.reason),
    ]
}

/// Logs the cluster, the sources that were skipped, and the configuration of its CNI.
pub(crate) fn cluster(facts: &Facts, connection: Option<&Connection>, aws_node: Option<&AwsNode>) {
    for line in cluster_lines(facts, connection, aws_node) {
        info!("{line}");
    }
}

/// Warns about the skipped sources of a cluster that is unknown.
pub(crate) fn cluster_unknown(facts: &Facts) {
    for line in skipped_sources(facts) {
        warn!("{line}");
    }
}

fn skipped_sources(facts: &Facts) -> impl Iterator<Item = String> {
    facts.cluster_hints.iter().filter_map(|hint| match hint {
        ClusterHint::Skipped { source, reason } => {
            Some(format!("cluster: {source} skipped: {reason}"))
        }
        ClusterHint::Config { .. } | ClusterHint::Kubeconfig(_) => None,
    })
}

fn cluster_lines(
    facts: &Facts,
    connection: Option<&Connection>,
    aws_node: Option<&AwsNode>,
) -> Vec<String> {
    let Some(connection) = connection else { return Vec::new() };
    let mut lines: Vec<String> = skipped_sources(facts).collect();
    lines.push(format!("cluster: {}", connection.cluster));
    lines.extend(aws_node.map(|aws_node| {
        format!(
            "cni: {} (source: {}); ENIConfig label {}",
            aws_node.cni,
            if aws_node.is_recorded { LAST_RUN } else { "aws-node DaemonSet" },
            aws_node.eni_config_label
        )
    }));
    lines
}

/// Logs the plan and its diagnostics.
pub(crate) fn plan(plan: &Plan) {
    for line in plan_lines(plan) {
        info!("{line}");
    }
    for warning in plan.diagnostics.iter().filter(|it| it.severity == Severity::Warning) {
        warn!("plan: {warning}");
    }
}

fn plan_lines(plan: &Plan) -> Vec<String> {
    let Plan { capacity, kubelet, wait, diagnostics, .. } = plan;
    let mut lines = vec![
        format!("plan: max-pods {capacity}"),
        format!("plan: kube-reserved {}", kubelet.kube_reserved),
        format!("plan: node-labels {}", kubelet.node_labels),
        match wait {
            Some(name) => format!("plan: ENIConfig {name}"),
            None => "plan: no ENIConfig (custom networking is off)".to_owned(),
        },
    ];
    let notes = diagnostics.iter().filter(|it| it.severity == Severity::Info);
    lines.extend(notes.map(|note| format!("plan: {note}")));
    lines
}

/// Logs what was written or removed.
pub(crate) fn applied(applied: &[Applied]) {
    for Applied { target, outcome } in applied {
        match outcome {
            Outcome::Written => info!("apply: {target} written"),
            Outcome::Unchanged => info!("apply: {target} unchanged"),
            Outcome::Removed => info!("apply: {target} removed"),
            Outcome::Absent => {}
        }
    }
}

/// Logs that a temporary file was removed.
pub(crate) fn draft_removed(path: &Path) {
    info!("apply: {} removed", path.display());
}

/// Logs the units that will use the plan.
pub(crate) fn verified(units: &[VerifiedUnit]) {
    for VerifiedUnit { name, warning } in units {
        if let Some(warning) = warning {
            warn!("apply: {}", warning.text);
        } else {
            info!("apply: {name} will use the planned configuration");
        }
    }
}

/// Logs the results of the checks, and that the ENIConfig was found.
pub(crate) fn ready(plan: &Plan, ready: &Ready) {
    let Some(wait) = &plan.wait else { return };
    let groups = match &ready.eni_config.security_groups[..] {
        [] => "security groups of the primary network interface".to_owned(),
        groups => groups.join(", "),
    };
    let is_verified = !ready.diagnostics.is_empty()
        && ready.diagnostics.iter().all(|it| it.severity != Severity::Skipped);
    let found = if is_verified { "found and verified" } else { "found" };
    checks(&ready.diagnostics);
    info!(
        "wait: ENIConfig {wait} {found} after {:.1} s ({}, {groups})",
        ready.waited.as_secs_f32(),
        ready.eni_config.subnet
    );
}

/// Logs the results of checks.
pub(crate) fn checks(diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        let subject = diagnostic.code.subject();
        match diagnostic.severity {
            Severity::Ok | Severity::Info => info!("verify: {subject}: {diagnostic}"),
            Severity::Skipped => info!("verify: {subject} skipped: {diagnostic}"),
            Severity::Warning | Severity::Failed => warn!("verify: {subject}: {diagnostic}"),
        }
    }
}

/// The inputs of a plan, and the error with which `run` would fail.
#[derive(Debug)]
pub(crate) struct PlanView<'a> {
    pub facts: &'a Facts,
    /// The cluster; `None` if the settings alone describe the CNI.
    pub connection: Option<&'a Connection>,
    /// The CNI configuration in the cluster.
    pub aws_node: Option<&'a AwsNode>,
    /// The error with which `run` would fail before it writes anything.
    pub run_error: Option<PlanError>,
}

impl PlanView<'_> {
    /// Returns the diagnostics of the plan, starting with the error of `run`.
    fn diagnostics(&self, plan: &Plan) -> Vec<Diagnostic> {
        let run_error = self.run_error.as_ref().map(|error| {
            let text = format!("`run` would fail: {error}");
            Diagnostic::warning(Code::ClusterFailed, text, error.help())
        });
        run_error.into_iter().chain(plan.diagnostics.iter().cloned()).collect()
    }
}

/// Returns a plan as text.
#[must_use]
pub(crate) fn plan_text(view: &PlanView<'_>, plan: &Plan) -> String {
    let mut lines: Vec<String> = facts_lines(view.facts).into();
    lines.extend(cluster_lines(view.facts, view.connection, view.aws_node));
    lines.extend(plan_lines(plan));
    let diagnostics = view.diagnostics(plan);
    let warnings = diagnostics.iter().filter(|it| it.severity == Severity::Warning);
    lines.extend(warnings.map(|warning| format!("warning: {warning}")));
    for change in &plan.changes {
        lines.push(format!("\n{}", change.show()));
    }
    lines.join("\n") + "\n"
}

/// Returns a plan as JSON, with every term of the calculation and every file.
#[must_use]
pub(crate) fn plan_json(view: &PlanView<'_>, plan: &Plan) -> Value {
    let facts = view.facts;
    let existing_max_pods = plan
        .precedence
        .as_ref()
        .map(|it| json!({ "max-pods": it.existing.max_pods, "precedence": it.decision.name() }));
    let files = plan.changes.iter().map(Change::to_json);
    json!({
        "instance": facts.instance,
        "limits": { "source": facts.limits_source, "values": facts.limits },
        "machine": facts.machine,
        "host": { "kind": facts.host.kind.name(), "reason": facts.host.reason },
        "cluster": view.connection.map(|connection| connection.cluster.to_string()),
        "cni": plan.cni,
        "cni-is-recorded": view.aws_node.is_some_and(|it| it.is_recorded),
        "capacity": plan.capacity,
        "existing-max-pods": existing_max_pods,
        "pods-per-core": plan.pods_per_core,
        "max-pods-in-force": plan.max_pods_in_force(),
        "kubelet": plan.kubelet,
        "kubelet-arguments": plan.kubelet.arguments(),
        "eni-config": plan.wait,
        "diagnostics": view.diagnostics(plan),
        "files": files.collect::<Vec<_>>(),
    })
}

/// Returns what `apply` would change under `root` as a unified diff; empty if nothing would change.
pub(crate) fn diff(root: &Path, changes: &[Change]) -> Result<String, DiskError> {
    let mut text = String::new();
    for change in changes {
        let compared = change.compare(|path| disk::read_node_file(root, path))?;
        let Comparison { label: target, current: old, new } = compared;
        let side = |prefix: &str, exists: bool| {
            if exists { format!("{prefix}{target}") } else { "/dev/null".to_owned() }
        };
        let (from, to) = (side("a", old.is_some()), side("b", new.is_some()));
        let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
        let hunks = diff::unified(&old, &new, 3);
        if !hunks.is_empty() {
            text.extend(["--- ", &from, "\n+++ ", &to, "\n", &hunks]);
        }
    }
    Ok(text)
}
