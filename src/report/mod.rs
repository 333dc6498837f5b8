//! What happened, in words: one log line for each step of the straight line, and a plan as text,
//! JSON, YAML, arguments or a diff.

pub mod picture;

use crate::adapter::disk::{self, DiskError, Outcome};
use crate::apply::Applied;
use crate::domain::identifier::{SubnetId, VpcId};
use crate::domain::limits::Source;
use crate::domain::reserved;
use crate::domain::zone::ZoneId;
use crate::facts::Facts;
use crate::host::Change;
use crate::plan::{ClusterAccess, Plan};
use crate::wait::Ready;
use serde_json::{Value, json};
use similar::TextDiff;
use std::path::Path;
use tracing::{info, warn};

/// Says what the machine is.
pub fn facts(facts: &Facts) {
    for line in facts_lines(facts) {
        info!("{line}");
    }
}

fn facts_lines(facts: &Facts) -> [String; 3] {
    let Facts { instance, limits, machine, host, node_config } = facts;
    let told = |value: Option<&str>| value.unwrap_or("unknown").to_owned();
    let source = match limits.source {
        Source::OverrideFile => "by the override file",
        Source::EmbeddedTable => "by the embedded table",
        Source::Ec2 => "by EC2",
    };
    let platform = limits.limits.row.platform;
    let cpus = machine.map_or_else(
        || format!("{} vCPUs", limits.limits.row.vcpus),
        |machine| format!("{} CPUs online", machine.cpus),
    );
    let user_data = if node_config.is_some() { "holds a NodeConfig" } else { "no NodeConfig" };
    [
        format!(
            "machine: {} {} in {} ({}), {}, {}",
            instance.instance_type,
            instance.instance_id,
            instance.zone,
            told(instance.zone_id.as_ref().map(ZoneId::as_str)),
            told(instance.vpc_id.as_ref().map(VpcId::as_str)),
            told(instance.subnet_id.as_ref().map(SubnetId::as_str)),
        ),
        format!(
            "limits: {} interfaces of {} IPv4 addresses, {platform}, {cpus}, {source}",
            limits.limits.row.interfaces, limits.limits.row.ipv4_per_interface
        ),
        format!("host: {} ({}); user data: {user_data}", host.host, host.reason),
    ]
}

/// Says what is going to be, and what the reader should know.
pub fn plan(facts: &Facts, plan: &Plan) {
    for line in plan_lines(plan) {
        info!("{line}");
    }
    for warning in warnings(facts, plan) {
        warn!("{warning}");
    }
}

fn plan_lines(plan: &Plan) -> Vec<String> {
    let Plan { capacity, kubelet, changes: _, wait } = plan;
    let eni_config = wait.as_ref().map_or_else(
        || "plan: no ENIConfig: custom networking is off".to_owned(),
        |wait| match &wait.cluster {
            Ok(cluster) => format!("plan: ENIConfig {}, at {}", wait.name, whereabouts(cluster)),
            Err(_) => format!("plan: ENIConfig {}", wait.name),
        },
    );
    vec![
        format!("plan: {capacity}"),
        format!("plan: kubeReserved {}", kubelet.kube_reserved),
        format!("plan: labels {}", kubelet.node_labels),
        eni_config,
    ]
}

fn whereabouts(cluster: &ClusterAccess) -> String {
    match cluster {
        ClusterAccess::Kubeconfig(path) => format!("the cluster of {}", path.display()),
        ClusterAccess::Node { name, endpoint, .. } => format!("cluster {name}, {endpoint}"),
    }
}

