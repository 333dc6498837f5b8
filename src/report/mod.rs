//! What happened, in words: one log line for each step of the straight line, and a plan as text,
//! JSON, YAML, arguments or a diff.

pub mod diff;
pub mod picture;
mod warnings;

use warnings::warnings;
pub use warnings::{of_plan, remarks};

use crate::adapter::disk::{self, DiskError, Outcome};
use crate::apply::Applied;
use crate::observe::Connection;
use crate::wait::Ready;
use eni_core::domain::aws_node::AwsNode;
use eni_core::domain::finding::{Finding, Verdict};
use eni_core::domain::identifier::{SubnetId, VpcId};
use eni_core::domain::limits::Source;
use eni_core::domain::zone::ZoneId;
use eni_core::facts::Facts;
use eni_core::host::Change;
use eni_core::host::bottlerocket::KubeletSettings;
use eni_core::host::cluster::{ClusterSource, Said, Told};
use eni_core::plan::Plan;
use serde_json::{Value, json};
use std::path::Path;
use tracing::{info, warn};

/// Says what the machine is.
pub fn facts(facts: &Facts) {
    for line in facts_lines(facts) {
        info!("{line}");
    }
}

fn facts_lines(facts: &Facts) -> [String; 3] {
    let Facts { instance, limits, machine, host, elsewhere: _, told } = facts;
    let known = |value: Option<&str>| value.unwrap_or("unknown").to_owned();
    let source = match limits.source {
        Source::OverrideFile => "by the override file",
        Source::EmbeddedTable => "by the embedded table",
        Source::Ec2 => "by EC2",
    };
    let platform = limits.limits.platform;
    let cpus = machine.map_or_else(
        || format!("{} vCPUs", limits.limits.vcpus),
        |machine| format!("{} CPUs online", machine.cpus),
    );
    let is_user_data = |told: &Told| told.source == ClusterSource::UserData;
    let user_data =
        if told.iter().any(is_user_data) { "holds a NodeConfig" } else { "no NodeConfig" };
    [
        format!(
            "machine: {} {} in {} ({}), {}, {}",
            instance.instance_type,
            instance.instance_id,
            instance.zone,
            known(instance.zone_id.as_ref().map(ZoneId::as_str)),
            known(instance.vpc_id.as_ref().map(VpcId::as_str)),
            known(instance.subnet_id.as_ref().map(SubnetId::as_str)),
        ),
        format!(
            "limits: {} interfaces of {} IPv4 addresses, {platform}, {cpus}, {source}",
            limits.limits.interfaces, limits.limits.ipv4_per_interface
        ),
        format!("host: {} ({}); user data: {user_data}", host.host, host.reason),
    ]
}

/// Says which cluster this is, why another source was passed over, and what its CNI is set to.
pub fn asked(facts: &Facts, connection: Option<&Connection>, aws_node: Option<&AwsNode>) {
    for line in asked_lines(facts, connection, aws_node) {
        info!("{line}");
    }
}

fn asked_lines(
    facts: &Facts,
    connection: Option<&Connection>,
    aws_node: Option<&AwsNode>,
) -> Vec<String> {
    let Some(connection) = connection else { return Vec::new() };
    let passed_over = facts.told.iter().filter_map(|Told { source, said }| match said {
        Said::PassedOver(why) => Some(format!("cluster: {source} is passed over: {why}")),
        Said::Cluster(_) | Said::Whole(_) => None,
    });
    let mut lines: Vec<String> = passed_over.collect();
    lines.push(format!("cluster: {}", connection.cluster));
    lines.extend(aws_node.map(|aws_node| {
        format!(
            "cni: the aws-node DaemonSet says {}; it reads the ENIConfig's name from the label {}",
            aws_node.cni, aws_node.eni_config_label
        )
    }));
    lines
}

/// Says what is going to be, and what the reader should know.
pub fn plan(facts: &Facts, plan: &Plan) {
    for line in plan_lines(plan) {
        info!("{line}");
    }
    for warning in warnings(facts, plan) {
        warn!("{}", warning.says);
    }
}

fn plan_lines(plan: &Plan) -> Vec<String> {
    let Plan { cni, capacity, settled, kubelet, wait, .. } = plan;
    let eni_config = wait.as_ref().map_or_else(
        || "plan: no ENIConfig: custom networking is off".to_owned(),
        |name| format!("plan: ENIConfig {name}"),
    );
    let same = cni.overrides.iter().filter(|it| !it.differs()).map(ToString::to_string);
    let mut lines: Vec<String> = same.collect();
    lines.extend([format!("plan: {capacity}")]);
    lines.extend(settled.iter().filter(|it| !it.misleads()).map(|it| format!("plan: {it}")));
    lines.extend([
        format!("plan: kubeReserved {}", kubelet.kube_reserved),
        format!("plan: labels {}", kubelet.node_labels),
        eni_config,
    ]);
    lines
}

