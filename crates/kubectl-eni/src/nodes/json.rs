//! The result as JSON.

use super::audit::{Audit, NodeResult, SkippedCheck};
use super::verdict::Severity;
use eni_core::diagnostic::Diagnostic;
use eni_core::domain::cni::Cni;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'a> {
    summary: Summary,
    cni: CniDocument<'a>,
    skipped: &'a [SkippedCheck],
    nodes: Vec<&'a NodeResult>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Summary {
    nodes: usize,
    wrong: usize,
    skipped: usize,
    warning: usize,
    right: usize,
    out_of_scope: usize,
    /// The number of nodes by verdict, including 0.
    verdicts: BTreeMap<&'static str, usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct CniDocument<'a> {
    image: &'a str,
    config: Cni,
    eni_config_label: &'a str,
    eni_config_annotation: &'a str,
    diagnostics: &'a [Diagnostic],
}

/// Returns the document, which ends with a line break.
pub(super) fn json(audit: &Audit, all: bool) -> Result<String, serde_json::Error> {
    let aws_node = &audit.cni.aws_node;
    let verdicts = audit.by_verdict().into_iter().map(|(verdict, count)| (verdict.name(), count));
    let document = Document {
        summary: Summary {
            nodes: audit.nodes.len(),
            wrong: audit.count(Severity::Wrong),
            skipped: audit.count(Severity::Skipped),
            warning: audit.count(Severity::Warning),
            right: audit.count(Severity::Right),
            out_of_scope: audit.count(Severity::OutOfScope),
            verdicts: verdicts.collect(),
        },
        cni: CniDocument {
            image: &aws_node.image,
            config: aws_node.cni,
            eni_config_label: &aws_node.eni_config_label,
            eni_config_annotation: &aws_node.eni_config_annotation,
            diagnostics: &aws_node.diagnostics,
        },
        skipped: &audit.skipped,
        nodes: audit.shown(all),
    };
    serde_json::to_string_pretty(&document).map(|text| text + "\n")
}
