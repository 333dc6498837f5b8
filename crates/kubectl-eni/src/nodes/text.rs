//! The result as text.

use super::audit::{Audit, Compared, NodeResult};
use super::verdict::{Finding, Severity, Verdict};
use crate::output::{table, wrapped};
use eni_core::domain::plural::counted;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Returns the summary, the table of the nodes to show, and their findings.
pub(super) fn text(audit: &Audit, all: bool) -> String {
    let mut text = summary(audit);
    let shown = audit.shown(all);
    if !shown.is_empty() {
        let _ = write!(text, "\n{}", nodes(&shown, audit.cni.aws_node.cni.custom_networking));
    }
    for node in &shown {
        for finding in &node.findings {
            text.push_str(&block(node, finding));
        }
    }
    let warnings = audit.count(Severity::Warning);
    if !all && warnings > 0 {
        let nodes = counted(u32::try_from(warnings).unwrap_or(u32::MAX), "node");
        let _ = writeln!(text, "\n{nodes} with a warning not listed: add --all");
    }
    for skipped in &audit.skipped {
        let line = format!("skipped: {}: {}", skipped.check, skipped.reason);
        let _ = write!(text, "\n{}", wrapped("", "", &line));
    }
    for diagnostic in &audit.cni.aws_node.diagnostics {
        let line = format!("{}: {diagnostic}", diagnostic.severity);
        let _ = write!(text, "\n{}", wrapped("", "", &line));
    }
    text
}

/// Returns the number of nodes by severity and by verdict.
fn summary(audit: &Audit) -> String {
    let severities = [
        Severity::Wrong,
        Severity::Skipped,
        Severity::Warning,
        Severity::Right,
        Severity::OutOfScope,
    ];
    let counts = severities.map(|it| (audit.count(it), it));
    let parts = counts.iter().filter(|(count, _)| *count > 0);
    let part = |(count, severity): &(usize, Severity)| match severity {
        Severity::Warning => format!("{count} with a warning"),
        other => format!("{count} {}", other.word()),
    };
    let parts: Vec<_> = parts.map(part).collect();
    let nodes = counted(u32::try_from(audit.nodes.len()).unwrap_or(u32::MAX), "node");
    let separator = if parts.is_empty() { "" } else { ": " };
    let cni = &audit.cni.aws_node.cni;
    let version = cni.version.map_or("of unknown version".to_owned(), |it| it.to_string());
    let mut text = format!("{nodes}{separator}{}\naws-node {version}: {cni}\n", parts.join(", "));
    let by_verdict = audit.by_verdict().into_iter().filter(|(_, count)| *count > 0);
    let rows = by_verdict.map(|(verdict, count)| {
        let severity = verdict.severity().word().to_owned();
        let meaning = verdict.meaning().to_owned();
        [verdict.name().to_owned(), count.to_string(), severity, meaning]
    });
    let rows: Vec<_> = rows.collect();
    if !rows.is_empty() {
        let lines = table(["VERDICT", "NODES", "SEVERITY", "MEANING"], &[1], rows);
        let _ = writeln!(text, "\n{}", lines.join("\n"));
    }
    text
}

/// Returns the table of nodes with its legend.
fn nodes(shown: &[&NodeResult], custom_networking: bool) -> String {
    let domain = common_domain(shown);
    let name = |node: &NodeResult| {
        let short = domain.as_deref().and_then(|domain| node.name.strip_suffix(domain));
        short.unwrap_or(&node.name).to_owned()
    };
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let eni_config =
        |node: &NodeResult| node.eni_config.as_ref().map_or("-".to_owned(), |it| it.name.clone());
    let common = |node: &NodeResult| {
        let pods = node
            .pods
            .map_or("-".to_owned(), |pods| format!("{} ({})", pods.running, pods.with_address));
        let (max_pods, reserved) = (compared(node.max_pods), compared(node.reserved_memory_mib));
        (max_pods, reserved, pods, node.verdict.name().to_owned())
    };
    let lines = if custom_networking {
        let rows = shown.iter().map(|node| {
            let (max_pods, reserved, pods, verdict) = common(node);
            let place = [text(&node.instance_type), text(&node.zone), eni_config(node)];
            let [instance_type, zone, eni_config] = place;
            [name(node), instance_type, zone, eni_config, max_pods, reserved, pods, verdict]
        });
        let header =
            ["NODE", "TYPE", "ZONE", "ENICONFIG", "MAX-PODS", "RESERVED", "PODS", "VERDICT"];
        table(header, &[4, 5, 6], rows)
    } else {
        let rows = shown.iter().map(|node| {
            let (max_pods, reserved, pods, verdict) = common(node);
            let [instance_type, zone] = [text(&node.instance_type), text(&node.zone)];
            [name(node), instance_type, zone, max_pods, reserved, pods, verdict]
        });
        table(["NODE", "TYPE", "ZONE", "MAX-PODS", "RESERVED", "PODS", "VERDICT"], &[3, 4, 5], rows)
    };
    let mut legend = "MAX-PODS and RESERVED memory in MiB: of the node (computed by eni-bootstrap). PODS: running (with their own address).".to_owned();
    if let Some(domain) = domain {
        let _ = write!(legend, " NODE: without {domain}");
    }
    format!("{}\n{}", lines.join("\n"), wrapped("", "", &legend))
}

fn compared(Compared { actual, computed }: Compared) -> String {
    let text = |value: Option<u32>| value.map_or("-".to_owned(), |it| it.to_string());
    format!("{} ({})", text(actual), text(computed))
}

/// Returns the domain of the nodes, such as `.us-west-2.compute.internal`, if all that have one have the same.
fn common_domain(nodes: &[&NodeResult]) -> Option<String> {
    let domains = nodes.iter().filter_map(|node| node.name.find('.').map(|at| &node.name[at..]));
    let domains: BTreeSet<&str> = domains.collect();
    let mut domains = domains.into_iter();
    domains.next().filter(|_| domains.next().is_none()).map(str::to_owned)
}

/// Returns a finding with its fix.
fn block(node: &NodeResult, Finding { verdict, text, fix, command }: &Finding) -> String {
    let severity = match verdict {
        Verdict::OutOfScope => "",
        other => other.severity().word(),
    };
    let separator = if severity.is_empty() { "" } else { ": " };
    let mut block = format!("\n{}: {severity}{separator}{}\n", node.name, verdict.name());
    block.push_str(&wrapped("  ", "  ", text));
    if let Some(fix) = fix {
        block.push_str(&wrapped("  ", "  ", &format!("fix: {fix}")));
    }
    if let Some(command) = command {
        // On one line, to be pasted.
        let _ = writeln!(block, "    {command}");
    }
    block
}