/// Says what was written.
pub fn applied(applied: &[Applied]) {
    for Applied { target, outcome } in applied {
        match outcome {
            Outcome::Written => info!("apply: {target} is written"),
            Outcome::Unchanged => info!("apply: {target} says so already"),
            Outcome::Removed => info!("apply: {target} is removed"),
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
    for Finding { verdict, check, says, help } in &ready.findings {
        let help = help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        match verdict {
            Verdict::Ok => info!("verify: {check}: {says}"),
            Verdict::Skipped => info!("verify: {check} skipped: {says}{help}"),
            Verdict::Warning | Verdict::Fails => warn!("verify: {check}: {says}{help}"),
        }
    }
    info!(
        "wait: ENIConfig {wait} is there after {:.1} s: {}, {groups}",
        ready.waited.as_secs_f32(),
        ready.eni_config.subnet
    );
}

/// What a plan was made from, and whether a run would get that far.
#[derive(Debug)]
pub struct Shown<'a> {
    /// The machine.
    pub facts: &'a Facts,
    /// The cluster, where it was asked.
    pub connection: Option<&'a Connection>,
    /// What its CNI is set to.
    pub aws_node: Option<&'a AwsNode>,
    /// Why a run would be refused.
    pub refused: Option<String>,
}

impl Shown<'_> {
    fn warnings(&self, plan: &Plan) -> Vec<String> {
        let known = warnings(self.facts, plan).map(|warning| warning.says);
        self.refused.iter().cloned().chain(known).collect()
    }
}

/// A plan for a person.
#[must_use]
pub fn plan_text(shown: &Shown<'_>, plan: &Plan) -> String {
    let mut lines: Vec<String> = facts_lines(shown.facts).into();
    lines.extend(asked_lines(shown.facts, shown.connection, shown.aws_node));
    lines.extend(plan_lines(plan));
    lines.extend(shown.warnings(plan).into_iter().map(|warning| format!("warning: {warning}")));
    for change in &plan.changes {
        match change {
            Change::File { contents, .. } => {
                lines.push(format!("\n{}:\n{}", change.target(), indented(contents)));
            }
            Change::Absent { .. } => lines.push(format!("\n{}: absent", change.target())),
            Change::SnapArguments { arguments, .. } => {
                lines.push(format!("\n{}:\n    {arguments}", change.target()));
            }
            Change::BottlerocketSettings { wanted, .. } => {
                lines.push(format!("\n{}:\n{}", change.target(), indented(&pretty(wanted))));
            }
        }
    }
    lines.join("\n") + "\n"
}

/// As the API takes them.
fn pretty(settings: &KubeletSettings) -> String {
    format!("{:#}\n", json!(settings))
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// A plan for a program: every term of the sum, every file.
#[must_use]
pub fn plan_json(shown: &Shown<'_>, plan: &Plan) -> Value {
    let facts = shown.facts;
    let files = plan.changes.iter().map(|change| match change {
        Change::File { path, contents } => json!({ "path": path, "contents": contents }),
        Change::Absent { path } => json!({ "path": path, "absent": true }),
        Change::SnapArguments { arguments, .. } => {
            json!({ "snap": "kubelet-eks", "arguments": arguments })
        }
        Change::BottlerocketSettings { wanted, .. } => json!({ "settings.kubernetes": wanted }),
    });
    json!({
        "instance": facts.instance,
        "limits": { "source": facts.limits.source, "figures": facts.limits.limits },
        "machine": facts.machine,
        "host": { "kind": facts.host.host.to_string(), "reason": facts.host.reason },
        "cluster": shown.connection.map(|connection| connection.cluster.to_string()),
        "cni": {
            "source": plan.cni.source,
            "in-force": plan.cni.cni,
            "overrides": plan.cni.overrides,
        },
        "capacity": plan.capacity,
        "kubelet": plan.kubelet,
        "kubelet-arguments": plan.kubelet.arguments(),
        "eni-config": plan.wait,
        "warnings": shown.warnings(plan),
        "files": files.collect::<Vec<_>>(),
    })
}

/// What `apply` would change under `root`, as a unified diff; empty where nothing would.
pub fn diff(root: &Path, changes: &[Change]) -> Result<String, DiskError> {
    let mut text = String::new();
    for change in changes {
        let old = match change {
            Change::File { path, .. } | Change::Absent { path } => {
                disk::read(&disk::under(root, path))?
            }
            Change::SnapArguments { current, .. } => Some(format!("{current}\n")),
            Change::BottlerocketSettings { current, .. } => Some(pretty(current)),
        };
        let new = match change {
            Change::File { contents, .. } => Some(contents.clone()),
            Change::Absent { .. } => None,
            Change::SnapArguments { arguments, .. } => Some(format!("{arguments}\n")),
            Change::BottlerocketSettings { wanted, .. } => Some(pretty(wanted)),
        };
        let target = change.target();
        let side = |prefix: &str, is_there: bool| {
            if is_there { format!("{prefix}{target}") } else { "/dev/null".to_owned() }
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