fn warnings(facts: &Facts, plan: &Plan) -> Vec<String> {
    let mut warnings: Vec<String> = plan.capacity.caveats.iter().map(ToString::to_string).collect();
    if let Some(Err(error)) = plan.wait.as_ref().map(|wait| &wait.cluster) {
        warnings.push(format!("a run would be refused: {error}"));
    }
    let reserve = u64::from(reserved::memory(plan.capacity.max_pods).0);
    let total = facts.machine.map(|machine| machine.memory_bytes >> 20);
    if let Some(total) = total.filter(|total| reserve > total / 2) {
        let pods = plan.capacity.max_pods;
        warnings.push(format!(
            "the kubelet keeps back 255 + 11 × {pods} = {reserve} Mi of {total} Mi: more than half; a lower pods.ceiling leaves more for pods"
        ));
    }
    warnings
}

/// Says what was written.
pub fn applied(applied: &[Applied]) {
    for Applied { path, outcome } in applied {
        match outcome {
            Outcome::Written => info!("apply: {} is written", path.display()),
            Outcome::Unchanged => info!("apply: {} says so already", path.display()),
            Outcome::Removed => info!("apply: {} is removed: another host's", path.display()),
            Outcome::Absent => {}
        }
    }
}

/// Says that the ENIConfig is there.
pub fn ready(plan: &Plan, ready: &Ready) {
    let Some(wait) = &plan.wait else { return };
    let groups = match &ready.eni_config.security_groups[..] {
        [] => "the primary interface's security groups".to_owned(),
        groups => groups.join(", "),
    };
    info!(
        "wait: ENIConfig {} is there after {:.1} s: {}, {groups}",
        wait.name,
        ready.waited.as_secs_f32(),
        ready.eni_config.subnet
    );
}

/// A plan for a person.
#[must_use]
pub fn plan_text(facts: &Facts, plan: &Plan) -> String {
    let mut lines: Vec<String> = facts_lines(facts).into();
    lines.extend(plan_lines(plan));
    lines.extend(warnings(facts, plan).into_iter().map(|warning| format!("warning: {warning}")));
    for change in &plan.changes {
        match change {
            Change::File { path, contents } => {
                lines.push(format!("\n{}:\n{}", path.display(), indented(contents)));
            }
            Change::Absent { path } => lines.push(format!("\n{}: absent", path.display())),
        }
    }
    lines.join("\n") + "\n"
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// A plan for a program: every term of the sum, every file.
#[must_use]
pub fn plan_json(facts: &Facts, plan: &Plan) -> Value {
    let files = plan.changes.iter().map(|change| match change {
        Change::File { path, contents } => json!({ "path": path, "contents": contents }),
        Change::Absent { path } => json!({ "path": path, "absent": true }),
    });
    json!({
        "instance": facts.instance,
        "limits": { "source": facts.limits.source, "figures": facts.limits.limits },
        "machine": facts.machine,
        "host": { "kind": facts.host.host.to_string(), "reason": facts.host.reason },
        "capacity": plan.capacity,
        "kubelet": plan.kubelet,
        "kubelet-arguments": plan.kubelet.arguments(),
        "eni-config": plan.wait.as_ref().map(|wait| &wait.name),
        "warnings": warnings(facts, plan),
        "files": files.collect::<Vec<_>>(),
    })
}

/// What `apply` would change under `root`, as a unified diff; empty where nothing would.
pub fn diff(root: &Path, changes: &[Change]) -> Result<String, DiskError> {
    let mut text = String::new();
    for change in changes {
        let old = disk::read(&disk::under(root, change.path()))?;
        let new = match change {
            Change::File { contents, .. } => contents.as_str(),
            Change::Absent { .. } => "",
        };
        let path = change.path().display().to_string();
        let side = |prefix: &str, is_there: bool| {
            if is_there { format!("{prefix}{path}") } else { "/dev/null".to_owned() }
        };
        let (from, to) =
            (side("a", old.is_some()), side("b", matches!(change, Change::File { .. })));
        let old = old.unwrap_or_default();
        let diff = TextDiff::from_lines(old.as_str(), new);
        text.push_str(&diff.unified_diff().header(&from, &to).to_string());
    }
    Ok(text)
}

#[cfg(test)]
mod tests;
