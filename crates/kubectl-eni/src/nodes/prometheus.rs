//! The result in the text format of Prometheus, without timestamps.
//!
//! Source: "Exposition formats", Prometheus documentation.

use super::audit::{Audit, NodeResult};
use super::verdict::Severity;
use std::fmt::Write as _;

/// The number of bytes in a MiB.
const MEBIBYTE: u64 = 1 << 20;

/// Returns the metrics. Nodes have their own metrics only if they are wrong.
pub(super) fn prometheus(audit: &Audit) -> String {
    let mut text = String::new();
    family(
        &mut text,
        ("eni_bootstrap_nodes", "Nodes by verdict."),
        audit.by_verdict().into_iter().map(|(verdict, count)| {
            (format!("verdict=\"{}\"", verdict.name()), u64::try_from(count).unwrap_or(u64::MAX))
        }),
    );
    family(
        &mut text,
        ("eni_bootstrap_nodes_skipped_check", "1 for each check that could not run."),
        audit.skipped.iter().map(|skipped| (format!("check=\"{}\"", skipped.check), 1)),
    );
    let wrong: Vec<&NodeResult> =
        audit.nodes.iter().filter(|node| node.severity == Severity::Wrong).collect();
    family(
        &mut text,
        ("eni_bootstrap_node_wrong", "1 for each problem of a wrong node."),
        wrong.iter().flat_map(|node| problems(node)),
    );
    for (name, help, value) in GAUGES {
        let samples = wrong
            .iter()
            .filter_map(|node| Some((format!("node=\"{}\"", escaped(&node.name)), value(node)?)));
        family(&mut text, (name, help), samples);
    }
    text
}

/// A metric of a wrong node: its name, its description and its value.
type Gauge = (&'static str, &'static str, fn(&NodeResult) -> Option<u64>);

const GAUGES: [Gauge; 5] = [
    ("eni_bootstrap_node_max_pods", "Pods that the kubelet of a wrong node accepts.", |node| {
        node.max_pods.actual.map(u64::from)
    }),
    (
        "eni_bootstrap_node_computed_max_pods",
        "max-pods that eni-bootstrap computes for a wrong node.",
        |node| node.max_pods.computed.map(u64::from),
    ),
    (
        "eni_bootstrap_node_reserved_memory_bytes",
        "Memory that a wrong node reserves, without the eviction threshold.",
        |node| node.reserved_memory_mib.actual.map(|it| u64::from(it) * MEBIBYTE),
    ),
    (
        "eni_bootstrap_node_computed_reserved_memory_bytes",
        "Memory reserve that eni-bootstrap computes for a wrong node.",
        |node| node.reserved_memory_mib.computed.map(|it| u64::from(it) * MEBIBYTE),
    ),
    (
        "eni_bootstrap_node_pods_with_address",
        "Pods with their own address that run on a wrong node.",
        |node| node.pods.map(|pods| u64::from(pods.with_address)),
    ),
];

/// Returns the labels of each problem with the severity wrong.
fn problems(node: &NodeResult) -> impl Iterator<Item = (String, u64)> {
    let wrong = node.findings.iter().filter(|it| it.verdict.severity() == Severity::Wrong);
    wrong.map(|finding| {
        let instance_type = node.instance_type.as_deref().unwrap_or_default();
        let zone = node.zone.as_deref().unwrap_or_default();
        let labels = [
            ("node", node.name.as_str()),
            ("verdict", finding.verdict.name()),
            ("instance_type", instance_type),
            ("zone", zone),
        ];
        let labels = labels.map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
        (labels.join(","), 1)
    })
}

/// Writes a metric with its description. A metric without samples has only its description.
fn family(
    text: &mut String,
    (name, help): (&str, &str),
    samples: impl IntoIterator<Item = (String, u64)>,
) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
    for (labels, value) in samples {
        let _ = writeln!(text, "{name}{{{labels}}} {value}");
    }
}

/// Escapes the value of a label.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_label_is_escaped() {
        assert_eq!(escaped("a\\b\"c\nd"), "a\\\\b\\\"c\\nd");
    }

    #[test]
    fn a_metric_without_samples_keeps_its_description() {
        let mut text = String::new();
        family(&mut text, ("a", "Nothing."), []);
        assert_eq!(text, "# HELP a Nothing.\n# TYPE a gauge\n");
    }
}
