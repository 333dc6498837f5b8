//! Compares the nodes of a cluster with the configuration that eni-bootstrap computes for them.

use super::capacity::{self, Computed};
use super::eni_config::{EniConfigs, selection};
use super::node::{Node, PodCount, PodCounts};
use super::verdict::{Finding, Severity, Verdict};
use eni_bootstrap::adapter::kubernetes::ClusterCni;
use eni_core::domain::instance_limits::LimitsTable;
use eni_core::failure::ExitCode;
use serde::Serialize;
use std::collections::BTreeMap;

/// What the audit has read from the cluster.
#[derive(Debug)]
pub(super) struct Observed {
    pub cni: ClusterCni,
    pub nodes: Vec<Node>,
    /// `None` without custom networking, or if they cannot be read.
    pub eni_configs: Option<EniConfigs>,
    /// `None` with `--no-pods`, or if they cannot be read.
    pub pods: Option<PodCounts>,
    pub skipped: Vec<SkippedCheck>,
    /// The setting `pods.extra` of the nodes.
    pub pods_extra: u32,
}

/// A check that could not run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct SkippedCheck {
    /// The stable name: `pods`, `eni-configs` or `subnets`.
    pub check: &'static str,
    /// Why, on one line.
    pub reason: String,
}

/// A value of a node beside the computed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Compared {
    /// The value in the Node object.
    pub actual: Option<u32>,
    /// The value that eni-bootstrap computes; `None` if it cannot.
    pub computed: Option<u32>,
}

/// The ENIConfig that the CNI selects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct SelectedEniConfig {
    pub name: String,
    /// The label or annotation; `None` if the CNI uses `default`.
    pub source: Option<String>,
    /// `None` if the ENIConfigs cannot be read.
    pub exists: Option<bool>,
}

/// The result for one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct NodeResult {
    pub name: String,
    pub instance_type: Option<String>,
    pub zone: Option<String>,
    /// `None` without custom networking.
    pub eni_config: Option<SelectedEniConfig>,
    pub max_pods: Compared,
    /// In MiB, without the default eviction threshold of 100 MiB.
    pub reserved_memory_mib: Compared,
    /// `None` if the pods were not read.
    pub pods: Option<PodCount>,
    pub verdict: Verdict,
    pub severity: Severity,
    pub findings: Vec<Finding>,
}

/// The result for a cluster.
#[derive(Debug)]
pub(super) struct Audit {
    /// The nodes in the order of their names.
    pub nodes: Vec<NodeResult>,
    pub skipped: Vec<SkippedCheck>,
    pub cni: ClusterCni,
}

/// Checks every node.
pub(super) fn audit(observed: Observed) -> Audit {
    let table = LimitsTable::default();
    let mut nodes: Vec<_> =
        observed.nodes.iter().map(|node| observed.result(node, &table)).collect();
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    Audit { nodes, skipped: observed.skipped, cni: observed.cni }
}

impl Observed {
    fn result(&self, node: &Node, table: &LimitsTable) -> NodeResult {
        let aws_node = &self.cni.aws_node;
        let mut result = NodeResult {
            name: node.name.clone(),
            instance_type: node.instance_type().map(str::to_owned),
            zone: node.zone().map(str::to_owned),
            eni_config: None,
            max_pods: Compared { actual: node.max_pods, computed: None },
            reserved_memory_mib: Compared { actual: node.reserved.map(mebibytes), computed: None },
            pods: self.pods.as_ref().map(|it| it.get(&node.name).copied().unwrap_or_default()),
            verdict: Verdict::Right,
            severity: Severity::Right,
            findings: Vec::new(),
        };
        if let Some(reason) = node.scope().out_of_scope(&self.cni.node_selector) {
            return result.with(vec![Finding::new(Verdict::OutOfScope, reason)]);
        }
        let (computed, mut findings) =
            capacity::check(node, (aws_node.cni, self.pods_extra), table);
        if let Some(Computed { max_pods, reserved }) = computed {
            result.max_pods.computed = Some(max_pods);
            result.reserved_memory_mib.computed = Some(mebibytes(reserved));
        }
        if aws_node.cni.custom_networking {
            let selected = selection(node, aws_node);
            let eni_configs = self.eni_configs.as_ref();
            let label_def = &aws_node.eni_config_label;
            findings.extend(eni_configs.and_then(|it| it.check(node, &selected, label_def)));
            let exists = eni_configs.map(|it| it.by_name.contains_key(&selected.name));
            let source = selected.source;
            result.eni_config = Some(SelectedEniConfig { name: selected.name, source, exists });
        }
        result.with(findings)
    }
}

impl NodeResult {
    /// Adds the findings, and sets the verdict to the first in the order of precedence.
    fn with(mut self, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.verdict);
        self.verdict = findings.first().map_or(Verdict::Right, |finding| finding.verdict);
        self.severity = self.verdict.severity();
        self.findings = findings;
        self
    }
}

impl Audit {
    /// Returns the number of nodes of each verdict, including 0.
    pub(super) fn by_verdict(&self) -> BTreeMap<Verdict, usize> {
        let mut counts: BTreeMap<_, _> = Verdict::ALL.into_iter().map(|it| (it, 0)).collect();
        for node in &self.nodes {
            *counts.entry(node.verdict).or_default() += 1;
        }
        counts
    }

    /// Returns the number of nodes with this severity.
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.nodes.iter().filter(|node| node.severity == severity).count()
    }

    /// Returns the nodes to print: those that are wrong or not checked, or all.
    pub(super) fn shown(&self, all: bool) -> Vec<&NodeResult> {
        let is_shown = |node: &&NodeResult| all || node.severity <= Severity::Skipped;
        self.nodes.iter().filter(is_shown).collect()
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        if self.count(Severity::Wrong) > 0 {
            ExitCode::CheckFailed
        } else if self.count(Severity::Skipped) > 0 || !self.skipped.is_empty() {
            ExitCode::CheckSkipped
        } else {
            ExitCode::Success
        }
    }
}

fn mebibytes(bytes: u64) -> u32 {
    u32::try_from(bytes >> 20).unwrap_or(u32::MAX)
}
